"""Custodians' passkeys as pages show them. Reads only: which one may sign is the vault's word."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from logs.cases.access import Custodian
from logs.cases.models import CustodianPasskey, PasskeyState
from logs.cases.role import as_hr
from orgo_audit.accounts.models import Organization
from orgo_audit.accounts.people import names_of
from orgo_audit.errors import NotFound

FINISHED = (PasskeyState.PROVEN, PasskeyState.CONFIRMED)


@dataclass(frozen=True, slots=True)
class ShownPasskey:
    """A passkey, whose it is and where it serves."""

    row: CustodianPasskey
    organization: Organization
    owner: str
    is_own: bool


def shown(custodian: Custodian) -> list[ShownPasskey]:
    """The custodian's own ones, newest first; then others' that somebody can compare or revoke."""
    by_id = {one.pk: one for one in custodian.organizations}
    user = custodian.user
    with as_hr():
        rows = CustodianPasskey.objects.filter(organization__in=by_id)
        seen = rows.filter(Q(user=user.pk) | Q(state__in=FINISHED)).order_by("-added_at")
        found = list(seen)
    names = names_of({row.user_id for row in found})
    return [
        ShownPasskey(
            row, by_id[row.organization_id], names.get(row.user_id, ""), row.user_id == user.pk
        )
        for row in sorted(found, key=lambda row: row.user_id != user.pk)
    ]


def one(custodian: Custodian, identifier: UUID) -> ShownPasskey:
    """One of these; NotFound for every other."""
    for found in shown(custodian):
        if found.row.pk == identifier:
            return found
    raise NotFound
