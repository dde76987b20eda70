"""Cases that no HR manager has any more, for the data protection officer: code, kind and day.

The vault lists and assigns them. It leaves out those in which the officer takes part, and never
says why it refuses a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from logs.cases import errands, looks
from logs.cases.models import LookedAt
from orgo_audit.accounts.models import Organization, Role, User
from orgo_audit.accounts.people import Identity, organizations_with_role
from orgo_audit.errors import BadInput, NotFound

# What the restricted access log says of it; a refusal names nobody.
PURPOSE = "oversight: unassigned cases"
REFUSED = "refused: given to nobody"
_NOBODY = 0


@dataclass(frozen=True, slots=True)
class Officer:
    """A data protection officer, and where they are one."""

    user: User
    organizations: list[Organization]
    address: str | None = None
    purpose: str = PURPOSE


@dataclass(frozen=True, slots=True)
class UnassignedCase:
    """All that an officer is told of a case."""

    code: UUID
    workflow: str
    opened_on: date
    organization: Organization


def officer(identity: Identity) -> Officer:
    """NotFound for everybody who is none."""
    found = organizations_with_role(identity, Role.DPO)
    if not isinstance(identity, User) or not found:
        raise NotFound
    return Officer(identity, found)


@dataclass(frozen=True, slots=True)
class Unassigned:
    """Cases by code, the oldest of each organization first; how many events are in none, and why.

    The reasons are those of the vault: `unlisted`, `crowded`, `refused`, `unreadable`.
    """

    cases: dict[str, UnassignedCase]
    held: Counter[str]


def unassigned(officer: Officer) -> Unassigned:
    """Unavailable while the vault is away."""
    found = Unassigned({}, Counter())
    for organization in officer.organizations:
        told = errands.ask("unassigned_cases", organization, {}, by=officer.user)
        found.held.update(told["held"])
        for one in told["cases"]:
            opened_on = date.fromisoformat(one["opened_on"])
            case = UnassignedCase(UUID(one["case"]), one["workflow"], opened_on, organization)
            found.cases[one["case"]] = case
    return found


def record_look(officer: Officer, shown: Mapping[str, UnassignedCase]) -> None:
    """Before the list is shown."""
    for organization in officer.organizations:
        rows = sum(case.organization == organization for case in shown.values())
        looks.record(officer, organization, LookedAt.LIST, rows=rows)


def assign(officer: Officer, case: UnassignedCase, name: str) -> None:
    """Gives the case to the HR manager of that user name.

    BadInput, one and the same, where there is none and where that person takes part in the case:
    the vault is asked in either case. NotFound where the case is not the officer's to give.
    """
    pk = User.objects.filter(username=name).values_list("pk", flat=True).first() or _NOBODY
    body = {"case": str(case.code), "user": pk, "assigned": True}
    try:
        errands.ask("assign", case.organization, body, by=officer.user)
    except BadInput:
        refused = replace(officer, purpose=REFUSED)
        looks.record(refused, case.organization, LookedAt.ASSIGNMENT, case=case.code)
        raise
