"""Requests that two custodians decide, and custodians' passkeys, as pages show them. Reads only.

Nothing is decided by what stands here: the truth is the vault's own copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from logs.cases import access, errands, looks
from logs.cases.access import Identity
from logs.cases.models import (
    ApprovalRequest,
    CustodianPasskey,
    Decision,
    LookedAt,
    PasskeyState,
    RequestState,
)
from logs.cases.role import as_hr
from orgo_audit.accounts.models import Organization, Role, User
from orgo_audit.accounts.people import organizations_with_role
from orgo_audit.errors import NotFound

SHOWN_FOR = timedelta(days=90)
MOST_ENDED = 200
OPEN = (RequestState.PENDING, RequestState.APPROVED)
FINISHED = (PasskeyState.PROVEN, PasskeyState.CONFIRMED)
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
        decides=_or_none(access.organizations_decided_by, identity),
        oversees=_or_none(access.organizations_overseen_by, identity),
        asks=_or_none(lambda user: access.hr_viewer(user).organizations, identity),
    )
    if not viewer.organizations:
        raise NotFound
    return viewer


def organizations_to_erase_in(user: User) -> list[Organization]:
    """Where somebody may ask for an erasure."""
    return organizations_with_role(user, Role.DPO, Role.CUSTODIAN)


def _or_none(find: Callable[[Identity], list[Organization]], user: User) -> list[Organization]:
    try:
        return find(user)
    except NotFound:
        return []


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
        _look(viewer, organization, rows=shown)
    told = list(_shown(viewer, [*still_open, *ended], decisions))
    return told[: len(still_open)], told[len(still_open) :]


def one(viewer: RequestViewer, identifier: UUID) -> ShownRequest:
    """One request; NotFound for an unknown one and one of others alike."""
    found = again(viewer, identifier)
    _look(viewer, found.organization, case=found.row.case_code)
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
    names = _names_of({*requesters, *(one.custodian_id for one in decisions)})
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


def _names_of(users: Iterable[int | None]) -> dict[int | None, str]:
    known = [pk for pk in users if pk is not None]
    return dict(User.objects.filter(pk__in=known).values_list("pk", "username"))


def _look(
    viewer: RequestViewer,
    organization: Organization,
    *,
    rows: int | None = None,
    case: UUID | None = None,
) -> None:
    looks.record(
        viewer.user,
        organization,
        LookedAt.REQUESTS,
        case=case,
        rows=rows,
        purpose=viewer.purpose,
        address=viewer.address,
    )


# --- passkeys -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Custodian:
    """Somebody with passkeys, and where they serve."""

    user: User
    organizations: list[Organization]

    def organization(self, slug: str) -> Organization:
        """NotFound where they do not serve."""
        for one in self.organizations:
            if one.slug == slug:
                return one
        raise NotFound


@dataclass(frozen=True, slots=True)
class ShownPasskey:
    """A passkey, whose it is and where it serves."""

    row: CustodianPasskey
    organization: Organization
    owner: str
    is_own: bool


def custodian(identity: Identity) -> Custodian:
    """NotFound for everybody who is none."""
    organizations = access.organizations_decided_by(identity)
    if not isinstance(identity, User):
        raise NotFound
    return Custodian(identity, organizations)


def passkeys(custodian: Custodian) -> list[ShownPasskey]:
    """The custodian's own ones, newest first; then others' that somebody can compare or revoke."""
    by_id = {one.pk: one for one in custodian.organizations}
    user = custodian.user
    with as_hr():
        rows = CustodianPasskey.objects.filter(organization__in=by_id)
        seen = rows.filter(Q(user=user.pk) | Q(state__in=FINISHED)).order_by("-added_at")
        found = list(seen)
    names = _names_of({row.user_id for row in found})
    return [
        ShownPasskey(
            row, by_id[row.organization_id], names.get(row.user_id, ""), row.user_id == user.pk
        )
        for row in sorted(found, key=lambda row: row.user_id != user.pk)
    ]


def passkey(custodian: Custodian, identifier: UUID) -> ShownPasskey:
    """One of these; NotFound for every other."""
    for shown in passkeys(custodian):
        if shown.row.pk == identifier:
            return shown
    raise NotFound
