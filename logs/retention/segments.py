"""A segment by its name: its log type, its month, the ids in it; and whose rows it has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import connection

from logs.record.identifiers import smallest_id
from logs.record.partitions import existing_segments
from orgo_audit.periods import next_month

# From one organization's first row to the next one's, by the index: never through the rows.
_TENANTS = """
WITH RECURSIVE tenants (id) AS (
  (SELECT organization_id FROM event WHERE log_type = %(type)s AND id >= %(first)s
     AND id < %(next)s ORDER BY organization_id LIMIT 1)
  UNION ALL
  SELECT (SELECT organization_id FROM event WHERE log_type = %(type)s AND id >= %(first)s
            AND id < %(next)s AND organization_id > tenants.id
            ORDER BY organization_id LIMIT 1)
    FROM tenants WHERE tenants.id IS NOT NULL
) SELECT id FROM tenants WHERE id IS NOT NULL
"""
# The first 48 bits of an id are its millisecond, whose month is the segment's.
SEGMENT_OF_ID = """
log_type || to_char(to_timestamp(('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint
                                 / 1000.0) AT TIME ZONE 'UTC', '-YYYY-MM')
"""


def log_type_of(segment: str) -> str:
    return segment.partition("-")[0]


def month_of(segment: str) -> tuple[datetime, datetime]:
    """When the segment's month starts and ends."""
    year, month = segment.split("-")[1:]
    starts = datetime(int(year), int(month), 1, tzinfo=UTC)
    return starts, next_month(starts)


def range_of(segment: str) -> dict[str, Any]:
    """As a statement's parameters: log type, the first id, the first id of the `next` month."""
    starts, ends = month_of(segment)
    ids = {"first": smallest_id(starts), "next": smallest_id(ends)}
    return {"type": log_type_of(segment), **ids}


def over(now: datetime) -> list[str]:
    """The segments whose month is over, the oldest first."""
    past = [name for name in existing_segments() if month_of(name)[1] <= now]
    return sorted(past, key=lambda name: (month_of(name), name))


def tenants_of(segment: str) -> list[int]:
    """The organizations with rows in the segment."""
    with connection.cursor() as cursor:
        cursor.execute(_TENANTS, range_of(segment))
        return [row[0] for row in cursor.fetchall()]
