"""Events of the past, in segments that the owner makes: the clock of a test is never moved."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.db import connections

from logs.record.identifiers import new_ids
from logs.record.rows import COLUMNS
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import Period, start_of_month

OWNER = "owner"


def months_ago(count: int) -> datetime:
    """Noon of the first day of the month `count` months before this one."""
    return Period(count, "month").before(start_of_month(datetime.now(UTC))) + timedelta(hours=12)


def segment_of(recorded_at: datetime, log_type: LogType = LogType.ACTIVITY) -> str:
    return f"{log_type.value}-{recorded_at:%Y-%m}"


def a_segment(month: datetime, log_type: LogType = LogType.ACTIVITY, *, using: str = OWNER) -> str:
    """The segment, made by the owner if it is not there."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT make_segment(%s, %s)", [log_type.value, start_of_month(month).date()]
        )
    return segment_of(month, log_type)


def an_old_event(
    organization: Organization,
    recorded_at: datetime,
    log_type: LogType = LogType.ACTIVITY,
    *,
    using: str = OWNER,
    **columns: Any,
) -> UUID:
    """An event that was recorded then."""
    a_segment(recorded_at, log_type, using=using)
    (identifier,) = new_ids(recorded_at, 1)
    values: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "id": identifier,
        "log_type": log_type.value,
        "organization_id": organization.pk,
        "recorded_at": recorded_at,
        "occurred_at": recorded_at,
        "source": "router",
        "action": "Task Routed",
        "code": "task.routed",
        "outcome": "success",
        "details": json.dumps(columns.pop("details", {})),
    }
    values |= columns
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    with connections[using].cursor() as cursor:
        cursor.execute(f"INSERT INTO event ({names}) VALUES ({marks})", list(values.values()))  # noqa: S608
    return identifier


def stored_ids(using: str = OWNER) -> set[UUID]:
    """All events but the portal's own."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT id FROM event WHERE source <> 'portal'")
        return {row[0] for row in cursor.fetchall()}


def age_plans(by: timedelta, *, using: str = OWNER) -> None:
    """What is published was so earlier, by that much."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "UPDATE logs_planneddestruction SET published_at = published_at - %s"
            " WHERE state = 'planned'",
            [cast(Any, by)],  # psycopg knows it, the stubs do not
        )
