"""The check of beat, by the rows that beat keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from monitoring.health_checks.beat import Beat, late_work
from monitoring.health_checks.models import CheckState
from orgo_audit.schedule import PERIODIC_WORK, PeriodicWork
from tests.monitoring.health_checks.conftest import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]

EVERY_20_SECONDS = next(w for w in PERIODIC_WORK if w.every == timedelta(seconds=20))
EVERY_6_HOURS = next(w for w in PERIODIC_WORK if w.every == timedelta(hours=6))
NOW = timezone.now()


def a_row(name: str, ago: timedelta) -> PeriodicTask:
    """A row as beat makes it, sent for the last time so long ago."""
    interval = IntervalSchedule.objects.create(every=1, period="minutes")
    return PeriodicTask.objects.create(
        name=name, task="a.task", interval=interval, last_run_at=NOW - ago
    )


def test_before_beats_first_start_nothing_is_late() -> None:
    assert list(late_work(NOW)) == []


@pytest.mark.parametrize(
    ("work", "limit"),
    [(EVERY_20_SECONDS, timedelta(minutes=5)), (EVERY_6_HOURS, timedelta(hours=18))],
    ids=["at least five minutes", "three times its period"],
)
def test_work_has_thrice_its_period(work: PeriodicWork, limit: timedelta) -> None:
    name = work.name
    row = a_row(name, limit - timedelta(seconds=1))
    assert list(late_work(NOW)) == []
    row.last_run_at = NOW - limit
    row.save()
    (late,) = late_work(NOW)
    assert (late.name, late.expected_by) == (name, NOW)
    outcome = Beat().run(NOW)
    assert told(outcome) == (CheckState.FAILED, f"not sent in time: {name}")
    assert outcome.facts == {"late": 1}


def test_all_in_time() -> None:
    for work in PERIODIC_WORK:
        a_row(work.name, timedelta(0))
    outcome = Beat().run(NOW)
    assert told(outcome) == (CheckState.OK, f"{len(PERIODIC_WORK)} kinds of work are sent in time")


def test_what_an_admin_paused_is_late_too() -> None:
    row = a_row(EVERY_20_SECONDS.name, timedelta(0))
    row.enabled = False
    row.save()
    assert row.last_run_at is None, "the library forgets the last run"
    assert list(late_work(timezone.now())) == []
    (late,) = late_work(timezone.now() + timedelta(minutes=6))
    assert late.name == EVERY_20_SECONDS.name


def test_what_beat_never_sent_is_late_too() -> None:
    row = a_row(EVERY_20_SECONDS.name, timedelta(0))
    PeriodicTask.objects.filter(pk=row.pk).update(last_run_at=None)
    (late,) = late_work(timezone.now() + timedelta(minutes=6))
    assert late.name == EVERY_20_SECONDS.name


def test_rows_of_others_do_not_count() -> None:
    a_row("somebody's own task", timedelta(days=300))
    assert list(late_work(NOW)) == []
