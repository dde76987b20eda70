"""What an admin is shown of the plan: the own organizations' part alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from logs.management.commands.plan_retention import lines
from logs.retention import applying, overview
from logs.retention.foresight import described_destruction
from logs.retention.overview import Overview, PlannedSegment
from logs.retention.plan import Drop, Held, Remove
from orgo_audit.accounts.models import Organization
from orgo_audit.policy.loading import load_policy
from tests.builders import an_organization
from tests.database import login_of_default
from tests.logs.retention.test_applying import NORTH_LONGER, SIX_MONTHS
from tests.old_events import a_segment, an_old_event, months_ago, segment_of
from tests.policies import in_force
from tests.retention import a_hold

pytestmark = pytest.mark.usefixtures("committed")

MONTH = months_ago(8)
SEGMENT = segment_of(MONTH)


@pytest.fixture
def home() -> Iterator[Organization]:
    in_force(SIX_MONTHS)
    yield an_organization("home")
    connections["owner"].close()


@pytest.fixture
def north(home: Organization) -> Organization:
    return an_organization("north")


def filled(*organizations: Organization) -> None:
    """Each with as many events as its place says, and a night over it."""
    for count, organization in enumerate(organizations, start=1):
        for _ in range(count):
            an_old_event(organization, MONTH)
    with login_of_default("worker"):
        applying.run(timezone.now())


def by_owner(statement: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def told(*organizations: Organization) -> Overview:
    return overview.overview(organizations, now=timezone.now())


def of_the_month(*organizations: Organization) -> PlannedSegment:
    [found] = [one for one in told(*organizations).segments if one.plan.segment.name == SEGMENT]
    return found


def test_an_admin_sees_the_own_rows_and_their_part_of_the_bytes(
    home: Organization, north: Organization
) -> None:
    filled(home, north)
    whole, own, other = of_the_month(home, north), of_the_month(home), of_the_month(north)
    assert (own.rows, other.rows, whole.rows) == (1, 2, 3)
    assert whole.bytes is not None
    assert (own.bytes, other.bytes) == (whole.bytes // 3, whole.bytes * 2 // 3)
    assert [step.organizations for step in own.plan.decisions if isinstance(step, Drop)] == [
        ("home",)
    ]


def test_the_earliest_deletion_waits_for_the_notice_too(home: Organization) -> None:
    an_old_event(home, MONTH)
    now = timezone.now()
    assert overview.overview([home], now=now).earliest == now + timedelta(days=1)
    filled(home)
    [found] = of_the_month(home).published
    assert told(home).earliest == found.not_before > now


def test_a_month_without_own_rows_is_not_there(home: Organization, north: Organization) -> None:
    filled(home)
    assert SEGMENT not in {one.plan.segment.name for one in told(north).segments}


def test_what_is_published_is_shown_with_the_instant_it_waits_for(
    home: Organization, north: Organization
) -> None:
    filled(home, north)
    [found] = of_the_month(home).published
    assert found.row.organization is None
    assert found.not_before == found.row.published_at + timedelta(days=1)
    assert found.approvals_missing == 0


def test_rows_that_go_by_themselves_are_published_to_their_own_alone(
    home: Organization, north: Organization
) -> None:
    in_force(NORTH_LONGER)
    filled(home, north)
    [found] = of_the_month(home).published
    assert found.row.organization == home
    assert of_the_month(north).published == ()
    assert not any(isinstance(step, Remove) for step in of_the_month(north).plan.decisions)


def test_what_a_hold_covers_since_is_not_shown_as_coming(home: Organization) -> None:
    filled(home)
    hold = a_hold(home, "segment", SEGMENT)
    one = of_the_month(home)
    assert one.published == ()
    assert one.plan.decisions == (Held("home", (hold.pk,), 1),)


def test_all_of_a_month_is_held_before_anybody_counted_it(home: Organization) -> None:
    an_old_event(home, MONTH)
    hold = a_hold(home, "segment", SEGMENT)
    one = of_the_month(home)
    assert one.plan.decisions == (Held("home", (hold.pk,), None),)
    assert f"  held: all events of home, by {hold.pk}" in lines(one, timezone.now())


def test_a_month_that_others_share_is_not_counted_before_it_is_closed(
    home: Organization, north: Organization
) -> None:
    an_old_event(home, MONTH)
    assert (of_the_month(home).rows, of_the_month(home).bytes is None) == (None, False)
    by_owner("ANALYZE event")
    assert of_the_month(home).rows == 1
    an_old_event(north, MONTH)
    by_owner("ANALYZE event")
    assert (of_the_month(home).rows, of_the_month(home).bytes) == (None, None)


def test_a_month_without_anything_is_in_nobodys_plan(home: Organization) -> None:
    a_segment(MONTH)
    assert SEGMENT not in {one.plan.segment.name for one in told(home).segments}


def test_what_another_policy_would_destroy_is_told_by_segment_and_organization(
    home: Organization, north: Organization
) -> None:
    in_force(NORTH_LONGER)
    filled(home, north)
    lines = list(described_destruction(load_policy(SIX_MONTHS, name="x"), now=timezone.now()))
    not_before = f"{timezone.now() + timedelta(days=2):%Y-%m-%d}"
    told = f"{SEGMENT} of north: 2 events, from {not_before} on;"
    assert [line for line in lines if line.startswith(told)]
    assert not [line for line in lines if "home" in line]
