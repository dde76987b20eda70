"""Builders for retention: holds, plans and certificates, as a scene finds them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from logs.retention import holds
from logs.retention.models import (
    DestructionCertificate,
    LegalHold,
    Means,
    PlannedDestruction,
    RetentionRun,
)
from orgo_audit.accounts.models import Organization
from tests.builders import setting_the_scene

HOLD_WISH: dict[str, Any] = {
    "matter": "Roe against the organization",
    "reason": "a claim is expected",
    "scope": {"task_id": "T1"},
}
CONFLICT = "organizations: {%s: {regime: [gdpr, hipaa]}}"  # about the security log
DIGEST = "5f" * 32


def a_hold(
    organization: Organization, kind: str = "task", value: str = "T1", *, by: str = "anna"
) -> LegalHold:
    return holds.place(
        organization,
        matter=HOLD_WISH["matter"],
        reason=HOLD_WISH["reason"],
        owner="counsel",
        scope_kind=kind,
        scope_value=value,
        by=by,
        now=timezone.now(),
    )


def released(hold: LegalHold, now: datetime) -> None:
    """By two people, one after the other."""
    with setting_the_scene():
        for person in ("system:anna", "system:ben"):
            holds.advance_release(hold.organization, hold.pk, by=person, now=now)


def a_published_plan(
    organization: Organization | None, segment: str = "activity-2020-01"
) -> PlannedDestruction:
    """Of one organization's rows; without one, of the whole segment."""
    with setting_the_scene():
        run = RetentionRun.objects.create(started_at=timezone.now(), policy_version=1)
        row = PlannedDestruction.objects.create(
            run=run,
            segment=segment,
            organization=organization,
            kind=Means.REMOVE if organization else Means.DROP,
            period="6 months",
            policy_version=1,
            rows=2,
            bytes=0,
            due_at=timezone.now(),
        )
    row.refresh_from_db()
    return row


def a_certificate_of_case(organization: Organization) -> DestructionCertificate:
    return a_certificate(
        organization,
        "",
        kind=Means.CASE,
        case_code=uuid4(),
        first_recorded_at=None,
        last_recorded_at=None,
        rows_at_closing=1,
        rows_destroyed=1,
        rows_held=0,
        digest_at_closing="",
        period="2 months",
        announcement=None,
    )


def a_certificate(
    organization: Organization | None, segment: str = "activity-2020-01", **told: Any
) -> DestructionCertificate:
    first = datetime(2020, 1, 1, 12, tzinfo=UTC)
    known: dict[str, Any] = {
        "kind": Means.DROP,
        "first_recorded_at": first,
        "last_recorded_at": first + timedelta(days=9),
        "rows_at_closing": 3,
        "rows_destroyed": 2,
        "rows_held": 1,
        "digest_at_closing": DIGEST,
        "policy_version": 1,
        "period": "6 months",
        "announcement": UUID(int=7),
        "destroyed_at": timezone.now(),
    }
    plan = None if told.get("kind") in (Means.CASE, Means.ERASE) else a_published_plan(None)
    with setting_the_scene():
        if plan is not None:  # each destruction has one
            PlannedDestruction.objects.filter(pk=plan.pk).update(state="done")
        return DestructionCertificate.objects.create(
            organization=organization, segment=segment, plan=plan, **(known | told)
        )
