"""What the plan is made of: segments, their sizes, whose rows, which holds.

Counts no log: rows are those of the closures less the certificates', and of a month that is not
closed the planner's guess. Of a month that is held as a whole no row is looked at; a hold on a name
has its organization's rows read. Destroys nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Sum
from psycopg import errors

from logs.record.partitions import existing_segments
from logs.retention import plan
from logs.retention.models import DestructionCertificate, LegalHold, ScopeKind, SegmentClosure
from logs.retention.segments import SEGMENT_OF_ID, log_type_of, month_of, range_of, tenants_of
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import Unavailable

PATIENCE = "5s"
TOO_LONG = (
    "a hold on a person has all events read, which takes longer than a page may;"
    " `manage.py plan_retention` prints the plan"
)

_SIZES = """
SELECT replace(substr(c.relname, 7), '_', '-'), greatest(c.reltuples, 0)::bigint,
       pg_total_relation_size(c.oid)
  FROM pg_partition_tree('event') AS leaf JOIN pg_class AS c ON c.oid = leaf.relid
  WHERE leaf.isleaf
"""
_HELD = f"""
SELECT {SEGMENT_OF_ID} AS segment, organization_id,
       array_agg(DISTINCT hold_id ORDER BY hold_id), count(DISTINCT id)
  FROM held_event WHERE hold_id = ANY (%s) GROUP BY segment, organization_id
"""  # noqa: S608
# OFFSET makes it look row by row, up to the first one that is free: most often the first of all.
_HAS_FREE = """
SELECT EXISTS (
  SELECT FROM event WHERE log_type = %(type)s AND id >= %(first)s AND id < %(next)s
    AND organization_id = %(organization)s AND NOT EXISTS (
      SELECT FROM held_event AS held WHERE held.log_type = %(type)s AND held.id >= %(first)s
        AND held.id < %(next)s AND held.id = event.id OFFSET 0))
"""


@contextmanager
def within_a_page() -> Iterator[None]:
    """For people who wait: Unavailable where a question takes the database longer than a page."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, errors.QueryCanceled):
            raise Unavailable(TOO_LONG) from None
        raise


def segments(now: datetime) -> list[plan.Segment]:
    """All segments whose month has begun."""
    begun = [name for name in existing_segments() if month_of(name)[0] <= now]
    return list(_Gathered().segments(begun))


class _Gathered:
    """What is asked of the database once for all segments."""

    def __init__(self) -> None:
        self.slugs = dict(Organization.objects.values_list("pk", "slug"))
        with connection.cursor() as cursor:
            cursor.execute(_SIZES)
            self.sizes = {name: (rows, size) for name, rows, size in cursor.fetchall()}
        self.closed: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for closure in SegmentClosure.objects.all():
            self.closed[closure.segment][closure.organization_id] = closure.rows
        # What was erased before the month was closed is in no closure.
        after_closing = DestructionCertificate.objects.filter(rows_at_closing__gt=0)
        gone = after_closing.values("segment", "organization")
        self.gone = {
            (row["segment"], row["organization"]): row["rows"]
            for row in gone.annotate(rows=Sum("rows_destroyed")).order_by()
        }
        self.whole: defaultdict[tuple[str, int], list[UUID]] = defaultdict(list)
        searched: list[UUID] = []
        holds = LegalHold.objects.filter(released_at=None).exclude(scope_kind=ScopeKind.CASE)
        for hold in holds.order_by("pk"):
            if hold.scope_kind == ScopeKind.SEGMENT:
                self.whole[hold.scope_value, hold.organization_id].append(hold.pk)
            else:
                searched.append(hold.pk)
        self.held = _held(searched)

    def segments(self, names: Iterable[str]) -> Iterator[plan.Segment]:
        for name in names:
            shares = tuple(self._shares(name))
            guess, size = self.sizes[name]
            closed = name in self.closed or not shares
            yield plan.Segment(
                name=name,
                log_type=log_type_of(name),
                ends=month_of(name)[1],
                rows=sum(share.rows for share in shares) if closed else guess,
                bytes=size,
                is_closed=closed,
                shares=shares,
            )

    def _shares(self, segment: str) -> Iterator[plan.Share]:
        for tenant in tenants_of(segment):
            holds, rows_held = self.held.get((segment, tenant), ((), 0))
            left = self.closed[segment].get(tenant, 0) if segment in self.closed else 0
            left = max(left - self.gone.get((segment, tenant), 0), rows_held)
            slug = self.slugs.get(tenant, f"#{tenant}")
            if whole := self.whole.get((segment, tenant)):
                counted = left if segment in self.closed else 0
                yield plan.Share(slug, left, (*whole, *holds), counted, is_all_held=True)
                continue
            # A closure counts what has become sensitive since, so that we look what is left.
            all_held = bool(rows_held) and not _has_free(segment, tenant)
            yield plan.Share(slug, left, holds, rows_held, all_held)


def _held(holds: list[UUID]) -> dict[tuple[str, int], tuple[tuple[UUID, ...], int]]:
    """Which of these holds cover how many rows, by segment and organization."""
    if not holds:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [holds])
        found = cursor.fetchall()
    return {(segment, tenant): (tuple(own), rows) for segment, tenant, own, rows in found}


def _has_free(segment: str, tenant: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_HAS_FREE, range_of(segment) | {"organization": tenant})
        return bool(cursor.fetchone()[0])
