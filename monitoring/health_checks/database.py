"""Whether PostgreSQL's data are whole: indexes, checksums, segments, and a backup that restores."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.db.utils import DatabaseError

from logs import interface
from monitoring.health_checks.base import Finding, Outcome, outcome_of
from monitoring.health_checks.models import CheckState, HealthCheckResult
from orgo_audit.periods import Period
from orgo_audit.policy.models import PolicyVersion

DRILL = "restore_drill"
# A month and some days, for whoever does it by hand.
DRILL_EVERY = Period(35, "day")
# The classes "internal error" and "system error": damaged pages, and files that are gone.
CORRUPTED = ("XX", "58")
LIMIT_OF_ONE_INDEX = "15min"

# By their numbers: names of schemas that this login may not enter cannot be spoken.
_INDEXES = """
SELECT index.oid, index.relname FROM pg_index
  JOIN pg_class AS index ON index.oid = indexrelid
  JOIN pg_am ON pg_am.oid = index.relam
  JOIN pg_namespace AS place ON place.oid = index.relnamespace
  WHERE amname = 'btree' AND index.relkind = 'i' AND indisready AND indisvalid
    AND index.relpersistence = 'p'
    AND place.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  ORDER BY 1
"""
_MAY_VERIFY = """
SELECT to_regprocedure('bt_index_check(regclass)') IS NOT NULL
  AND has_function_privilege(to_regprocedure('bt_index_check(regclass)'), 'EXECUTE')
"""
_HOW_TO = (
    "the indexes were not verified: let the server's administrator run `CREATE EXTENSION amcheck`"
    " and `GRANT EXECUTE ON FUNCTION bt_index_check(regclass) TO orgo_worker` in this database"
)


class Database:
    name = "database"
    verifies = "each index agrees with itself (amcheck), no checksum failed, segments are there,"
    verifies += " and a backup was restored in the last 35 days"

    def run(self, now: datetime) -> Outcome:
        return outcome_of([*_indexes(), _checksums(), _segments(now), _drill(now)])


def _indexes() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_MAY_VERIFY)
        if not cursor.fetchone()[0]:
            yield Finding(_HOW_TO, is_well=False)
            return
        cursor.execute(_INDEXES)
        indexes = cursor.fetchall()
    broken = [name for oid, name in indexes if not _is_whole(oid)]
    facts = {"indexes": len(indexes), "broken_indexes": len(broken)}
    if broken:
        yield Finding(f"broken indexes: {', '.join(broken[:10])}", is_well=False, facts=facts)
    else:
        yield Finding(f"{len(indexes):,} indexes are whole", facts=facts)


def _is_whole(oid: int) -> bool:
    """One that has gone meanwhile is no broken one."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = '{LIMIT_OF_ONE_INDEX}'")
            cursor.execute("SELECT bt_index_check(%s::regclass)", [oid])
    except DatabaseError as error:
        if str(getattr(error.__cause__, "sqlstate", "")).startswith(CORRUPTED):
            return False
        if _exists(oid):
            raise
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")
    return True


def _exists(oid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_class WHERE oid = %s)", [oid])
        return bool(cursor.fetchone()[0])


def _checksums() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('data_checksums'), coalesce(checksum_failures, 0)"
            " FROM pg_stat_database WHERE datname = current_database()"
        )
        state, failures = cursor.fetchone()
    if state != "on":
        return Finding("the server keeps no checksums", None)
    facts = {"checksum_failures": failures}
    if failures:
        return Finding(f"{failures} pages failed their checksum", is_well=False, facts=facts)
    return Finding("no page failed its checksum", facts=facts)


def _segments(now: datetime) -> Finding:
    if missing := interface.missing_segments(now):
        return Finding(f"segments are missing: {', '.join(missing)}", is_well=False)
    return Finding("this and the next month's segments are there")


def _drill(now: datetime) -> Finding:
    """A new portal has as long as everybody until its first one."""
    last = HealthCheckResult.objects.filter(name=DRILL).order_by("-started_at").first()
    if last is not None and last.state != CheckState.OK:
        return Finding("the last restore drill failed", is_well=False)
    first = PolicyVersion.objects.order_by("loaded_at").values_list("loaded_at", flat=True).first()
    since = last.started_at if last else first
    due = DRILL_EVERY.after(since or now)
    if due <= now:
        return Finding(
            f"no backup was restored by {due:%Y-%m-%d}: run `backup` and `restore --drill`",
            is_well=False,
        )
    if last is None:
        return Finding(f"no backup was restored yet; it is due by {due:%Y-%m-%d}", None)
    return Finding(f"a backup was restored on {last.started_at:%Y-%m-%d}")
