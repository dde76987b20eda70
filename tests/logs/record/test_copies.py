"""Copies of an event: exports keep none, and the quarantine keeps its own no longer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from psycopg import sql

from logs.record import bounds
from logs.record.models import QuarantinedEvent
from orgo_audit.accounts.models import Role
from tests.builders import API, Caller, a_refused_item, a_user, an_organization, stored, wire_event
from tests.policies import in_force

CANARY = "canary-4711"
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_)'
"""
_HOLDS_IT = """
SELECT EXISTS (SELECT FROM {table} AS one
  WHERE strpos(one::text, %s) > 0 OR strpos(one::text, %s) > 0)
"""


def tables_with(text: str) -> set[str]:
    """Every table in which it stands, as text or as bytes."""
    found = set()
    with connections["owner"].cursor() as cursor:
        cursor.execute(_TABLES)
        for schema, name in cursor.fetchall():
            query = sql.SQL(_HOLDS_IT).format(table=sql.Identifier(schema, name))
            cursor.execute(query, [text, text.encode().hex()])
            if cursor.fetchone()[0]:
                found.add(name)
    return found


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_an_export_leaves_no_copy_behind(form: str) -> None:
    home = an_organization()
    stored(home, wire_event(status=CANARY))
    admin = Caller(user=a_user(Role.ADMIN, home))
    answer = admin.get(f"{API}/activity-logs/export/", {"format": form})
    assert CANARY.encode() in answer.content
    assert tables_with(CANARY) == {"event"}


@pytest.mark.usefixtures("committed")
def test_beside_the_record_only_the_quarantine_keeps_what_was_sent() -> None:
    a_refused_item(an_organization(), task_id=5, status=CANARY)
    assert tables_with(CANARY) == {"logs_quarantinedevent"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("policy", "days"),
    [
        ('retention_policies: {error_logs: "10 days", activity_logs: "6 months"}', 10),
        ('retention_policies: {activity_logs: "6 months"}', 30),
    ],
)
def test_a_refused_item_stays_no_longer_than_the_shortest_period(policy: str, days: int) -> None:
    in_force(policy)
    item = a_refused_item(an_organization())
    over = item.recorded_at + timedelta(days=days)
    bounds.prune_quarantine(over - timedelta(microseconds=1))
    assert QuarantinedEvent.objects.exists()
    bounds.prune_quarantine(over + timedelta(microseconds=1))
    assert not QuarantinedEvent.objects.exists()


@pytest.mark.django_db
def test_another_organizations_period_is_not_its_own() -> None:
    home = an_organization("home")
    in_force('organizations: {north: {retention_policies: {error_logs: "1 day"}}}')
    a_refused_item(home)
    bounds.prune_quarantine(timezone.now() + timedelta(days=29))
    assert QuarantinedEvent.objects.exists()
