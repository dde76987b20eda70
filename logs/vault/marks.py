"""Leaves a line of each step in the restricted access log."""

from __future__ import annotations

from uuid import UUID

from logs.cases.models import Look, LookedAt
from logs.vault.petitions import Petition
from orgo_audit.accounts.models import Organization


def leave(
    organization: Organization,
    user_id: int,
    what: LookedAt,
    why: str,
    *,
    case_code: UUID | None = None,
) -> None:
    Look.objects.create(
        organization=organization, user_id=user_id, what=what, case_code=case_code, purpose=why
    )


def leave_about(
    organization: Organization, user_id: int | None, what: LookedAt, petition: Petition
) -> None:
    """Who did what about which request; an operator's command is no person, and leaves none."""
    if user_id is not None:
        why = f"{petition.act} request {petition.id}"
        leave(organization, user_id, what, why, case_code=petition.case)
