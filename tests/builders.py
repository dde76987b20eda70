"""Builders for tests: each says only what matters to the test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from logs.record import access, drafts, ingest
from logs.record.models import Event
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope, User
from orgo_audit.accounts.people import create_organization, create_user
from orgo_audit.accounts.tokens import create_token

BUILDER_ROLE = "orgo_test_builder"
PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


@contextmanager
def setting_the_scene() -> Iterator[None]:
    """With the worker's rights: the web login may not make people, organizations and tokens."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user = 'orgo_web'")
        is_web = cursor.fetchone()[0]
        if is_web:
            cursor.execute(f"SET ROLE {BUILDER_ROLE}")
        try:
            yield
        finally:
            if is_web and not connection.needs_rollback:
                cursor.execute("RESET ROLE")


def an_organization(slug: str = "") -> Organization:
    slug = slug or f"organization-{next(_numbers)}"
    with setting_the_scene():
        organization = create_organization(slug)
        access.sync_grants()
    return organization


def a_user(role: Role, organization: Organization, name: str = "") -> User:
    name = name or f"{role.value}-{next(_numbers)}"
    with setting_the_scene():
        return create_user(name, role=role, organization=organization, password=PASSWORD)


def a_token(organization: Organization, *scopes: Scope, name: str = "email_parser") -> str:
    expires_at = timezone.now() + timedelta(days=1)
    with setting_the_scene():
        return create_token(name, organization, scopes or (Scope.INGEST,), expires_at=expires_at)


def wire_event(log_type: LogType = LogType.ACTIVITY, **fields: Any) -> dict[str, Any]:
    """An ordinary event as a service sends it."""
    name = "error" if log_type is LogType.ERROR else "action"
    return {"timestamp": "2026-11-24T10:45:00Z", name: "Task Routed", "status": "Success"} | fields


def an_event(
    organization: Organization,
    log_type: LogType = LogType.ACTIVITY,
    *,
    source: str = "router",
    **fields: Any,
) -> Event:
    """A stored event."""
    sent = wire_event(log_type, **fields)
    draft = drafts.draft_of(sent, log_type, now=datetime.now(UTC))
    item = drafts.Item(draft, sent, log_type.value)
    receipt = ingest.store_batch([item], ingest.Sender(organization, source))
    return Event.objects.get(pk=receipt.ids[0])


def wipe_events(owner: BaseDatabaseWrapper) -> None:
    """Drops every segment and makes the current ones: the record refuses TRUNCATE and DELETE."""
    with owner.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree('event') WHERE isleaf")
        segments = [row[0] for row in cursor.fetchall()]
        for segment in segments:
            cursor.execute(f"DROP TABLE {segment}")
        cursor.execute(
            "SELECT make_segment(kind, month::date)"
            " FROM unnest(ARRAY['activity', 'security', 'error']) AS kind,"
            " generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),"
            " date_trunc('month', now() AT TIME ZONE 'UTC') + interval '3 months',"
            " interval '1 month') AS month"
        )
