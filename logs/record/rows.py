"""How a draft becomes a row of the event table: columns and values, once, in one order."""

from __future__ import annotations

from typing import Any

import msgspec

from logs.record.drafts import Draft

COLUMNS = (
    *("id", "log_type", "organization_id", "recorded_at", "occurred_at", "source"),
    *("action", "code", "outcome", "status", "actor", "task_id", "email_id", "ip_address"),
    *("route_from", "route_to", "reason", "workflow", "details"),
)
_json = msgspec.json.Encoder().encode


def row_of(
    draft: Draft, *, identifier: str, organization_id: int, recorded_at: str, source: str
) -> tuple[Any, ...]:
    """The values of COLUMNS."""
    return (
        identifier,
        draft.log_type.value,
        organization_id,
        recorded_at,
        draft.occurred_at,
        source,
        draft.action,
        draft.code,
        draft.outcome.value,
        draft.status,
        draft.actor,
        draft.task_id,
        draft.email_id,
        draft.ip_address,
        draft.route_from,
        draft.route_to,
        draft.reason,
        draft.workflow,
        _json(draft.details).decode(),
    )
