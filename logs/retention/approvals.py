"""Two-person approval of what is planned: who may give it, who has. Destroys nothing."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from logs.record import own_events
from logs.retention import keeping
from logs.retention.models import PlannedDestruction, PlanState
from logs.retention.plan import Rules
from logs.retention.segments import tenants_of
from orgo_audit.accounts.models import Membership, Organization, Role, User
from orgo_audit.accounts.people import organizations_with_role
from orgo_audit.errors import Conflict, NotFound

NEEDED = 2


def admins_among(names: Iterable[str]) -> dict[str, set[str]]:
    """Which of these people are admins where, by the organization's slug. No leavers."""
    held = Membership.objects.filter(
        role=Role.ADMIN, user__is_active=True, user__username__in=set(names)
    )
    found: dict[str, set[str]] = {}
    for slug, name in held.values_list("organization__slug", "user__username"):
        found.setdefault(slug, set()).add(name)
    return found


def is_approved(row: PlannedDestruction, organizations: Iterable[str], rules: Rules) -> bool:
    """Whether each of these organizations that wants two people's approval has it."""
    asking = [name for name in organizations if rules[name, row.log_type].wants_two_people]
    if not asking:
        return True
    given = admins_among(row.approved_by)
    return all(len(given.get(name, ())) >= NEEDED for name in asking)


def approve(user: User, plan_id: UUID) -> PlannedDestruction:
    """One person approves for the organizations whose admin they are.

    NotFound where none of them has rows in it; Conflict where nobody asks for this approval, the
    person has given it, or enough others have.
    """
    with transaction.atomic():
        row = (
            PlannedDestruction.objects.select_for_update(of=("self",))
            .filter(pk=plan_id, state=PlanState.PLANNED)
            .select_related("organization")
            .first()
        )
        if row is None or not (own := _own(user, row)):
            raise NotFound
        asking = _open_for(user, row, own)
        row.approved_by = [*row.approved_by, user.username]
        row.save(update_fields=["approved_by"])
        for organization in asking:
            told = {"plan": str(row.pk), "segment": row.segment}
            own_events.report_administration(
                "Destruction Approved", organization, user.get_username(), told
            )
    return row


def _own(user: User, row: PlannedDestruction) -> list[Organization]:
    administered = organizations_with_role(user, Role.ADMIN)
    concerned = [row.organization_id] if row.organization_id else tenants_of(row.segment)
    return [organization for organization in administered if organization.pk in concerned]


def _open_for(user: User, row: PlannedDestruction, own: list[Organization]) -> list[Organization]:
    """Where an approval is still missing, and this person's would count."""
    rules, given = keeping.rules(), admins_among(row.approved_by)
    asking = [one for one in own if rules[one.slug, row.log_type].wants_two_people]
    if not asking:
        raise Conflict("the policy asks for no approval of this")
    if user.username in row.approved_by:
        raise Conflict("you have approved this before; a second person's approval is needed")
    missing = [one for one in asking if len(given.get(one.slug, ())) < NEEDED]
    if not missing:
        raise Conflict("two people have approved this before")
    return missing
