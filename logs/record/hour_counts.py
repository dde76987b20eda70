"""Counts events by the hour, for charts and for the watch over mail volumes. Tells of no event.

The last hours are counted anew each time: a late event still counts, and so does its leaving.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from logs.record.arrivals import oldest_arrival
from logs.record.drafts import MAX_AHEAD
from logs.record.identifiers import ID_SLACK, smallest_id
from logs.record.models import FoldMark, HourCount
from orgo_audit.accounts.models import Organization
from orgo_audit.accounts.tokens import IMPORT, PORTAL

MARK = "hour counts"
HOUR = timedelta(hours=1)
# For so long a late event is still counted into its hour; by our own clock none is late.
LATE_COUNTED = timedelta(hours=25)
ARRIVED_BY = timedelta(hours=2)
# What is there before the first pass: a year of charts and of weeks to compare with, in steps.
FIRST_SPAN = timedelta(days=365)
LONGEST_STEP = timedelta(days=7)
HEALTH_CHECK = "health_check"  # what a test mail says of its `source`
Measure = HourCount.Measure

# By the senders' clock: a mail's hour is when it came, not when we heard of it.
_FLOW = """
SELECT organization_id, date_trunc('hour', occurred_at, 'UTC'),
    count(*) FILTER (WHERE code = 'email.received'),
    count(*) FILTER (WHERE code = 'task.routed' AND outcome <> 'unknown'),
    count(*) FILTER (WHERE code = 'task.routed' AND outcome = 'success')
  FROM event
  WHERE log_type = 'activity' AND code IN ('email.received', 'task.routed')
    AND occurred_at >= %(since)s AND occurred_at < %(until)s AND id >= %(first)s
    AND source <> ALL (%(left_out)s)
    AND details->>'source' IS DISTINCT FROM %(health_check)s
  GROUP BY 1, 2
"""
# By ours, as the error rate is judged.
_ARRIVALS = """
SELECT organization_id, date_trunc('hour', recorded_at, 'UTC'),
    count(*) FILTER (WHERE log_type = 'activity'),
    count(*) FILTER (WHERE log_type = 'error')
  FROM event
  WHERE log_type IN ('activity', 'error') AND id >= %(first)s AND id < %(end)s
    AND recorded_at >= %(since)s AND recorded_at < %(until)s AND source <> ALL (%(left_out)s)
  GROUP BY 1, 2
"""
_COUNTED = (
    (_FLOW, (Measure.MAILS, Measure.ROUTED, Measure.ROUTED_WELL), LATE_COUNTED),
    (_ARRIVALS, (Measure.ACTIVITY, Measure.ERRORS), ARRIVED_BY),
)


def count(now: datetime) -> None:
    """Counts the last hours, on the first pass the last year."""
    mark = FoldMark.objects.filter(name=MARK).first()
    first = max(now - FIRST_SPAN, oldest_arrival() or now) - LATE_COUNTED
    end = now + MAX_AHEAD
    for statement, measures, anew in _COUNTED:
        start = first if mark is None else min(mark.until, now) - anew
        start = start.replace(minute=0, second=0, microsecond=0)
        while start < end:
            until = min(end, start + LONGEST_STEP)
            with transaction.atomic():
                _count(statement, measures, start, until)
            start = until
    FoldMark.objects.update_or_create(name=MARK, defaults={"until": now})
    HourCount.objects.filter(hour__lt=now - FIRST_SPAN).delete()


def counts(
    organizations: Iterable[Organization], measures: Iterable[Measure], since: datetime
) -> dict[tuple[int, str, datetime], int]:
    """By organization, measure and hour; an hour that is not there had none."""
    rows = HourCount.objects.filter(
        organization__in=list(organizations), measure__in=list(measures), hour__gte=since
    )
    return {
        (organization, measure, hour): number
        for organization, measure, hour, number in rows.values_list(
            "organization_id", "measure", "hour", "number"
        )
    }


def _count(statement: str, measures: Sequence[Measure], since: datetime, until: datetime) -> None:
    told: dict[str, Any] = {
        "since": since,
        "until": until,
        "first": smallest_id(since - MAX_AHEAD - ID_SLACK),
        "end": smallest_id(until + ID_SLACK),
        "left_out": [PORTAL, IMPORT],
        "health_check": HEALTH_CHECK,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, told)
        counted = [
            HourCount(organization_id=organization, measure=measure, hour=hour, number=number)
            for organization, hour, *numbers in cursor.fetchall()
            for measure, number in zip(measures, numbers, strict=True)
            if number
        ]
    HourCount.objects.filter(measure__in=measures, hour__gte=since, hour__lt=until).delete()
    HourCount.objects.bulk_create(counted)
