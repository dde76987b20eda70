"""Plans, holds and certificates as the API and the downloads write them. Reads nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from logs.record.wire import format_instant
from logs.retention.models import DestructionCertificate, LegalHold, ScopeKind
from logs.retention.overview import Overview, PlannedSegment, Published

# A hold's scope in the API's words.
SCOPES = {
    "segment": ScopeKind.SEGMENT,
    "task_id": ScopeKind.TASK,
    "user": ScopeKind.USER,
    "case": ScopeKind.CASE,
}
_NAME_OF_SCOPE = {kind.value: name for name, kind in SCOPES.items()}


def overview_as_json(told: Overview) -> dict[str, Any]:
    earliest = format_instant(told.earliest) if told.earliest else None
    return {"earliest": earliest, "results": [_planned(one) for one in told.segments]}


def _planned(one: PlannedSegment) -> dict[str, Any]:
    """Rows and bytes are those of the organizations that the caller administers."""
    shape = one.plan.as_json() | {"rows": one.rows, "bytes": one.bytes}
    return shape | {"published": [_published(found) for found in one.published]}


def _published(found: Published) -> dict[str, Any]:
    row = found.row
    return {
        "id": str(row.pk),
        "organization": row.whose,
        "kind": row.kind,
        "period": found.period,
        "policy_version": row.policy_version,
        "published_at": format_instant(row.published_at),
        "not_before": format_instant(found.not_before),
        "approved_by": list(found.approved_by),
        "approvals_missing": found.approvals_missing,
    }


def state_of(hold: LegalHold) -> str:
    if hold.released_at:
        return "released"
    return "release_asked" if hold.release_asked_by else "active"


def hold_as_json(hold: LegalHold) -> dict[str, Any]:
    return {
        "id": str(hold.pk),
        "organization": hold.organization.slug,
        "state": state_of(hold),
        "matter": hold.matter,
        "reason": hold.reason,
        "owner": hold.owner,
        "scope": {_NAME_OF_SCOPE[hold.scope_kind]: hold.scope_value},
        "placed_at": format_instant(hold.placed_at),
        "placed_by": hold.placed_by,
        "review_on": hold.review_on.isoformat(),
        "release_asked_by": hold.release_asked_by or None,
        "release_asked_at": _instant_or_none(hold.release_asked_at),
        "released_by": hold.released_by or None,
        "released_at": _instant_or_none(hold.released_at),
    }


def certificate_as_json(one: DestructionCertificate) -> dict[str, Any]:
    return {
        "id": str(one.pk),
        "organization": one.organization.slug if one.organization else None,
        "kind": one.kind,
        "segment": one.segment or None,
        "case": str(one.case_code) if one.case_code else None,
        "first_recorded_at": _instant_or_none(one.first_recorded_at),
        "last_recorded_at": _instant_or_none(one.last_recorded_at),
        "rows_at_closing": one.rows_at_closing,
        "rows_destroyed": one.rows_destroyed,
        "rows_held": one.rows_held,
        "digest_at_closing": one.digest_at_closing or None,
        "policy_version": one.policy_version,
        "period": one.period or None,
        "approved_by": one.approved_by,
        "plan": str(one.plan_id) if one.plan_id else None,
        "announcement": str(one.announcement) if one.announcement else None,
        "destroyed_at": format_instant(one.destroyed_at),
    }


def _instant_or_none(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None
