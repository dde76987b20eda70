"""How many events of which kind came in lately, for the rules that watch them. Names nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

from logs.record.identifiers import ID_SLACK, smallest_id
from orgo_audit.accounts.tokens import IMPORT, PORTAL

# The portal's own security events count: its sign-in form is attacked as others are.
_COUNT = """
SELECT organization_id, log_type, CASE WHEN code = ANY (%(codes)s) THEN code ELSE '' END, count(*)
  FROM event
  WHERE id >= %(first)s AND recorded_at >= %(since)s AND source <> %(imported)s
    AND (log_type = 'security' OR source <> %(portal)s)
  GROUP BY 1, 2, 3
"""
# By organization, log type and code; the code is empty for all that were not asked for.
Arrivals = Counter[tuple[int, str, str]]


def arrivals(since: datetime, codes: Collection[str]) -> Arrivals:
    """What came in since then by our clock, imports left out."""
    told: dict[str, Any] = {
        "codes": list(codes),
        "first": smallest_id(since - ID_SLACK),
        "since": since,
        "portal": PORTAL,
        "imported": IMPORT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, told)
        return Counter({(tenant, kind, code): n for tenant, kind, code, n in cursor.fetchall()})


def oldest_arrival() -> datetime | None:
    """When the oldest event of the workflows that is still there came in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT recorded_at FROM event WHERE log_type IN ('activity', 'error')"
            " ORDER BY id LIMIT 1"
        )
        row = cursor.fetchone()
    return row[0] if row else None
