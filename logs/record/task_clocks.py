"""Folds events into each task's clock: when it last moved, when it was completed. Adds no event.

A clock runs by the senders' times. Both times only ever grow, so events may be folded twice: a pass
begins some minutes before the last one's end, for an event gets its id before it is committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Min, Q

from logs.record import references
from logs.record.arrivals import oldest_arrival
from logs.record.expiry import kept
from logs.record.identifiers import ID_SLACK, smallest_id
from logs.record.models import FoldMark, TaskClock
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization
from orgo_audit.accounts.tokens import IMPORT, PORTAL

MARK = "task clocks"
# Longer than a delivery takes from its ids to its commit.
OVERLAP = timedelta(minutes=5)
# What is there before the first pass is folded in steps.
LONGEST_STEP = timedelta(days=7)
# Within which a late routing of a completed task is told apart from a new one.
KEEP_COMPLETED = timedelta(days=30)

# What was tried and failed moves no task; what is imported is history, and alarms nobody.
_FOLD = """
INSERT INTO logs_taskclock AS clock (organization_id, task_id, moved_at, completed_at, recorded_at)
SELECT organization_id, task_id,
    max(occurred_at) FILTER (WHERE code <> 'task.completed'),
    max(occurred_at) FILTER (WHERE code = 'task.completed'),
    max(recorded_at)
  FROM event
  WHERE log_type = 'activity' AND id >= %(first)s AND id < %(end)s AND task_id IS NOT NULL
    AND code IN ('task.created', 'task.routed', 'task.escalated', 'task.completed')
    AND outcome NOT IN ('failure', 'denied') AND source <> ALL (%(left_out)s)
  GROUP BY organization_id, task_id
ON CONFLICT (organization_id, task_id) DO UPDATE SET
  moved_at = greatest(clock.moved_at, excluded.moved_at),
  completed_at = greatest(clock.completed_at, excluded.completed_at),
  recorded_at = greatest(clock.recorded_at, excluded.recorded_at)
WHERE greatest(clock.moved_at, excluded.moved_at) IS DISTINCT FROM clock.moved_at
  OR greatest(clock.completed_at, excluded.completed_at) IS DISTINCT FROM clock.completed_at
  OR clock.recorded_at < excluded.recorded_at
"""

# Its condition is that of the index.
_OPEN = Q(completed_at=None) | Q(moved_at__gt=F("completed_at"))


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that is not completed, and its last routing, escalation or creation."""

    task_id: str
    moved_at: datetime


def fold(now: datetime) -> None:
    """Folds all that came in since the last pass."""
    since = _folded_until()
    while since is not None and since < now:
        until = min(now, since + LONGEST_STEP)
        with transaction.atomic():
            _fold(since - OVERLAP, until)
            FoldMark.objects.update_or_create(name=MARK, defaults={"until": until})
        since = until


def open_tasks(
    organization: Organization, moved_before: datetime, *, at_most: int
) -> list[OpenTask]:
    """Those that have not moved since, the longest first, without what has become sensitive."""
    rows = TaskClock.objects.filter(_OPEN, organization=organization, moved_at__lte=moved_before)
    longest = rows.order_by("moved_at", "task_id")[:at_most]
    found = [
        OpenTask(task_id, moved_at)
        for task_id, moved_at in longest.values_list("task_id", "moved_at")
        if moved_at is not None
    ]
    sensitive = references.sensitive_tasks(organization, [task.task_id for task in found])
    return [task for task in found if task.task_id not in sensitive]


@dataclass(frozen=True, slots=True)
class Unmoved:
    """How many open tasks have not moved for some time, and since when the first of them."""

    number: int
    since: datetime | None


def unmoved(organizations: Iterable[int], moved_before: datetime) -> Unmoved:
    """Of these organizations, by their keys.

    A task that becomes sensitive counts until its events leave the record, which is told there: a
    number that fell before would tell when the report came.
    """
    rows = TaskClock.objects.filter(
        _OPEN, organization__in=list(organizations), moved_at__lte=moved_before
    )
    found = rows.aggregate(number=Count("pk"), since=Min("moved_at"))
    return Unmoved(found["number"], found["since"])


def _folded_until() -> datetime | None:
    """None where there is nothing to fold yet."""
    mark = FoldMark.objects.filter(name=MARK).first()
    return mark.until if mark else oldest_arrival()


def _fold(since: datetime, until: datetime) -> None:
    told: dict[str, Any] = {
        "first": smallest_id(since - ID_SLACK),
        "end": smallest_id(until + ID_SLACK),
        "left_out": [PORTAL, IMPORT],
    }
    with connection.cursor() as cursor:
        cursor.execute(_FOLD, told)


def forget(now: datetime) -> None:
    """A clock is a copy of events: it goes when they do, a completed task's sooner."""
    old = TaskClock.objects.filter(recorded_at__lt=now - KEEP_COMPLETED)
    old.filter(completed_at__gte=F("moved_at")).delete()
    old.filter(moved_at=None).delete()
    for organization in Organization.objects.all():
        _, over = kept(organization, LogType.ACTIVITY).period.over(now)[0]
        TaskClock.objects.filter(organization=organization, recorded_at__lt=over).delete()
