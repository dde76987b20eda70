"""Closes months that are over: counts each organization's rows once, and makes their digest.

The digest is SHA-256 over the rows' own digests in the order of their ids, each followed by a line
feed: the SHA-256, in small hexadecimal letters, of the row as PostgreSQL writes it (`event::text`,
UTF-8, times in UTC as ISO 8601). A later certificate names it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db import connection, transaction

from logs.retention.models import SegmentClosure
from logs.retention.segments import over, range_of, tenants_of
from orgo_audit.accounts.models import Organization

# A batch gets its time before its transaction: the last ones of a month may commit in the next.
MARGIN = timedelta(hours=1)
_ROWS = """
COPY (SELECT organization_id, encode(sha256(convert_to(event::text, 'UTF8')), 'hex')
  FROM event WHERE log_type = %(type)s AND id >= %(first)s AND id < %(next)s ORDER BY id) TO STDOUT
"""


def close_months(now: datetime) -> list[str]:
    """Closes what is over and not closed yet; the names of what it closed. Empty months stay."""
    return [name for name in to_close(now) if _close(name)]


def to_close(now: datetime) -> list[str]:
    """The months with events that are over and not closed yet."""
    known = set(SegmentClosure.objects.values_list("segment", flat=True).distinct())
    waiting = [name for name in over(now - MARGIN) if name not in known]
    return [name for name in waiting if tenants_of(name)]


def digests_of(segment: str) -> dict[int, tuple[int, str]]:
    """Rows and digest of each organization in the segment, as they are now."""
    hashes: dict[bytes, hashlib._Hash] = {}
    counts: dict[bytes, int] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true)"
        )
        wrapper = connection.wrap_database_errors
        with wrapper, cursor.copy(_ROWS, range_of(segment)) as copy:
            for line in copy:
                tenant, _, digest = bytes(line).partition(b"\t")
                hashes.setdefault(tenant, hashlib.sha256()).update(digest)
                counts[tenant] = counts.get(tenant, 0) + 1
    return {int(tenant): (counts[tenant], made.hexdigest()) for tenant, made in hashes.items()}


@transaction.atomic
def _close(segment: str) -> bool:
    made = digests_of(segment)
    known = set(Organization.objects.values_list("pk", flat=True))
    SegmentClosure.objects.bulk_create(
        SegmentClosure(segment=segment, organization_id=tenant, rows=rows, digest=digest)
        for tenant, (rows, digest) in made.items()
        if tenant in known
    )
    return bool(made)
