"""Requests that two custodians decide, as pages and API show them. Reads only.

Nothing is decided by what stands here: the truth is the vault's own copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from logs.cases import access, errands, looks
from logs.cases.models import ApprovalRequest, Decision, LookedAt, RequestState
from logs.cases.role import as_hr
from orgo_audit.accounts.models import Organization, Role, User
from orgo_audit.accounts.people import Identity, names_of, organizations_with_role
from orgo_audit.errors import NotFound

SHOWN_FOR = timedelta(days=90)
MOST_ENDED = 200
OPEN = (RequestState.PENDING, RequestState.APPROVED)
NO_PERSON = "an operator's command"


@dataclass(frozen=True, slots=True)
class RequestViewer:
    """Somebody who may see requests: where they decide, where they oversee, where they ask."""

    user: User
    decides: list[Organization]
    oversees: list[Organization]
    asks: list[Organization]
    address: str | None = None
    # What they said that they are here for, where they were asked.
    said: str = ""

    @property
    def organizations(self) -> list[Organization]:
        known = {one.pk: one for one in (*self.decides, *self.oversees, *self.asks)}
        return sorted(known.values(), key=lambda organization: organization.slug)

    def organization(self, pk: int) -> Organization:
        return next(one for one in self.organizations if one.pk == pk)

    @property
    def purpose(self) -> str:
        """What a look is for follows from what somebody is, unless they said more."""
        if self.said:
            return self.said
        if self.decides:
            return "custodian's duty"
        return "oversight" if self.oversees else "own requests"


@dataclass(frozen=True, slots=True)
class ShownDecision:
    custodian: str
    approved: bool
    decided_at: datetime
    is_void: bool


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """A request with the names that belong to it."""

    row: ApprovalRequest
    organization: Organization
    requester: str
    decisions: list[ShownDecision] = field(default_factory=list)


def request_viewer(identity: Identity) -> RequestViewer:
    """NotFound for everybody who is neither custodian, overseer nor HR manager."""
    if not isinstance(identity, User):
        raise NotFound
    viewer = RequestViewer(
        identity,
        decides=organizations_with_role(identity, Role.CUSTODIAN),
        oversees=organizations_with_role(identity, *access.OVERSEERS),
        asks=list(access.workflows_shown_to(identity)),
    )
    if not viewer.organizations:
        raise NotFound
    return viewer


def organizations_to_erase_in(user: User) -> list[Organization]:
    """Where somebody may ask for an erasure."""
    return organizations_with_role(user, Role.DPO, Role.CUSTODIAN)


def open_and_ended(
    viewer: RequestViewer, *, now: datetime
) -> tuple[list[ShownRequest], list[ShownRequest]]:
    """What is still open, those that wait for custodians first; and what ended, newest first.

    Unavailable for a custodian while the vault is away, as in `one` and `again`.
    """
    since, known = now - SHOWN_FOR, _known_to(viewer)
    with as_hr():
        rows = _visible(viewer, known).order_by("-asked_at", "-pk")
        still_open = list(rows.filter(state__in=OPEN)[:MOST_ENDED])
        ended = list(rows.exclude(state__in=OPEN).filter(asked_at__gte=since)[:MOST_ENDED])
        decisions = _decisions([*still_open, *ended])
    still_open.sort(key=lambda row: row.state != RequestState.PENDING)
    for organization in viewer.organizations:
        shown = sum(row.organization_id == organization.pk for row in (*still_open, *ended))
        looks.record(viewer, organization, LookedAt.REQUESTS, rows=shown)
    told = list(_shown(viewer, [*still_open, *ended], decisions))
    return told[: len(still_open)], told[len(still_open) :]


def one(viewer: RequestViewer, identifier: UUID) -> ShownRequest:
    """One request; NotFound for an unknown one and one of others alike."""
    found = again(viewer, identifier)
    case = found.row.case_code
    looks.record(viewer, found.organization, LookedAt.REQUESTS, case=case)
    return found


def again(viewer: RequestViewer, identifier: UUID) -> ShownRequest:
    """The same request as it stands now, in the same look."""
    known = _known_to(viewer)
    with as_hr():
        rows = list(_visible(viewer, known).filter(pk=identifier))
        decisions = _decisions(rows)
    for shown in _shown(viewer, rows, decisions):
        return shown
    raise NotFound


def _known_to(viewer: RequestViewer) -> list[str]:
    """Which requests a custodian may know of. The vault alone knows whom each one concerns."""
    return [
        identifier
        for organization in viewer.decides
        for identifier in errands.ask("requests", organization, {}, by=viewer.user)["ids"]
    ]


def _visible(viewer: RequestViewer, known: list[str]) -> QuerySet[ApprovalRequest]:
    """A custodian who oversees too still sees nothing of what concerns themselves."""
    decided = {one.pk for one in viewer.decides}
    overseen = {one.pk for one in viewer.oversees} - decided
    own = Q(organization__in=[one.pk for one in viewer.organizations], requester=viewer.user.pk)
    as_custodian = Q(organization__in=decided, pk__in=known)
    return ApprovalRequest.objects.filter(Q(organization__in=overseen) | own | as_custodian)


def _decisions(rows: list[ApprovalRequest]) -> list[Decision]:
    found = Decision.objects.filter(request__in=[row.pk for row in rows])
    return list(found.order_by("decided_at", "pk"))


def _shown(
    viewer: RequestViewer, rows: list[ApprovalRequest], decisions: list[Decision]
) -> Iterator[ShownRequest]:
    requesters = {row.requester_id for row in rows}
    names = names_of({*requesters, *(one.custodian_id for one in decisions)})
    for row in rows:
        yield ShownRequest(
            row,
            viewer.organization(row.organization_id),
            names.get(row.requester_id, NO_PERSON),
            [
                ShownDecision(
                    names.get(one.custodian_id, ""),
                    one.approved,
                    one.decided_at,
                    one.voided_at is not None,
                )
                for one in decisions
                if one.request_id == row.pk
            ],
        )
