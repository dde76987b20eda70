"""Where a request of a thousand events spends its time; what strict JSON costs. No promise."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import msgspec
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.utils import timezone

from bench.events import EVENTS_PER_REQUEST, request_bodies
from bench.measures import MICROSECONDS, Options, Result, Table, spread
from bench.portal import Portal
from logs.record import ingest, sensitivity
from logs.record.drafts import Item, parse_batch
from logs.record.receipts import Sender
from logs.record.vocabulary import LogType
from orgo_audit import strict_json
from orgo_audit.accounts.models import Organization
from orgo_audit.embedded import paths
from orgo_audit.policy import versions

REPEATS_A_ROUND = 9


def run(portal: Portal, options: Options) -> Result:
    [body] = request_bodies(1)
    organization = Organization.objects.get()
    sender = Sender(organization, "bench")
    items = _parsed(body)
    sent = [item.sent for item in items]
    rules = sensitivity.Rules.of(versions.current().for_organization(organization.slug))
    token = paths.read_secret(portal.home, "sample_ingest_token")
    application = get_wsgi_application()
    stages: dict[str, Callable[[], object]] = {
        "msgspec decode alone": lambda: msgspec.json.decode(body),
        "strict_json.parse": lambda: strict_json.parse(body),
        "parse_batch (strict JSON, types, limits)": lambda: _parsed(body),
        "sensitivity.judge": lambda: sensitivity.judge(sent, rules, lambda named: set()),
        "store_batch (judge, ids, rows, COPY, commit)": lambda: ingest.store_batch(items, sender),
        "the whole request, without gunicorn": lambda: _answered(application, token, body),
    }
    rounds = options.rounds * REPEATS_A_ROUND
    times: dict[str, list[float]] = {name: [] for name in stages}
    cpu: dict[str, list[float]] = {name: [] for name in stages}
    for number in range(rounds + 1):
        for name, stage in stages.items():
            wall, own = _timed(stage)
            if number:  # the first warms
                times[name].append(wall)
                cpu[name].append(own)
    rows = [(name, spread(times[name], digits=1), spread(cpu[name], digits=1)) for name in stages]
    title = f"One request of {EVENTS_PER_REQUEST} events, {len(body):,} bytes; {rounds} repeats"
    return Result([Table(title, ("stage", "wall us/event", "Python CPU us/event"), rows)])


def _parsed(body: bytes) -> list[Item]:
    return parse_batch(body, lines=False, log_type=LogType.ACTIVITY, now=timezone.now())


def _answered(application: WSGIHandler, token: str, body: bytes) -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/activity-logs/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
    }
    answer: Any = application(environ, lambda status, headers, *rest: lambda data: None)
    if answer.status_code != 201:
        raise RuntimeError(f"{answer.status_code}: {answer.content[:300]!r}")


def _timed(stage: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU microseconds an event."""
    cpu, began = time.thread_time(), time.perf_counter()
    stage()
    wall, spent = time.perf_counter() - began, time.thread_time() - cpu
    each = MICROSECONDS / EVENTS_PER_REQUEST
    return wall * each, spent * each
