"""Two people approve what is planned: each once, each for the own organization."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from logs.record.models import Event
from logs.retention import applying, approvals, overview
from logs.retention.models import DestructionCertificate, PlannedDestruction
from logs.retention.overview import Published
from orgo_audit.accounts.models import Organization, Role, User
from orgo_audit.errors import Conflict, NotFound
from tests.builders import a_user, an_organization
from tests.database import login_of_default
from tests.logs.retention.test_applying import NOTICE
from tests.old_events import age_plans, an_old_event, months_ago
from tests.policies import alone_in_force, in_force

pytestmark = pytest.mark.usefixtures("committed")

TWO_PEOPLE = """
retention_policies: {activity_logs: "6 months"}
retention: {approval: two_people}
"""


@pytest.fixture
def home() -> Iterator[Organization]:
    in_force(TWO_PEOPLE)
    yield an_organization("home")
    connections["owner"].close()


def run_of_worker() -> int:
    """How many were destroyed by a nightly run."""
    with login_of_default("worker"):
        return sum(one.rows or 0 for one in applying.run(timezone.now()))


def planned(*organizations: Organization) -> PlannedDestruction:
    """A month in which each of these has an event, published long enough ago."""
    for organization in organizations:
        an_old_event(organization, months_ago(8))
    run_of_worker()
    age_plans(NOTICE)
    return PlannedDestruction.objects.get(state="planned")


def shown(*organizations: Organization) -> Published:
    told = overview.overview(organizations, now=timezone.now())
    [found] = [found for one in told.segments for found in one.published]
    return found


def an_admin(organization: Organization, name: str) -> User:
    return a_user(Role.ADMIN, organization, name)


def admins(organization: Organization, *names: str) -> list[User]:
    return [an_admin(organization, name) for name in names]


def test_two_people_let_it_go_and_the_certificate_names_them(home: Organization) -> None:
    row = planned(home)
    anna, ben = admins(home, "anna", "ben")
    assert run_of_worker() == 0
    approvals.approve(anna, row.pk)
    assert (shown(home).approved_by, shown(home).approvals_missing) == (("anna",), 1)
    assert run_of_worker() == 0
    approvals.approve(ben, row.pk)
    assert shown(home).approvals_missing == 0
    assert run_of_worker() == 1
    assert DestructionCertificate.objects.get().approved_by == ["anna", "ben"]


def test_one_person_approves_once_and_two_are_enough(home: Organization) -> None:
    row = planned(home)
    anna, ben, carl = admins(home, "anna", "ben", "carl")
    approvals.approve(anna, row.pk)
    with pytest.raises(Conflict, match="second person"):
        approvals.approve(anna, row.pk)
    assert not shown(home).can_be_approved_by("anna")
    assert shown(home).can_be_approved_by("ben")
    approvals.approve(ben, row.pk)
    with pytest.raises(Conflict, match="two people"):
        approvals.approve(carl, row.pk)
    assert not shown(home).can_be_approved_by("carl")


def test_who_approves_is_on_record(home: Organization) -> None:
    row = planned(home)
    approvals.approve(an_admin(home, "anna"), row.pk)
    event = Event.objects.get(code="retention.approved")
    assert (event.actor, event.organization) == ("anna", home)
    assert event.details == {"plan": str(row.pk), "segment": row.segment}


def test_nobody_waits_for_another_organizations_admins(home: Organization) -> None:
    north = an_organization("north")
    for organization in (home, north):
        an_old_event(organization, months_ago(8))
    run_of_worker()
    age_plans(NOTICE)
    own = PlannedDestruction.objects.get(organization=home)
    for user in admins(home, "anna", "ben"):
        approvals.approve(user, own.pk)
    with pytest.raises(NotFound):
        approvals.approve(an_admin(north, "nora"), own.pk)
    assert shown(home).approvals_missing == 0
    assert run_of_worker() == 1
    others = PlannedDestruction.objects.get(state="planned")
    assert (others.organization, shown(north).approvals_missing) == (north, 2)
    for name in ("nils", "nina"):
        approvals.approve(an_admin(north, name), others.pk)
    assert run_of_worker() == 1, "what was approved goes, though the month is theirs alone now"
    certified = {
        one.organization_id: one.approved_by for one in DestructionCertificate.objects.all()
    }
    assert certified == {home.pk: ["anna", "ben"], north.pk: ["nils", "nina"]}


def test_an_approval_counts_no_more_when_its_person_leaves(home: Organization) -> None:
    row = planned(home)
    for user in admins(home, "anna", "ben"):
        approvals.approve(user, row.pk)
    User.objects.using("worker").filter(username="ben").update(is_active=False)
    assert shown(home).approvals_missing == 1
    assert run_of_worker() == 0


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_others_find_nothing_to_approve(home: Organization, role: Role) -> None:
    row = planned(home)
    elsewhere = an_organization("elsewhere")
    for user, plan in (
        (a_user(role, home), row.pk),
        (a_user(Role.ADMIN, elsewhere), row.pk),
        (a_user(Role.ADMIN, home), uuid4()),
    ):
        with pytest.raises(NotFound):
            approvals.approve(user, plan)


def test_nobody_approves_what_needs_no_approval(home: Organization) -> None:
    row = planned(home)
    alone_in_force('retention_policies: {activity_logs: "6 months"}')
    with pytest.raises(Conflict, match="no approval"):
        approvals.approve(an_admin(home, "anna"), row.pk)


def test_what_is_done_is_not_approved_any_more(home: Organization) -> None:
    row = planned(home)
    for user in admins(home, "anna", "ben"):
        approvals.approve(user, row.pk)
    assert run_of_worker() == 1
    with pytest.raises(NotFound):
        approvals.approve(an_admin(home, "carl"), row.pk)
