"""Whether Celery beat sends the periodic work of `orgo_audit.schedule` in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django_celery_beat.models import PeriodicTask

from monitoring.health_checks.base import Finding, Outcome, outcome_of
from orgo_audit.schedule import PERIODIC_WORK

LATE_AFTER_TIMES = 3
LATE_AFTER_LEAST = timedelta(minutes=5)


class Beat:
    name = "beat"
    verifies = "beat has sent each periodic work in time, and none is paused"

    def run(self, now: datetime) -> Outcome:
        late = list(late_work(now))
        if late:
            names = ", ".join(one.name for one in late)
            return outcome_of([Finding(f"not sent in time: {names}", False, {"late": len(late)})])
        told = f"{len(PERIODIC_WORK)} kinds of work are sent in time"
        return outcome_of([Finding(told, facts={"late": 0})])


@dataclass(frozen=True, slots=True)
class LateWork:
    """Periodic work that beat should have sent by now."""

    name: str
    expected_by: datetime


def late_work(now: datetime) -> Iterator[LateWork]:
    """Of the one table of periodic work; what was paused in the admin is late, too."""
    rows = {row.name: row for row in PeriodicTask.objects.all()}
    for work in PERIODIC_WORK:
        row = rows.get(work.name)
        if row is None:
            continue  # beat has only begun
        # A pause forgets the last run.
        since = row.last_run_at or row.date_changed
        expected_by = since + max(LATE_AFTER_TIMES * work.every, LATE_AFTER_LEAST)
        if expected_by <= now:
            yield LateWork(work.name, expected_by)
