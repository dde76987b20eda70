"""Leaves a line of each step in the restricted access log."""

from __future__ import annotations

from logs.cases.models import Look, LookedAt
from logs.vault.petitions import Petition
from orgo_audit.accounts.models import Organization


def leave(
    organization: Organization, user_id: int | None, what: LookedAt, petition: Petition
) -> None:
    """Who did what about which request; an operator's command is no person, and leaves none."""
    if user_id is None:
        return
    Look.objects.create(
        organization=organization,
        user_id=user_id,
        what=what,
        case_code=petition.case,
        purpose=f"{petition.act.value} request {petition.id}",
    )
