"""No metric, log line or header tells the minute in which something sensitive was delivered."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone
from gunicorn.config import Config
from gunicorn.glogging import Logger
from pytest_django import DjangoCaptureOnCommitCallbacks

from logs.record import quarantine
from logs.record.access import Viewer
from logs.record.models import TaskClock
from logs.record.vocabulary import LogType
from monitoring import exposition
from orgo_audit.accounts.models import Role
from orgo_audit.embedded import gunicorn_config
from orgo_audit.log_lines import LogLine
from tests.builders import (
    API,
    PATH_OF,
    Answer,
    Service,
    Vault,
    a_refused_item,
    a_user,
    an_organization,
    setting_the_scene,
    wire_event,
)
from tests.logs.portal.desk import Desk

pytestmark = pytest.mark.django_db

Deliver = Callable[..., Answer]
Moved = dict[str, float]

ORDINARY = wire_event()
REPORT = wire_event(action="Report Filed")
LONG = {"note": "x" * 50_000}
REFUSED = {"user": 5}
STORED = 'orgo_audit_events_stored_total{log_type="activity"}'
ROUTED = 'orgo_tasks_routed_total{outcome="success"}'
STORED_BY_US = 'orgo_audit_events_stored_total{log_type="security"}'  # who replayed
ACCEPTED = 'orgo_audit_quarantine_settled_total{how="accepted"}'
WAITING = "orgo_audit_quarantine_items"
REFUSALS = 'orgo_audit_events_refused_total{log_type="activity"}'
# What is delivered, how it is answered, and all that may move: the ordinary part alone.
DELIVERIES: dict[str, tuple[list[Any], int, Moved]] = {
    "ordinary": ([ORDINARY], 201, {STORED: 1, ROUTED: 1}),
    "ordinary and long": ([ORDINARY | LONG], 201, {STORED: 1, ROUTED: 1}),
    "ordinary and refused": ([ORDINARY | REFUSED], 400, {REFUSALS: 1, WAITING: 1}),
    "ordinary and partly refused": (
        [ORDINARY, ORDINARY | REFUSED],
        207,
        {STORED: 1, ROUTED: 1, REFUSALS: 1, WAITING: 1},
    ),
    "sealed": ([REPORT], 202, {}),
    "sealed and long": ([REPORT | LONG], 202, {}),
    "sealed beside ordinary": ([REPORT, ORDINARY, ORDINARY], 202, {STORED: 2, ROUTED: 2}),
    "refused and sealed": ([REPORT | REFUSED], 400, {}),
    "refused and sealed beside ordinary": (
        [ORDINARY, REPORT | REFUSED],
        207,
        {STORED: 1, ROUTED: 1},
    ),
    "refused and sealed beside sealed": ([REPORT, REPORT | REFUSED], 207, {}),
}
of_each_kind = pytest.mark.parametrize(
    ("events", "status", "may_move"), DELIVERIES.values(), ids=DELIVERIES
)


@pytest.fixture
def service(vault: Vault) -> Service:
    """It has delivered before, so that nothing happens for the first time in a test."""
    service = Service(an_organization())
    service.deliver(ORDINARY)
    return service


def scraped() -> Moved:
    """Every series of /metrics, asked past the middleware: a scrape counts itself.

    Without the process's own ones (its memory, its processor time), which `up` has none of.
    """
    exposition.forget_cache()
    page = exposition.metrics(RequestFactory().get("/metrics")).content.decode()
    series = re.findall(r"^([^#\s][^{\s]*(?:{.*})?) (\S+)$", page, re.MULTILINE)
    return {
        name: float(value)
        for name, value in series
        if not name.startswith(("process_", "python_")) and "_created" not in name
    }


def moved(before: Moved) -> Moved:
    after = scraped()
    return {
        name: after[name] - before.get(name, 0.0)
        for name in after
        if name not in before or after[name] != before[name]
    }


@pytest.mark.parametrize("path", [PATH_OF[LogType.ACTIVITY], f"{API}/logs/"])
@of_each_kind
def test_a_delivery_moves_the_counters_of_its_ordinary_events_alone(
    service: Service,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    path: str,
    events: list[Any],
    status: int,
    may_move: Moved,
) -> None:
    sent = [event | {"log_type": "activity"} for event in events]
    before = scraped()
    with django_capture_on_commit_callbacks(execute=True):
        assert service.post(path, sent).status == status
    assert moved(before) == may_move


REPLAYS: dict[str, dict[str, Any]] = {
    "stored": {},
    "sealed": {"task_id": "reported"},
    "sealed though it is still refused": {"task_id": "reported"} | REFUSED,
}


@pytest.mark.parametrize("fields", REPLAYS.values(), ids=REPLAYS)
def test_a_replay_does_not_tell_what_was_sealed_from_what_was_stored(
    service: Service,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    fields: dict[str, Any],
) -> None:
    home, soon = service.organization, timezone.now() + timedelta(minutes=30)
    item = a_refused_item(home, timestamp=soon.isoformat(), **fields)
    service.deliver(REPORT | {"task_id": "reported"})
    admin, before = Viewer(a_user(Role.ADMIN, home)), scraped()
    with django_capture_on_commit_callbacks(execute=True):
        assert quarantine.replay(admin, item.pk, now=soon) is None
    assert moved(before) == {ACCEPTED: 1, STORED_BY_US: 1, WAITING: -1}


def test_a_task_that_becomes_sensitive_leaves_no_figure_when_its_report_comes(
    service: Service,
) -> None:
    """Its events leave later, by the clock, and that they did is told in the security log."""
    now = timezone.now()
    with setting_the_scene():
        TaskClock.objects.create(
            organization=service.organization,
            task_id="known",
            moved_at=now - timedelta(days=1),
            recorded_at=now,
        )
    before = scraped()
    assert (before["orgo_tasks_open"], before["orgo_escalation_pending_tasks"]) == (1, 1)
    service.deliver(REPORT | {"task_id": "known"})
    assert moved(before).keys() <= {"orgo_escalation_pending_oldest_seconds"}


def test_what_a_scrape_shows_of_other_requests_moves(service: Service) -> None:
    """Or the test above could not fail."""
    before = scraped()
    service.get(PATH_OF[LogType.ACTIVITY])
    series = {name.partition("{")[0] for name in moved(before)}
    assert "django_http_requests_before_middlewares_total" in series
    assert "django_http_responses_total_by_status_view_method_total" in series
    assert "django_http_requests_body_total_bytes_count" in series


@pytest.mark.usefixtures("vault_at_hand")
@pytest.mark.parametrize("role", [Role.HR_MANAGER, Role.CUSTODIAN, Role.DPO])
def test_what_is_done_in_the_restricted_area_moves_nothing(role: Role) -> None:
    desk = Desk(an_organization(), role)
    before = scraped()
    pages = ("texts/", "passkeys/", "reveals/", "unassigned/", "access-log/", "certificates/")
    for path in ("", *pages):
        desk.get(f"/cases/{path}")
        desk.post(f"/cases/{path}", {})
    desk.get(f"{API}/cases/")
    desk.get(f"{API}/anonymized-logs/?workflow=harassment")
    # That somebody was there, or was refused, is told in the security log.
    assert moved(before).keys() <= {STORED_BY_US}


def test_no_query_cache_access_or_row_is_counted(service: Service) -> None:
    """What django-prometheus could count of each would move with a sealed event."""
    foreign = {name.partition("{")[0] for name in scraped() if name.startswith("django_")}
    assert {name for name in foreign if not name.startswith("django_http_")} == set()


@of_each_kind
def test_a_delivery_writes_no_line(
    service: Service,
    caplog: pytest.LogCaptureFixture,
    events: list[Any],
    status: int,
    may_move: Moved,
) -> None:
    lines = LogLine("{levelname} {name} {message}", style="{")
    with caplog.at_level(logging.INFO):
        assert service.deliver(*events).status == status
    assert [lines.format(record) for record in caplog.records] == []


def test_the_web_server_writes_no_line_a_request() -> None:
    config = Config()
    for name in config.settings.keys() & vars(gunicorn_config).keys():
        config.set(name, getattr(gunicorn_config, name))
    assert not Logger(config).access_log_enabled


@pytest.mark.parametrize("like", ["ordinary", "ordinary and long"])
def test_headers_do_not_tell_a_sealed_event_from_a_stored_one(service: Service, like: str) -> None:
    stored = service.deliver(*DELIVERIES[like][0])
    sealed = service.deliver(*DELIVERIES[like.replace("ordinary", "sealed")][0])
    assert without_length(sealed) == without_length(stored)


def test_the_answer_does_not_tell_that_a_refused_item_was_sealed(service: Service) -> None:
    ordinary, sealed = (service.deliver(event | REFUSED) for event in (ORDINARY, REPORT))
    assert sealed.status == ordinary.status == 400
    assert dict(sealed.headers) == dict(ordinary.headers)
    assert sealed.json | {"batch": ""} == ordinary.json | {"batch": ""}


def without_length(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "Content-Length"}
