"""The nightly run: what is over goes, once, announced and certified; everything else stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, connections
from django.utils import timezone

from logs.record.models import Event
from logs.record.partitions import existing_segments
from logs.record.vocabulary import LogType
from logs.retention import applying, closures, destroying, holds, keeping
from logs.retention.destroying import Destroyed
from logs.retention.models import (
    DestructionCertificate,
    LegalHold,
    PlannedDestruction,
    PlanState,
    RetentionRun,
    SegmentClosure,
)
from logs.retention.plan import Rules
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.policy import versions
from tests.builders import a_user, an_organization
from tests.old_events import (
    a_segment,
    age_plans,
    an_old_event,
    months_ago,
    segment_of,
    stored_ids,
)
from tests.policies import alone_in_force, in_force

pytestmark = pytest.mark.usefixtures("as_worker", "committed")

SIX_MONTHS = 'retention_policies: {activity_logs: "6 months"}'
FIVE_MONTHS = 'retention_policies: {{activity_logs: "5 months", error_logs: "{} months"}}'
THREE_MONTHS = 'retention_policies: {activity_logs: "3 months"}'
ACTIVITY_A_YEAR = "{activity_logs: 1 year}"
NORTH_LONGER = f"""
{SIX_MONTHS}
organizations: {{north: {{retention_policies: {{activity_logs: "2 years"}}}}}}
"""
NOTICE = timedelta(days=1, minutes=1)


@pytest.fixture
def home(committed: None) -> Iterator[Organization]:
    in_force(SIX_MONTHS)
    yield an_organization("home")
    connections["owner"].close()


def a_hold(organization: Organization, kind: str, value: str) -> LegalHold:
    return holds.place(
        organization,
        matter="M-1",
        reason="a claim is expected",
        owner="lawyer",
        scope_kind=kind,
        scope_value=value,
        by="anna",
        now=timezone.now(),
    )


def two_nights() -> list[Destroyed]:
    """One that publishes; and one after the notice, that destroys."""
    assert applying.run(timezone.now()) == []
    age_plans(NOTICE)
    return applying.run(timezone.now())


def announcements() -> list[Event]:
    return list(Event.objects.filter(code="retention.announced").order_by("id"))


def test_a_month_whose_period_is_over_goes_as_a_whole(home: Organization) -> None:
    old, young = months_ago(8), months_ago(2)
    first = an_old_event(home, old)
    last = an_old_event(home, old + timedelta(days=9))
    stays = an_old_event(home, young)
    digest = closures.digests_of(segment_of(old))[home.pk]
    (gone,) = two_nights()
    assert gone == Destroyed(segment_of(old), None, 2)
    assert segment_of(old) not in existing_segments()
    assert stored_ids() == {stays}
    (certificate,) = DestructionCertificate.objects.all()
    assert (certificate.first_recorded_at, certificate.last_recorded_at) == (
        old,
        old + timedelta(days=9),
    )
    assert (certificate.rows_at_closing, certificate.digest_at_closing) == digest
    assert (certificate.rows_destroyed, certificate.rows_held) == (2, 0)
    assert (certificate.organization, certificate.period) == (home, "6 months")
    (said,) = announcements()
    assert said.pk == certificate.announcement
    assert said.details["segment"] == segment_of(old)
    assert {first, last, stays}.isdisjoint({said.pk})


def test_a_plan_is_public_for_its_notice_before_anything_goes(home: Organization) -> None:
    event = an_old_event(home, months_ago(8))
    for _ in range(3):
        assert applying.run(timezone.now()) == []
    age_plans(timedelta(days=1) - timedelta(minutes=1))
    assert applying.run(timezone.now()) == []
    assert stored_ids() == {event}
    (planned,) = PlannedDestruction.objects.all()
    assert (planned.state, planned.rows) == (PlanState.PLANNED, 1)
    assert announcements() == []


def test_what_falls_due_is_published_ahead(home: Organization) -> None:
    """So that its notice is over in the night in which it is due."""
    ends = months_ago(2) - timedelta(hours=12)
    an_old_event(home, months_ago(3))
    in_force('retention_policies: {activity_logs: "3 years"}')
    due = keeping.rules()["home", "activity"].period
    assert due is not None
    before = due.after(ends) - timedelta(days=1, hours=12)
    published = PlannedDestruction.objects.filter(segment=segment_of(months_ago(3)))
    applying.run(before - timedelta(days=2))
    assert not published.exists()
    applying.run(before)
    assert published.get().due_at == due.after(ends)


def test_another_run_destroys_nothing_a_second_time(home: Organization) -> None:
    an_old_event(home, months_ago(8))
    two_nights()
    for _ in range(2):
        age_plans(NOTICE)
        assert applying.run(timezone.now()) == []
    assert DestructionCertificate.objects.count() == 1
    assert len(announcements()) == 1


def test_only_one_organizations_rows_go_where_another_keeps_the_month_longer() -> None:
    in_force(NORTH_LONGER)
    home, north = an_organization("home"), an_organization("north")
    old = months_ago(8)
    an_old_event(home, old)
    an_old_event(home, old)
    stays = an_old_event(north, old)
    assert two_nights() == [Destroyed(segment_of(old), "home", 2)]
    assert stored_ids() == {stays}
    (certificate,) = DestructionCertificate.objects.all()
    assert (certificate.organization, certificate.rows_destroyed) == (home, 2)
    assert certificate.rows_at_closing == 2
    assert {said.organization_id for said in announcements()} == {home.pk}
    alone_in_force(SIX_MONTHS, using="owner")
    assert two_nights() == [Destroyed(segment_of(old), None, 1)]
    assert stored_ids() == set()


def test_a_new_policy_destroys_nothing_that_the_last_one_kept(home: Organization) -> None:
    stays = an_old_event(home, months_ago(5))
    in_force(THREE_MONTHS)
    assert two_nights() == []
    assert stored_ids() == {stays}


def test_after_two_days_it_does(home: Organization) -> None:
    an_old_event(home, months_ago(5))
    alone_in_force(THREE_MONTHS, using="owner")
    assert [gone.rows for gone in two_nights()] == [1]


def test_each_organization_is_told_its_own_period_alone() -> None:
    in_force(f"{SIX_MONTHS}\norganizations: {{north: {{retention_policies: {ACTIVITY_A_YEAR}}}}}")
    home, north = an_organization("home"), an_organization("north")
    for tenant in (home, north):
        an_old_event(tenant, months_ago(15))
    assert two_nights() == [Destroyed(segment_of(months_ago(15)), None, 2)]
    own = {home.pk: "6 months", north.pk: "1 year"}
    assert {one.organization_id: one.period for one in DestructionCertificate.objects.all()} == own
    assert {said.organization_id: said.details["period"] for said in announcements()} == own


def test_nothing_is_planned_where_all_that_is_left_is_held(home: Organization) -> None:
    old = months_ago(8)
    an_old_event(home, old, task_id="T1")
    a_hold(home, "task", "T1")
    applying.run(timezone.now())
    # Others of that month have become sensitive since: the vault took them, without a certificate.
    SegmentClosure.objects.using("owner").update(rows=5)
    assert two_nights() == []
    assert not PlannedDestruction.objects.exists()


def test_a_month_of_several_organizations_is_announced_and_certified_in_each() -> None:
    in_force(SIX_MONTHS)
    tenants = [an_organization("home"), an_organization("north")]
    for tenant in tenants:
        an_old_event(tenant, months_ago(8))
    two_nights()
    keys = {tenant.pk for tenant in tenants}
    assert {said.organization_id for said in announcements()} == keys
    certificates = DestructionCertificate.objects.all()
    assert {certificate.organization_id for certificate in certificates} == keys
    assert len(certificates) == 2


@pytest.mark.parametrize(
    ("kind", "value", "columns"),
    [
        ("task", "T1", {"task_id": "T1"}),
        ("task", "T1", {"details": {"task_id": "T1"}}),
        ("user", "Jane.Roe@organization.com", {"actor": "jane.roe@organization.com"}),
        ("user", "jane", {"route_to": "JANE"}),
        ("user", "jane", {"route_from": "jane"}),
        ("user", "jane", {"details": {"user": "jane"}}),
    ],
)
def test_what_a_hold_covers_stays_and_the_rest_goes(
    home: Organization, kind: str, value: str, columns: dict[str, Any]
) -> None:
    old = months_ago(8)
    held = an_old_event(home, old, **columns)
    an_old_event(home, old, task_id="T2", actor="john")
    hold = a_hold(home, kind, value)
    assert two_nights() == [Destroyed(segment_of(old), "home", 1)]
    assert stored_ids() == {held}
    certificate = DestructionCertificate.objects.get()
    assert (certificate.rows_destroyed, certificate.rows_held) == (1, 1)
    assert two_nights() == []  # what is left is held
    assert holds.rows_of(hold) == 1
    now = timezone.now()
    holds.ask_release(home, hold.pk, by="system:anna", now=now)
    holds.release(home, hold.pk, by="ben", now=now)
    assert two_nights() == [Destroyed(segment_of(old), None, 1)]
    assert stored_ids() == set()


def test_a_hold_on_a_task_keeps_the_events_of_its_mails_too(home: Organization) -> None:
    """Those that the task's trace shows."""
    old = months_ago(8)
    held = {
        an_old_event(home, old, task_id="T1", email_id="<1@mail>"),
        an_old_event(home, old, email_id="<1@mail>"),
        an_old_event(home, months_ago(9), email_id="<1@mail>"),
        an_old_event(home, old, LogType.ERROR, email_id="<1@mail>", details={"task_id": "T2"}),
        an_old_event(home, old, email_id="<1@mail>", details={"task_id": "T1"}),
    }
    an_old_event(home, old)
    an_old_event(home, old, email_id="<2@mail>")
    an_old_event(home, old, task_id="T2", email_id="<1@mail>")
    an_old_event(an_organization("other"), old, email_id="<1@mail>")
    hold = a_hold(home, "task", "T1")
    assert holds.rows_of(hold) == len(held)
    assert {gone.organization: gone.rows for gone in two_nights()} == {"home": 3, "other": 1}
    assert stored_ids() == held


def test_a_held_month_outlives_its_period(home: Organization) -> None:
    old = months_ago(8)
    event = an_old_event(home, old)
    other = an_organization("other")
    an_old_event(other, old)
    a_hold(home, "segment", segment_of(old))
    assert two_nights() == [Destroyed(segment_of(old), "other", 1)]
    assert stored_ids() == {event}


def test_a_hold_of_another_organization_or_month_keeps_nothing(home: Organization) -> None:
    old = months_ago(8)
    an_old_event(home, old, task_id="T1")
    a_hold(an_organization("other"), "task", "T1")
    a_hold(home, "segment", segment_of(months_ago(9)))
    a_hold(home, "case", "2f1c4dd6-9a5b-4a58-8f63-5a3f1c0a7b11")
    assert [gone.rows for gone in two_nights()] == [1]


def test_a_hold_that_comes_after_the_plan_ends_it(home: Organization) -> None:
    old = months_ago(8)
    event = an_old_event(home, old)
    applying.run(timezone.now())
    a_hold(home, "segment", segment_of(old))
    age_plans(NOTICE)
    assert applying.run(timezone.now()) == []
    assert PlannedDestruction.objects.get().state == PlanState.HELD
    assert stored_ids() == {event}


def test_a_longer_period_ends_what_was_planned(home: Organization) -> None:
    an_old_event(home, months_ago(8))
    applying.run(timezone.now())
    in_force('retention_policies: {activity_logs: "1 year"}')
    age_plans(NOTICE)
    assert applying.run(timezone.now()) == []
    assert PlannedDestruction.objects.get().state == PlanState.SUPERSEDED


def test_another_period_is_published_anew_and_the_certificate_names_the_policy_in_force(
    home: Organization,
) -> None:
    an_old_event(home, months_ago(8))
    applying.run(timezone.now())
    alone_in_force('retention_policies: {activity_logs: "5 months"}', using="owner")
    age_plans(NOTICE)
    assert [gone.rows for gone in two_nights()] == [1]
    alone_in_force(
        'retention_policies: {activity_logs: "5 months", error_logs: "9 months"}', using="owner"
    )
    an_old_event(home, months_ago(9))
    applying.run(timezone.now())
    alone_in_force(
        'retention_policies: {activity_logs: "5 months", error_logs: "8 months"}', using="owner"
    )
    age_plans(NOTICE)
    assert [gone.rows for gone in applying.run(timezone.now())] == [1]
    plans = PlannedDestruction.objects.order_by("published_at", "state")
    assert sorted((one.period, one.state) for one in plans) == [
        ("5 months", "done"),
        ("5 months", "done"),
        ("6 months", "superseded"),
    ]
    certificates = DestructionCertificate.objects.order_by("destroyed_at")
    second, fourth = [one.policy_version for one in certificates]
    assert fourth == second + 2


def test_two_people_approve_where_the_policy_asks_for_it(home: Organization) -> None:
    in_force(f"{SIX_MONTHS}\nretention: {{approval: two_people}}")
    a_user(Role.ADMIN, home, "anna")
    a_user(Role.ADMIN, home, "ben")
    an_old_event(home, months_ago(8))
    waits = Destroyed(segment_of(months_ago(8)), None, None, "approvals")
    assert two_nights() == [waits]
    for approved in ["anna"], ["anna", "carl"]:
        PlannedDestruction.objects.using("owner").update(approved_by=approved)
        assert applying.run(timezone.now()) == [waits]
    PlannedDestruction.objects.using("owner").update(approved_by=["anna", "ben"])
    assert [one.rows for one in applying.run(timezone.now())] == [1]
    assert DestructionCertificate.objects.get().approved_by == ["anna", "ben"]


def test_an_unresolved_conflict_stops_destruction_until_a_person_decides() -> None:
    in_force(
        "organizations: {north: {regime: [gdpr, hipaa],"
        ' retention_policies: {security_logs: "4 years"}}}'
    )
    north = an_organization("north")
    an_old_event(north, months_ago(60), LogType.SECURITY)
    assert two_nights() == []
    assert not PlannedDestruction.objects.exists()
    for decision, gone in ("keep_to_floor", 0), ("destroy_at_ceiling", 1):
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "INSERT INTO logs_retentionresolution (organization_id, kept, decision, basis,"
                " decided_by) VALUES (%s, 'security_logs', %s, 'counsel', 'anna')",
                [north.pk, decision],
            )
        assert len(two_nights()) == gone


def test_an_empty_month_goes_when_a_full_one_would(home: Organization) -> None:
    old, young = months_ago(8), months_ago(2)
    a_segment(old)
    a_segment(young)
    assert [gone.rows for gone in two_nights()] == [0]
    assert segment_of(old) not in existing_segments()
    assert segment_of(young) in existing_segments()
    certificate = DestructionCertificate.objects.get()
    assert (certificate.organization, certificate.rows_destroyed) == (None, 0)


def test_more_rows_than_one_batch_go_under_one_announcement(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destroying, "BATCH_SIZE", 2)
    old = months_ago(8)
    for index in range(5):
        an_old_event(home, old, task_id=f"T{index % 2}")
    held = {an_old_event(home, old, task_id="T9")}
    a_hold(home, "task", "T9")
    assert [gone.rows for gone in two_nights()] == [5]
    assert stored_ids() == held
    assert len(announcements()) == 1
    certificate = DestructionCertificate.objects.get()
    assert (certificate.rows_destroyed, certificate.rows_held) == (5, 1)


def test_a_month_is_closed_once_and_not_before_its_end(home: Organization) -> None:
    old = months_ago(3)
    ends = months_ago(2) - timedelta(hours=12)
    an_old_event(home, old)
    name = segment_of(old)
    assert closures.close_months(ends + timedelta(minutes=59)) == []
    assert closures.close_months(ends + timedelta(minutes=61)) == [name]
    an_old_event(home, old)
    assert closures.close_months(ends + timedelta(days=1)) == []
    assert SegmentClosure.objects.get(segment=name).rows == 1


def test_a_digest_does_not_depend_on_the_sessions_zone_and_tells_a_changed_row(
    home: Organization,
) -> None:
    old = months_ago(3)
    an_old_event(home, old)
    before = closures.digests_of(segment_of(old))
    with connections["default"].cursor() as cursor:
        cursor.execute("SET TimeZone = 'Asia/Tokyo'")
        cursor.execute("SET DateStyle = 'SQL, DMY'")
    assert closures.digests_of(segment_of(old)) == before
    an_old_event(home, old)
    assert closures.digests_of(segment_of(old)) != before


def test_a_run_is_kept_with_its_policy(home: Organization) -> None:
    now = timezone.now()
    applying.run(now)
    run = RetentionRun.objects.get()
    version = versions.in_force()
    assert version is not None
    assert (run.started_at, run.policy_version) == (now, version.pk)
    assert run.finished_at is not None


def test_a_plan_that_fails_keeps_no_other_from_going(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = months_ago(9), months_ago(8)
    stays = an_old_event(home, bad)
    an_old_event(home, good)
    applying.run(timezone.now())
    age_plans(NOTICE)
    destroy = destroying.destroy

    def fails_once(row: PlannedDestruction, rules: Rules) -> Destroyed:
        if row.segment == segment_of(bad):
            raise DataError("a row that cannot be read")
        return destroy(row, rules)

    monkeypatch.setattr(destroying, "destroy", fails_once)
    with pytest.raises(DataError):
        applying.run(timezone.now())
    assert stored_ids() == {stays}


# --- interrupted ---------------------------------------------------------------------------------


class Interrupted(BaseException):
    """The machine goes down."""


STEPS = (
    "logs.retention.closures._close",
    "logs.retention.applying._publish",
    "logs.retention.destroying.destroy",
    "logs.retention.destroying._announce",
    "logs.retention.destroying._batch",
    "logs.retention.destroying._finish",
    "logs.retention.destroying._is_still_planned",
)


@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_interrupted_at_any_step_the_next_run_finishes_and_never_doubles(
    home: Organization, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    old = months_ago(8)
    north = an_organization("north")
    in_force(NORTH_LONGER)
    stays = an_old_event(north, old)
    for month in (old, months_ago(9)):
        an_old_event(home, month)
    module, _, name = step.rpartition(".")
    function = getattr(__import__(module, fromlist=[name]), name)
    calls: list[datetime] = []

    def interrupted(*arguments: object) -> object:
        calls.append(timezone.now())
        if when == "before":
            raise Interrupted
        function(*arguments)
        raise Interrupted

    for _ in range(2):  # in the night that publishes, and in the one that destroys
        with monkeypatch.context() as patch:
            patch.setattr(step, interrupted)
            try:
                applying.run(timezone.now())
            except Interrupted:
                connections["default"].close()
        applying.run(timezone.now())
        age_plans(NOTICE)
    assert calls
    applying.run(timezone.now())
    assert stored_ids() == {stays}
    certificates = DestructionCertificate.objects.all()
    assert sorted(certificate.rows_destroyed for certificate in certificates) == [1, 1]
    said = announcements()
    assert {one.pk for one in said} == {certificate.announcement for certificate in certificates}
    assert len(said) == 2
