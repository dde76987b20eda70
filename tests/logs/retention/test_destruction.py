"""The owner's functions: they let nothing go that is not over, planned, announced and free."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connections, transaction
from django.utils import timezone
from psycopg.errors import (
    InsufficientPrivilege,
    InvalidParameterValue,
    LockNotAvailable,
    UndefinedTable,
)

from logs.record import own_events
from logs.record.models import Event
from logs.record.partitions import existing_segments
from logs.record.vocabulary import LogType
from logs.retention import applying, destroying, holds, keeping
from logs.retention.models import LegalHold, PlannedDestruction, PlanState
from orgo_audit import logins
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.embedded import paths
from tests import environment
from tests.builders import a_user, an_organization, stored, wire_event
from tests.old_events import a_segment, age_plans, an_old_event, months_ago, segment_of, stored_ids
from tests.policies import in_force, rewritten

pytestmark = pytest.mark.usefixtures("as_worker", "committed")

DROP = "SELECT drop_segment(%s, %s)"
REMOVE = "SELECT remove_events(%s, 'expired', %s)"
NOTICE = timedelta(days=1, minutes=1)
TWO_PERIODS = """
retention_policies: {activity_logs: "6 months"}
organizations: {north: {retention_policies: {activity_logs: "2 years"}}}
"""
Statement = tuple[str, list[Any]]


@dataclass
class Scene:
    """A month that is planned, announced and ready to go."""

    home: Organization
    segment: str
    events: list[UUID]
    plan: PlannedDestruction
    announcement: UUID

    @property
    def drop(self) -> Statement:
        return DROP, [self.segment, self.announcement]

    @property
    def remove(self) -> Statement:
        return REMOVE, [self.events, self.announcement]


def a_scene() -> Scene:
    home = Organization.objects.get(slug="home")
    recorded_at = months_ago(8)
    events = [an_old_event(home, recorded_at, task_id=f"T{index}") for index in range(2)]
    applying.run(timezone.now())
    age_plans(NOTICE)
    plan = PlannedDestruction.objects.get(state=PlanState.PLANNED)
    return Scene(
        home, segment_of(recorded_at), events, plan, destroying._announce(plan, home, plan.period)
    )


@pytest.fixture
def whole(committed: None) -> Scene:
    in_force('retention_policies: {activity_logs: "6 months"}')
    an_organization("home")
    return a_scene()


@pytest.fixture
def part(committed: None) -> Scene:
    """Another organization keeps the month longer, so that rows go by themselves."""
    in_force(TWO_PERIODS)
    an_organization("home")
    an_old_event(an_organization("north"), months_ago(8))
    return a_scene()


@contextmanager
def raw(alias: str = "worker") -> Iterator[psycopg.Cursor[Any]]:
    """A cursor of that login, in a transaction that is rolled back."""
    wrapper = connections[alias]
    wrapper.ensure_connection()
    driver: psycopg.Connection[Any] = wrapper.connection
    try:
        with driver.transaction(force_rollback=True), driver.cursor() as cursor:
            yield cursor
    finally:
        wrapper.close()


def another_connection() -> psycopg.Connection[Any]:
    return psycopg.connect(**connections["worker"].get_connection_params())


def run(*statements: Statement, alias: str = "worker") -> Any:
    """The last one's first value, or the error that one of them meets."""
    with raw(alias) as cursor:
        for statement, parameters in statements:
            cursor.execute(statement, parameters)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def refused(match: str, *statements: Statement, alias: str = "worker") -> None:
    with pytest.raises(InsufficientPrivilege, match=match):
        run(*statements, alias=alias)


def by_owner(*statements: Statement) -> None:
    """Done and committed."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for statement, parameters in statements:
            cursor.execute(statement, parameters)
    connections["owner"].close()


def said(organization: Organization, **told: Any) -> UUID:
    return own_events.announce_destruction(organization, told)


# --- what lets it go ----------------------------------------------------------------------------


def test_what_is_ready_goes(whole: Scene) -> None:
    assert run(whole.drop) == 2


def test_what_is_ready_goes_in_part(part: Scene) -> None:
    assert run(part.remove) == 2
    assert run((REMOVE, [part.events[:1], part.announcement])) == 1


def test_what_is_gone_already_is_not_counted(part: Scene) -> None:
    assert run((REMOVE, [[*part.events, part.events[0]], part.announcement])) == 2
    assert run(part.remove, (REMOVE, [part.events, part.announcement])) == 0


# --- announcements ------------------------------------------------------------------------------


def test_without_an_announcement_nothing_goes(whole: Scene) -> None:
    home, told = whole.home, {"plan": str(whole.plan.pk), "segment": whole.segment}
    sent = wire_event(action="Destruction Announced", **told)
    (by_a_sender,) = stored(home, sent, log_type=LogType.SECURITY)
    (in_another_log,) = stored(home, sent, source="portal")
    (of_something_else,) = stored(
        home,
        wire_event(action="Logs Viewed", **told),
        log_type=LogType.SECURITY,
        source="portal",
    )
    for identifier in (None, uuid4(), by_a_sender.pk, in_another_log.pk, of_something_else.pk):
        refused("announced first", (DROP, [whole.segment, identifier]))
        refused("announced first", (REMOVE, [whole.events, identifier]))


def test_an_announcement_of_something_else_lets_nothing_go(whole: Scene) -> None:
    other = a_segment(months_ago(9))
    refused("another segment", (DROP, [other, whole.announcement]))
    plan, segment = str(whole.plan.pk), whole.segment
    for told in (
        {},
        {"segment": segment},
        {"plan": plan},
        {"plan": str(uuid4()), "segment": segment},
        {"plan": plan, "segment": other},
    ):
        refused("not planned", (DROP, [segment, said(whole.home, **told)]))


def test_a_plan_for_the_whole_month_lets_no_rows_go_and_the_other_way_round(
    whole: Scene,
) -> None:
    refused("not planned", whole.remove)


def test_a_plan_for_one_organizations_rows_drops_no_month(part: Scene) -> None:
    refused("not planned", part.drop)


def test_an_announcement_in_another_organization_removes_nothing(part: Scene) -> None:
    north = Organization.objects.get(slug="north")
    elsewhere = said(north, plan=str(part.plan.pk), segment=part.segment)
    refused("not planned", (REMOVE, [part.events, elsewhere]))


def test_an_announcement_that_is_older_than_the_plan_does_not_count(whole: Scene) -> None:
    age_plans(-(NOTICE + timedelta(hours=1)))
    refused("not planned", whole.drop)


def test_a_month_is_announced_to_everybody_in_it(whole: Scene) -> None:
    other = an_organization()
    an_old_event(other, months_ago(8))
    refused("every organization", whole.drop)
    said(other, plan=str(whole.plan.pk), segment=whole.segment)
    assert run(whole.drop) == 3


# --- plan, notice, approval ---------------------------------------------------------------------


@pytest.mark.parametrize("state", ["done", "superseded", "held"])
def test_a_plan_that_is_no_longer_planned_lets_nothing_go(whole: Scene, state: str) -> None:
    PlannedDestruction.objects.update(state=state)
    refused("not planned", whole.drop)


PUBLISHED = "UPDATE logs_planneddestruction SET published_at = now() - interval '1 day' + %s"


@pytest.mark.parametrize("shape", ["whole", "part"])
def test_the_notice_is_waited_for_to_the_second(shape: str, request: pytest.FixtureRequest) -> None:
    scene: Scene = request.getfixturevalue(shape)
    deed = scene.drop if shape == "whole" else scene.remove
    refused("long enough", (PUBLISHED, [timedelta(seconds=1)]), deed, alias="owner")
    assert run((PUBLISHED, [timedelta()]), deed, alias="owner") == 2


def test_the_longest_notice_of_a_month_counts(whole: Scene) -> None:
    in_force(
        'retention_policies: {activity_logs: "6 months"}\n'
        'organizations: {home: {retention: {notice: "2 days"}}}'
    )
    refused("long enough", whole.drop)


@pytest.mark.parametrize(
    "approved", [[], ["anna"], ["anna", "anna"], ["anna", "leaver"], ["anna", "north"], ["a", "b"]]
)
def test_two_people_are_two_admins_of_the_organization(whole: Scene, approved: list[str]) -> None:
    in_force('retention_policies: {activity_logs: "6 months"}\nretention: {approval: two_people}')
    for name in ("anna", "ben", "leaver"):
        a_user(Role.ADMIN, whole.home, name)
    a_user(Role.ADMIN, an_organization("north"), "north")
    by_owner(("UPDATE accounts_user SET is_active = false WHERE username = 'leaver'", []))
    approve = "UPDATE logs_planneddestruction SET approved_by = %s"
    by_owner((approve, [approved]))
    refused("two people", whole.drop)
    by_owner((approve, [["anna", "ben", "north"]]))
    told = "SELECT approved_by FROM logs_destructioncertificate"
    assert run(whole.drop, (told, [])) == ["anna", "ben"]


# --- the period ---------------------------------------------------------------------------------

KEEP = rewritten(
    "jsonb_set(plain, '{retention_policies,activity_logs}', to_jsonb((now() - %s + %s)::text))"
)


def test_a_month_is_over_to_the_second(whole: Scene) -> None:
    ends = months_ago(7) - timedelta(hours=12)
    refused("not over", (KEEP, [ends, timedelta(seconds=1)]), whole.drop, alias="owner")
    assert run((KEEP, [ends, timedelta()]), whole.drop, alias="owner") == 2


def test_whoever_loads_a_policy_lets_nothing_go_that_the_last_one_keeps(whole: Scene) -> None:
    """The worker's login may load one."""
    longer = rewritten("""jsonb_set(plain, '{retention_policies,activity_logs}', '"2 years"')""")
    shorter = rewritten("""jsonb_set(plain, '{retention_policies,activity_logs}', '"1 day"')""")
    assert run(whole.drop) == 2
    refused("not over", (longer, []), (shorter, []), whole.drop)


def as_another_worker(*statements: Statement) -> Any:
    """By a login of another name, a member of the worker's role."""
    name = f"orgo_test_worker_{uuid4().hex}"
    made = (f"CREATE ROLE {name}", f"GRANT orgo_worker TO {name}", f"GRANT {name} TO current_user")
    become = [(statement, list[Any]()) for statement in (*made, f"SET ROLE {name}")]
    return run(*become, *statements, alias="owner")


@pytest.mark.parametrize("run_by", [run, as_another_worker])
def test_a_decision_is_of_the_moment_in_which_a_worker_says_it(
    whole: Scene, run_by: Callable[..., Any]
) -> None:
    told = "SELECT max(decided_at) = now() FROM policy_policyversion WHERE plain = '{}'"
    assert run_by((rewritten("'{}'::jsonb"), []), (told, [])) is True


def test_an_event_is_over_to_the_second(part: Scene) -> None:
    recorded_at = months_ago(8)
    for seconds in (1, 0):
        keep = (KEEP, [recorded_at, timedelta(seconds=seconds)])
        own = (rewritten("plain - 'organizations'"), list[Any]())
        if seconds:
            refused("not over", keep, own, part.remove, alias="owner")
        else:
            assert run(keep, own, part.remove, alias="owner") == 2


def test_another_organizations_longer_period_keeps_the_month(part: Scene) -> None:
    by_owner(
        ("UPDATE logs_planneddestruction SET organization_id = NULL, kind = 'drop'", []),
    )
    said(Organization.objects.get(slug="north"), plan=str(part.plan.pk), segment=part.segment)
    refused("not over", part.drop)


def test_without_an_accepted_policy_nothing_goes(whole: Scene) -> None:
    gone = ("DELETE FROM policy_policyversion", list[Any]())
    refused("no period holds", gone, whole.drop, alias="owner")


def test_a_month_that_is_not_over_is_never_dropped(whole: Scene) -> None:
    segment = segment_of(timezone.now())
    by_owner(("UPDATE logs_planneddestruction SET segment = %s", [segment]))
    announcement = said(whole.home, plan=str(whole.plan.pk), segment=segment)
    refused("month is not over", (DROP, [segment, announcement]))


def test_only_segments_have_names(whole: Scene) -> None:
    for name in ("event", "activity-2026-13", "activity_2026_01", "activity-2020-01; DROP"):
        by_owner(("UPDATE logs_planneddestruction SET segment = %s", [name[:20]]))
        announcement = said(whole.home, plan=str(whole.plan.pk), segment=name[:20])
        with pytest.raises(InvalidParameterValue):
            run((DROP, [name[:20], announcement]))
    by_owner(("UPDATE logs_planneddestruction SET segment = 'activity-1999-01'", []))
    announcement = said(whole.home, plan=str(whole.plan.pk), segment="activity-1999-01")
    with pytest.raises(UndefinedTable):
        run((DROP, ["activity-1999-01", announcement]))


# --- which rows ---------------------------------------------------------------------------------


def test_only_the_planned_rows_go(part: Scene) -> None:
    north = Organization.objects.get(slug="north")
    theirs = an_old_event(north, months_ago(8))
    other_month = an_old_event(part.home, months_ago(9))
    other_log = an_old_event(part.home, months_ago(8), LogType.ERROR)
    for identifier in (theirs, other_month, other_log, None):
        ids = [part.events[0], identifier]
        refused("not all of these", (REMOVE, [ids, part.announcement]))
    with pytest.raises(InvalidParameterValue):
        run((REMOVE, [[uuid4() for _ in range(5001)], part.announcement]))


# --- holds --------------------------------------------------------------------------------------


def place(scene: Scene, kind: str = "segment", value: str = "") -> LegalHold:
    return holds.place(
        scene.home,
        matter="M-1",
        reason="a claim",
        owner="lawyer",
        scope_kind=kind,
        scope_value=value or scene.segment,
        by="anna",
        now=timezone.now(),
    )


@pytest.mark.parametrize("kind", ["segment", "task"])
@pytest.mark.parametrize("shape", ["whole", "part"])
def test_what_is_held_does_not_go(shape: str, kind: str, request: pytest.FixtureRequest) -> None:
    scene: Scene = request.getfixturevalue(shape)
    place(scene, kind, "T1" if kind == "task" else "")
    refused("a hold covers", scene.drop if shape == "whole" else scene.remove)


def test_rows_beside_a_held_one_go(part: Scene) -> None:
    place(part, "task", "T1")
    assert run((REMOVE, [part.events[:1], part.announcement])) == 1


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_transaction_that_sees_an_older_moment_destroys_nothing(whole: Scene, level: str) -> None:
    refused("of this moment", (f"SET TRANSACTION ISOLATION LEVEL {level}", []), whole.drop)


def test_a_hold_that_is_being_placed_during_a_drop_wins(
    whole: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    placing = another_connection()
    placing.execute(
        "INSERT INTO logs_legalhold (id, organization_id, matter, reason, owner, scope_kind,"
        " scope_value, placed_at, placed_by, review_on, release_asked_by, released_by)"
        " VALUES (gen_random_uuid(), %s, 'M', 'r', 'o', 'segment', %s, now(), 'anna', now(),"
        " '', '')",
        [whole.home.pk, whole.segment],
    )
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        placing.commit()

    monkeypatch.setattr(time, "sleep", pause)
    assert destroying.destroy(whole.plan, keeping.rules()).rows is None
    placing.close()
    assert len(pauses) == 1
    assert whole.segment in existing_segments()
    assert stored_ids() == set(whole.events)


def test_who_places_a_hold_during_a_drop_waits_and_finds_nothing(whole: Scene) -> None:
    other = another_connection()
    other.execute(DROP, whole.drop[1])
    waits_briefly = ("SET LOCAL lock_timeout = '200ms'", list[Any]())
    with pytest.raises(LockNotAvailable):
        run(waits_briefly, ("LOCK TABLE logs_legalhold IN ROW EXCLUSIVE MODE", []))
    other.commit()
    other.close()
    assert holds.rows_of(place(whole)) == 0
    assert stored_ids() == set()


def test_no_erasure_is_planned_while_something_is_just_joining_it(whole: Scene) -> None:
    plan = "INSERT INTO logs_erasureplan (request, organization_id, events, kept)"
    request = uuid4()
    by_owner((f"{plan} VALUES (%s, %s, 0, '{{}}')", [request, whole.home.pk]))
    join = "INSERT INTO logs_erasurelisting (plan_id, event_id) VALUES (%s, %s)"
    with another_connection() as joining, another_connection() as planning:
        joining.execute(join, [request, whole.events[0]])
        planning.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            planning.execute("UPDATE logs_erasureplan SET planned_at = now()")


# --- readers ------------------------------------------------------------------------------------


def test_a_reader_only_delays_a_drop(whole: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = another_connection()
    reader.execute("SELECT count(*) FROM event")
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            reader.rollback()

    monkeypatch.setattr(time, "sleep", pause)
    assert destroying.destroy(whole.plan, keeping.rules()).rows == 2
    reader.close()
    assert len(pauses) == 3
    assert len(Event.objects.filter(code="retention.announced")) == 2  # the scene's, and one


def test_a_reader_that_stays_leaves_it_to_the_next_run(
    whole: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destroying, "TRIES", 2)
    monkeypatch.setattr(destroying, "PAUSE", timedelta())
    reader = another_connection()
    reader.execute("SELECT count(*) FROM event")
    assert destroying.destroy(whole.plan, keeping.rules()).rows is None
    reader.close()
    assert PlannedDestruction.objects.get().state == PlanState.PLANNED
    assert destroying.destroy(whole.plan, keeping.rules()).rows == 2


# --- who ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", [logins.WEB, logins.VAULT])
def test_no_other_login_destroys(whole: Scene, login: str) -> None:
    name = logins.role_name(login)
    own = {"user": name, "password": paths.read_secret(environment.HOME, name)}
    for statement, parameters in (whole.drop, whole.remove):
        with (
            psycopg.connect(**connections["worker"].get_connection_params() | own) as connection,
            pytest.raises(InsufficientPrivilege, match="permission denied for function"),
        ):
            connection.execute(statement, parameters)


def test_the_worker_has_no_other_way(whole: Scene) -> None:
    plan = [whole.plan.pk]
    table = f"event_{whole.segment.replace('-', '_')}"
    for statement, parameters in (
        ("SELECT remove_expired(%s, %s)", [whole.events, whole.announcement]),
        ("SELECT certify(p, 1, p.id, '', 1, now(), now()) FROM logs_planneddestruction p", []),
        ("SELECT announced_destruction(%s, 'drop')", [whole.announcement]),
        ("DELETE FROM event WHERE id = ANY (%s)", [whole.events]),
        (f"DROP TABLE {table}", []),
        (f"ALTER TABLE event_activity DETACH PARTITION {table}", []),
        (f"TRUNCATE {table}", []),
        ("UPDATE logs_planneddestruction SET published_at = now() WHERE id = %s", plan),
        ("UPDATE logs_planneddestruction SET approved_by = '{a,b}' WHERE id = %s", plan),
        ("DELETE FROM logs_planneddestruction", []),
        ("INSERT INTO logs_destructioncertificate SELECT FROM logs_batch", []),
        ("UPDATE logs_destructioncertificate SET rows_destroyed = 0", []),
        ("DELETE FROM logs_destructioncertificate", []),
        ("DELETE FROM logs_legalhold", []),
        ("UPDATE logs_legalhold SET scope_value = 'x'", []),
        ("INSERT INTO logs_retentionresolution DEFAULT VALUES", []),
        ("UPDATE logs_segmentclosure SET rows = 0", []),
        ("CREATE OR REPLACE VIEW held_event AS SELECT 1", []),
    ):
        with pytest.raises(psycopg.errors.Error) as caught:
            run((statement, list(parameters)))
        assert isinstance(caught.value, InsufficientPrivilege), statement


@pytest.mark.parametrize("run_by", [run, as_another_worker])
def test_no_month_is_closed_before_its_end_or_with_another_count(
    whole: Scene, run_by: Callable[..., Any]
) -> None:
    close = "INSERT INTO logs_segmentclosure (segment, organization_id, rows, digest)"
    tenant = Event.objects.filter(pk__in=whole.events).values_list("organization_id", flat=True)[0]
    running = f"activity-{timezone.now():%Y-%m}"
    with pytest.raises(InsufficientPrivilege, match="the month is not over"):
        run_by((f"{close} VALUES (%s, %s, 7, '')", [running, tenant]))
    by_owner(("DELETE FROM logs_segmentclosure", []))
    said = (f"{close} VALUES (%s, %s, 7, '') RETURNING rows", [whole.segment, tenant])
    assert run_by(said) == len(whole.events)


INSERT_PLAN = (
    "INSERT INTO logs_planneddestruction (id, run_id, segment, kind, period, policy_version, rows,"
    " bytes, due_at, published_at, approved_by, state)"
    " SELECT gen_random_uuid(), run_id, 'activity-2020-01', 'drop', period, 1, 1, 1, due_at,"
    " now() - interval '1 year', '{anna,ben}', 'planned' FROM logs_planneddestruction"
    " RETURNING published_at = now() AND approved_by = '{}'"
)


def test_nobody_publishes_in_the_past_or_approves_by_inserting(whole: Scene) -> None:
    assert run((INSERT_PLAN, [])) is True


def test_nobody_wakes_a_plan_that_is_done(whole: Scene) -> None:
    PlannedDestruction.objects.update(state=PlanState.SUPERSEDED)
    wake = ("UPDATE logs_planneddestruction SET state = 'planned'", list[Any]())
    for alias in ("worker", "owner"):
        refused("stays so", wake, alias=alias)
