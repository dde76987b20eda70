"""The restricted access log: who did what with which case. Written before anything is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan

from logs.cases.models import Look, LookedAt
from logs.cases.role import as_hr
from logs.record import own_events
from orgo_audit.accounts.models import Organization, User
from orgo_audit.accounts.people import names_of
from orgo_audit.errors import BadInput

PURPOSE_LENGTH = 200


class Looker(Protocol):
    """Who looks, what for, and from which address."""

    @property
    def user(self) -> User: ...
    @property
    def purpose(self) -> str: ...
    @property
    def address(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Overseer:
    """Whoever reads what was done here, and sees no case."""

    user: User
    address: str | None = None
    purpose: str = "oversight"


def record(
    looker: Looker,
    organization: Organization,
    what: LookedAt,
    *,
    case: UUID | None = None,
    rows: int | None = None,
) -> None:
    """A line in the restricted access log, and a mark without any of it in the security log."""
    own_events.report_restricted_area(looker.user, organization, looker.address)
    with as_hr():
        Look(
            organization=organization,
            user_id=looker.user.pk,
            what=what,
            case_code=case,
            rows=rows,
            purpose=looker.purpose[:PURPOSE_LENGTH],
        ).save(force_insert=True)


def lines(
    organizations: list[Organization], *, before: int | None, size: int, matching: Q | None = None
) -> tuple[list[Look], bool]:
    """The newest lines older than that one, each with its person's name as `person`; any more?"""
    with as_hr():
        own = Q(organization__in=[one.pk for one in organizations])
        rows = Look.objects.filter(own & (matching or Q()))
        found = list(_older(rows, before).order_by("-looked_at", "-id")[: size + 1])
    names = names_of({look.user_id for look in found})
    for look in found:
        look.person = names.get(look.user_id, "")  # type: ignore[attr-defined]  # for the page
    return found[:size], len(found) > size


def _older(rows: QuerySet[Look], before: int | None) -> QuerySet[Look]:
    if before is None:
        return rows
    place = rows.filter(pk=before).values_list("looked_at", "id").first()
    if place is None:
        raise BadInput("there is no such line; begin at the newest", path="before")
    return rows.filter(TupleLessThan(Tuple(F("looked_at"), F("id")), place))
