"""Segments as PostgreSQL partitions: made ahead, listed, found missing. Drops none."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from logs.record.identifiers import segment_name
from logs.record.vocabulary import LogType
from orgo_audit.periods import next_month, start_of_month

MONTHS_AHEAD = 3


def wanted_months(now: datetime) -> list[datetime]:
    """The current month and those that must already be there."""
    months = [start_of_month(now)]
    for _ in range(MONTHS_AHEAD):
        months.append(next_month(months[-1]))
    return months


def make_segments(now: datetime) -> list[str]:
    """Makes every wanted segment that is missing; returns the names of those it made."""
    return [
        segment_name(log_type, month)
        for month in wanted_months(now)
        for log_type in LogType
        if _make(log_type, month)
    ]


def _make(log_type: LogType, month: datetime) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT create_segment(%s, %s)", [log_type.value, month.date()])
        return bool(cursor.fetchone()[0])


def existing_segments() -> set[str]:
    """The names of all segments there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree('event') WHERE isleaf")
        tables = [row[0].removeprefix("event_") for row in cursor.fetchall()]
    return {table.replace("_", "-") for table in tables}


def missing_segments(now: datetime) -> list[str]:
    """Segments that events of this and the next month need, and that nobody has made."""
    needed = [segment_name(kind, month) for month in wanted_months(now)[:2] for kind in LogType]
    existing = existing_segments()
    return [name for name in needed if name not in existing]
