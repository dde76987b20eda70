"""The blueprint's words for what an event holds, and how an answer says it. Judges nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from logs.record.vocabulary import LogType

# Filters and answers by the wire's names; `action` stands for `error` in error logs, too.
FILTER_FIELDS = {
    "action": "action",
    "status": "status",
    "user": "actor",
    "task_id": "task_id",
    "email_id": "email_id",
    "ip_address": "ip_address",
    "from": "route_from",
    "to": "route_to",
    "source": "source",
    "outcome": "outcome",
}
# What an answer says beside action and time, in this order.
ANSWER_FIELDS = {
    "user": "actor",
    "task_id": "task_id",
    "email_id": "email_id",
    "from": "route_from",
    "to": "route_to",
    "status": "status",
    "reason": "reason",
    "ip_address": "ip_address",
    "workflow": "workflow",
}
# Keys whose names tell nothing about anybody.
_PUBLIC_KEYS = frozenset(
    {*ANSWER_FIELDS, "timestamp", "action", "error", "log_type", "details", "identities"}
)


def public_path(path: str) -> str:
    """The part of a path that names nobody: its first key, if it is one that we know."""
    first = re.split(r"[.\[]", path, maxsplit=1)[0]
    return first if first in _PUBLIC_KEYS else ""


def action_key(log_type: LogType) -> str:
    """How the wire calls what happened."""
    return "error" if log_type is LogType.ERROR else "action"


def format_instant(instant: datetime) -> str:
    """UTC with `Z`, without a fraction where it is zero, else with six digits."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    return f"{text}.{instant.microsecond:06d}Z" if instant.microsecond else f"{text}Z"


def as_wire(event: Any, organization: str) -> dict[str, Any]:
    """A stored event in the blueprint's words; absent keys stay absent."""
    log_type = LogType(event.log_type)
    wire: dict[str, Any] = {
        "id": str(event.id),
        "log_type": log_type.value,
        "timestamp": format_instant(event.occurred_at),
        action_key(log_type): event.action,
    }
    for name, attribute in ANSWER_FIELDS.items():
        if (value := getattr(event, attribute)) is not None:
            wire[name] = value
    wire |= {
        "recorded_at": format_instant(event.recorded_at),
        "organization": organization,
        "source": event.source,
        "outcome": event.outcome,
        "details": event.details,
    }
    return wire
