"""Batches through HTTP against raw COPY, a plain DRF view and django-auditlog, in the same rounds.

COPY and the plain view write into the same table with all its indexes; django-auditlog writes its
own, in a database of its own on the same server.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from statistics import median

import psycopg
from django.utils import timezone

from bench import client, deliveries, fill
from bench.deliveries import CLIENTS, Door
from bench.events import EVENTS_PER_REQUEST, request_bodies
from bench.measures import (
    MICROSECONDS,
    Options,
    Promise,
    Result,
    Sample,
    Table,
    ratios,
    say,
    spread,
    tree_cpu_seconds,
)
from bench.portal import Portal, free_port
from logs.record.drafts import Draft, parse_batch
from logs.record.identifiers import new_ids, segment_name
from logs.record.vocabulary import LogType
from orgo_audit import logins
from orgo_audit.accounts.models import Organization
from orgo_audit.embedded import paths
from orgo_audit.embedded.postgres import PORT
from orgo_audit.periods import start_of_month

MOST_ROWS_A_SECOND = 90_000  # of one COPY connection; more lines need not lie ready
HTTP, COPY_ONE, COPY_TWO = "HTTP", "COPY", "COPY, 2 connections"
PLAIN_BATCH = 1000
PLAIN, SAVES = "DRF serializer + bulk_create", "django-auditlog save()"
Block = list[str]


def run(portal: Portal, options: Options) -> Result:
    latencies: list[float] = []
    with _doors(portal) as (ours, plain), _watched(portal) as saves, _executors() as executors:
        bench = _Bench(portal, options.seconds, *executors)
        arms: dict[str, Callable[[], Sample]] = {
            HTTP: partial(bench.through_http, ours, latencies),
            COPY_ONE: partial(bench.raw_copy, connections=1),
            COPY_TWO: partial(bench.raw_copy, connections=2),
            PLAIN: partial(bench.through_http, plain, []),
            SAVES: partial(bench.watched_saves, saves),
        }
        for name in (HTTP, PLAIN, SAVES):
            arms[name]()  # warm
        latencies.clear()
        samples: dict[str, list[Sample]] = {name: [] for name in arms}
        for number in range(options.rounds):
            for name in list(arms)[:: 1 if number % 2 else -1]:
                samples[name].append(arms[name]())
            told = ", ".join(f"{name} {samples[name][-1].rate:,.0f}" for name in arms)
            say(f"round {number + 1} of {options.rounds}: {told} events/s")
    return _result(samples, latencies)


@contextmanager
def _doors(portal: Portal) -> Iterator[tuple[Door, Door]]:
    """Our web server, and one of the same configuration that serves the plain view."""
    port = free_port()
    changes = {"DJANGO_SETTINGS_MODULE": "bench.plain_settings", "ORGO_PORT": str(port)}
    with portal.web_server() as ours, portal.web_server(changes) as plain:
        yield Door(ours, portal.port), Door(plain, port)


@contextmanager
def _watched(portal: Portal) -> Iterator[subprocess.Popen[bytes]]:
    """A process that saves what django-auditlog watches, in a database that it has made."""
    name = "bench_watched"
    portal.new_database(name, template="template1")
    role = logins.role_name(logins.OWNER)
    environment = portal.environments.bare() | {
        "WATCHED_NAME": name,
        "WATCHED_USER": role,
        "WATCHED_PASSWORD": paths.read_secret(portal.home, role),
        "WATCHED_HOST": str(paths.socket_folder(portal.home)),
        "WATCHED_PORT": PORT,
    }
    with deliveries.worker("bench.watched", environment) as saves:
        yield saves


@contextmanager
def _executors() -> Iterator[tuple[Executor, Executor]]:
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(CLIENTS, mp_context=spawn) as clients,
        ThreadPoolExecutor(2) as threads,
    ):
        yield clients, threads


class _Bench:
    """The arms. Each begins with an empty segment and a checkpoint behind it."""

    def __init__(
        self, portal: Portal, seconds: float, clients: Executor, threads: Executor
    ) -> None:
        self.portal = portal
        self.seconds = seconds
        self.clients = clients
        self.threads = threads
        self.organization_id = Organization.objects.get().pk
        self.connections = [portal.connect(logins.WEB) for _ in range(2)]
        self.tails = _tails()

    def through_http(self, door: Door, latencies: list[float]) -> Sample:
        self._empty_segment()
        return deliveries.deliver(
            self.portal, door, self.clients, self.seconds, latencies=latencies
        )

    def watched_saves(self, saves: subprocess.Popen[bytes]) -> Sample:
        self._empty_segment()
        return deliveries.ask(self.portal, saves, b"%f" % self.seconds)

    def raw_copy(self, *, connections: int) -> Sample:
        self._empty_segment()
        ready = [self._blocks() for _ in range(connections)]
        backends = tree_cpu_seconds(self.portal.postgres_pid)
        waiting = [
            self.threads.submit(self._copy, connection, blocks)
            for connection, blocks in zip(self.connections, ready, strict=False)
        ]
        done = [one.result() for one in waiting]
        backends = tree_cpu_seconds(self.portal.postgres_pid) - backends
        per_event = MICROSECONDS / sum(events for events, _, _ in done)
        return Sample(
            rate=sum(events / seconds for events, seconds, _ in done),
            client_cpu=sum(cpu for _, _, cpu in done) * per_event,
            server_cpu=0,
            backend_cpu=backends * per_event,
        )

    def _copy(
        self, connection: psycopg.Connection, blocks: list[bytes]
    ) -> tuple[int, float, float]:
        """How many events, in how many seconds, with how much CPU of ours."""
        events = 0
        cpu, began = time.thread_time(), time.perf_counter()
        for block in blocks:
            with connection.cursor() as cursor, cursor.copy(fill.COPY) as copy:
                copy.write(block)  # autocommit: a transaction of its own
            events += EVENTS_PER_REQUEST
            if time.perf_counter() - began >= self.seconds:
                break
        return events, time.perf_counter() - began, time.thread_time() - cpu

    def _blocks(self) -> list[bytes]:
        """Lines that are ready to be sent: only the ids are new."""
        wanted = int(self.seconds * MOST_ROWS_A_SECOND / EVENTS_PER_REQUEST) + 1
        now = timezone.now()
        told = now.isoformat()
        blocks = []
        for _, tails in zip(range(wanted), cycle(self.tails), strict=False):
            identifiers = new_ids(now, EVENTS_PER_REQUEST)
            blocks.append(
                "".join(
                    fill.head(identifier, LogType.ACTIVITY, self.organization_id, told) + tail
                    for identifier, tail in zip(identifiers, tails, strict=True)
                ).encode()
            )
        return blocks

    def _empty_segment(self) -> None:
        month = start_of_month(timezone.now())
        table = f"event_{segment_name(LogType.ACTIVITY, month)}".replace("-", "_")
        with self.portal.connect(logins.OWNER) as owner, owner.transaction():
            owner.execute(f"DROP TABLE {table}")
            owner.execute("SELECT make_segment(%s, %s)", [LogType.ACTIVITY.value, month.date()])
        with self.portal.postgres.superuser_connection() as superuser:
            superuser.execute("CHECKPOINT")


def _tails() -> list[Block]:
    """The very events that the clients send, as the lines that they become."""
    now = timezone.now()
    batches = []
    for body in request_bodies(client.DISTINCT_BODIES):
        items = parse_batch(body, lines=False, log_type=LogType.ACTIVITY, now=now)
        drafts = [item.verdict for item in items if isinstance(item.verdict, Draft)]
        batches.append([fill.tail(draft, "sample_workflow") for draft in drafts])
    return batches


def _result(samples: dict[str, list[Sample]], latencies: list[float]) -> Result:
    ours, copied = samples[HTTP], samples[COPY_ONE]
    rows = [
        (
            name,
            spread(sample.rate for sample in own),
            spread(ratios(own, copied), digits=3),
            spread(ratios(ours, own), digits=2),
            *(
                spread((getattr(sample, part) for sample in own), digits=1)
                for part in ("client_cpu", "server_cpu", "backend_cpu")
            ),
        )
        for name, own in samples.items()
    ]
    headings = ("arm", "events/s", "of COPY", "HTTP / it", "client us", "server us", "backend us")
    takes = spread((1000 * latency for latency in latencies), digits=0)
    title = (
        f"Ingest: {EVENTS_PER_REQUEST} events a request or transaction, {CLIENTS} clients;"
        f" median [lowest..highest] of {len(ours)} rounds; CPU per event. A request takes"
        f" {takes} ms.\n{PLAIN}: a ListSerializer with {PLAIN_BATCH} objects an INSERT into the"
        " same table, same web server, token, types and limits; it judges and seals nothing.\n"
        f"{SAVES}: a model of 6 fields, half creates and half updates, autocommit, one process;"
        " events are its log entries."
    )
    promises = [
        Promise(what, median(ratios(ours, samples[name])), limit, aim, more_is_better=True)
        for what, name, limit, aim in (
            ("1,000 events a request through HTTP, of raw COPY", COPY_ONE, 0.5, 0.8),
            ("the same, of a DRF serializer and bulk_create", PLAIN, 4, 6.5),
            ("the same, of django-auditlog's save()", SAVES, 20, 50),
        )
    ]
    return Result([Table(title, headings, rows)], promises)
