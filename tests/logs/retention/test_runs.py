"""Whether the nightly run happened: by night, by day on a machine that sleeps, and told if not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from logs import interface, tasks
from logs.retention import destroying, runs
from logs.retention.models import PlannedDestruction, RetentionRun
from orgo_audit import health
from tests.orgo_audit.test_metrics import metrics, value
from tests.policies import in_force

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
GAUGE = "orgo_audit_retention_last_run_timestamp_seconds"


def a_run(finished_at: datetime | None) -> None:
    RetentionRun.objects.create(
        started_at=finished_at or NOON, finished_at=finished_at, policy_version=1
    )


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        (NOON, None, True),
        (NOON, NOON - timedelta(hours=19), False),
        (NOON, NOON - timedelta(hours=20), True),
        (NOON.replace(hour=1), NOON - timedelta(hours=12), True),
        (NOON.replace(hour=4, minute=59), NOON.replace(hour=4), True),
        (NOON.replace(hour=5), NOON.replace(hour=4), False),
        (NOON.replace(hour=0), NOON - timedelta(hours=20), False),
    ],
)
def test_it_acts_at_night_or_when_it_slept(
    now: datetime, last: datetime | None, expected: bool
) -> None:
    if last:
        a_run(last)
    assert runs.is_time(now) is expected


def test_the_task_makes_a_run_and_measures_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "is_time", lambda now: True)
    tasks.apply_retention()
    finished = RetentionRun.objects.get().finished_at
    assert finished is not None
    assert value(GAUGE, metrics()) == pytest.approx(finished.timestamp(), abs=1)


def test_the_task_leaves_the_day_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "is_time", lambda now: False)
    tasks.apply_retention()
    assert not RetentionRun.objects.exists()


def test_an_interrupted_run_is_none() -> None:
    a_run(None)
    assert runs.last_finished() is None


@pytest.mark.parametrize(("hours", "expected"), [(25, False), (26, True)])
def test_a_missed_night_is_overdue(hours: int, expected: bool) -> None:
    a_run(NOON - timedelta(days=9))
    a_run(NOON - timedelta(hours=hours))
    assert interface.retention_is_overdue(NOON) is expected


@pytest.mark.parametrize(("hours", "expected"), [(25, False), (26, True)])
def test_a_portal_that_never_ran_it_is_overdue_a_day_after_its_first_policy(
    hours: int, expected: bool
) -> None:
    later = timezone.now() + timedelta(hours=hours)
    assert runs.is_overdue(later) is False
    in_force("metrics: {}")
    assert runs.is_overdue(later + timedelta(minutes=1)) is expected


def test_a_missed_night_is_told_and_makes_nobody_unready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {name: lambda: "embedded" for name in health.CHECKS if name != "retention"}
    monkeypatch.setattr(health, "CHECKS", others | {"retention": health._retention})
    assert client.get("/readyz").json()["checks"]["retention"]["state"] == "ok"
    monkeypatch.setattr(interface, "retention_is_overdue", lambda now: True)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.json()["checks"]["retention"]["state"] == "late"
    assert "did not happen" in answer.json()["checks"]["retention"]["detail"]


def test_what_was_destroyed_is_counted_by_log(monkeypatch: pytest.MonkeyPatch) -> None:
    name = 'orgo_audit_events_destroyed_total{log_type="error"}'
    before = value(name, metrics())
    row = PlannedDestruction(segment="error-2026-01", kind="drop")
    monkeypatch.setattr(destroying, "_drop", lambda row, rules: 7)
    destroying.destroy(row, {})
    assert value(name, metrics()) == before + 7
