"""What is over its period is in no answer, no count and no file, from that very moment on."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import connections

from logs.record import reading
from logs.record.access import Viewer
from logs.record.expiry import kept, unexpired
from logs.record.identifiers import ID_SLACK, new_ids
from logs.record.models import Event
from logs.record.reading import EventQuery
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope
from orgo_audit.accounts.people import give_role
from orgo_audit.accounts.tokens import find_token
from orgo_audit.errors import NotFound
from orgo_audit.paging import Cursor
from orgo_audit.periods import Period, next_month
from tests.builders import (
    API,
    PATH_OF,
    Answer,
    Caller,
    Service,
    a_token,
    a_user,
    an_organization,
    setting_the_scene,
    stored,
    wire_event,
)
from tests.database import OWNER_ALIAS
from tests.policies import in_force

MICROSECOND = timedelta(microseconds=1)
TEN_MINUTES = "retention_policies: {activity_logs: 10 minutes}"
MARK = "Known By Its Action"


def day(year: int, month: int, date: int) -> datetime:
    return datetime(year, month, date, tzinfo=UTC)


NOON = timedelta(hours=12)


def a_viewer(organization: Organization) -> Viewer:
    token = find_token(a_token(organization, Scope.READ))
    assert token is not None
    return Viewer(token)


def a_marked_event(organization: Organization) -> Event:
    [event] = stored(organization, wire_event(task_id="T-1", action=MARK))
    return event


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        yield clock


# --- every way to read --------------------------------------------------------------------------

Look = Callable[[Caller, Caller, Event], Answer]

# Where a service and a person meet an event; `True` where its absence is a 404.
LOOKS: dict[str, tuple[Look, bool]] = {
    "list": (lambda service, _, __: service.get(PATH_OF[LogType.ACTIVITY]), False),
    "filtered list": (
        lambda service, _, __: service.get(PATH_OF[LogType.ACTIVITY], {"action": MARK}),
        False,
    ),
    "mixed list": (lambda service, _, __: service.get(f"{API}/logs/"), False),
    "one": (
        lambda service, _, event: service.get(f"{PATH_OF[LogType.ACTIVITY]}{event.pk}/"),
        True,
    ),
    "one of all": (lambda service, _, event: service.get(f"{API}/logs/{event.pk}/"), True),
    "export": (lambda service, _, __: service.get(f"{PATH_OF[LogType.ACTIVITY]}export/"), False),
    "csv": (lambda service, _, __: service.get(f"{API}/logs/export/", {"format": "csv"}), False),
    "trace": (lambda service, _, __: service.get(f"{API}/traces/T-1/"), True),
    "page": (lambda _, admin, __: admin.get("/admin/logs/activitylog/"), False),
    "page of one": (
        lambda _, admin, event: admin.get(f"/admin/logs/activitylog/{event.pk}/change/"),
        True,
    ),
    "page's export": (lambda _, admin, __: admin.get("/admin/logs/activitylog/export/"), False),
    "page of a trace": (lambda _, admin, __: admin.get("/admin/logs/activitylog/trace/T-1/"), True),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", LOOKS)
def test_an_event_is_everywhere_until_its_period_is_over_and_then_nowhere(
    name: str, clock: time_machine.Traveller
) -> None:
    look, is_missed = LOOKS[name]
    organization = an_organization()
    service = Service(organization, Scope.READ)
    admin = Caller(user=a_user(Role.ADMIN, organization))
    event = a_marked_event(organization)
    in_force(TEN_MINUTES)
    over = event.recorded_at + timedelta(minutes=10)

    clock.move_to(over - timedelta(milliseconds=5))
    before = look(service, admin, event)
    assert (before.status, MARK in before.content.decode()) == (200, True)

    clock.move_to(over + timedelta(milliseconds=5))
    after = look(service, admin, event)
    assert after.status == (404 if is_missed else 200)
    assert MARK not in after.content.decode()
    assert Event.objects.filter(pk=event.pk).exists(), "hidden at once, destroyed at night"


@pytest.mark.django_db
def test_what_is_over_is_not_counted(clock: time_machine.Traveller) -> None:
    organization = an_organization()
    stored(organization, *[wire_event() for _ in range(300)])
    in_force(TEN_MINUTES)
    query = EventQuery(frozenset([LogType.ACTIVITY]))
    scopes = reading.scopes_of(a_viewer(organization), query.log_types)
    assert reading.rows_of(scopes, query).count() == 300
    clock.shift(timedelta(minutes=11))
    assert reading.rows_of(scopes, query).count() == 0


@pytest.mark.django_db
def test_a_trace_shows_what_is_left_of_a_task(clock: time_machine.Traveller) -> None:
    organization = an_organization()
    a_marked_event(organization)
    [failed] = stored(
        organization, wire_event(LogType.ERROR, task_id="T-1"), log_type=LogType.ERROR
    )
    in_force(TEN_MINUTES)
    clock.shift(timedelta(hours=1))
    assert reading.events_of_task(a_viewer(organization), "T-1") == [failed]


@pytest.mark.django_db
def test_each_organization_and_each_log_has_its_own_period(
    clock: time_machine.Traveller,
) -> None:
    north, south = an_organization("north"), an_organization("south")
    admin = a_user(Role.ADMIN, north)
    with setting_the_scene():
        give_role(admin, Role.ADMIN, south)
    of_north, of_south = a_marked_event(north), a_marked_event(south)
    [failed] = stored(north, wire_event(LogType.ERROR), log_type=LogType.ERROR)
    in_force(
        "organizations: {north: {retention_policies: {activity_logs: 1 hour}},"
        " south: {retention_policies: {activity_logs: 2 hours}}}"
    )
    viewer = Viewer(admin)
    every = EventQuery(frozenset([LogType.ACTIVITY, LogType.ERROR]))
    assert set(reading.read(viewer, every).rows) == {of_north, of_south, failed}
    clock.shift(timedelta(hours=1))
    assert set(reading.read(viewer, every).rows) == {of_south, failed}
    clock.shift(timedelta(hours=1))
    assert reading.read(viewer, every).rows == [failed]


@pytest.mark.django_db
def test_a_shorter_period_hides_as_soon_as_it_is_accepted(
    clock: time_machine.Traveller,
) -> None:
    organization = an_organization()
    event = a_marked_event(organization)
    viewer = a_viewer(organization)
    clock.shift(timedelta(hours=3))
    assert reading.get(viewer, [LogType.ACTIVITY], event.pk) == event
    in_force(TEN_MINUTES)
    with pytest.raises(NotFound):
        reading.get(viewer, [LogType.ACTIVITY], event.pk)


@pytest.mark.django_db
def test_regimes_that_conflict_hide_at_the_ceiling() -> None:
    north, south = an_organization("north"), an_organization("south")
    in_force("organizations: {north: {regime: [gdpr, hipaa]}, south: {regime: hipaa}}")
    assert kept(north, LogType.SECURITY).period == Period(3, "year")
    assert kept(north, LogType.SECURITY).in_conflict
    assert kept(south, LogType.SECURITY).period == Period(6, "year")
    assert kept(south, LogType.ACTIVITY).period == Period(6, "month")


# --- the calendar, and what the database makes of it --------------------------------------------


def month_of(instant: datetime) -> str:
    return f"{instant:%Y-%m}-01"


def recorded_then(
    organization: Organization, instants: Sequence[datetime], kind: LogType = LogType.ACTIVITY
) -> None:
    """Events of these instants, as if they had been stored then."""
    with connections[OWNER_ALIAS].cursor() as cursor:
        for month in {month_of(instant) for instant in instants}:
            cursor.execute("SELECT make_segment(%s, %s)", [kind.value, month])
        cursor.executemany(
            "INSERT INTO event (id, log_type, organization_id, recorded_at, occurred_at, source,"
            " action, code, outcome, details) VALUES (%s, %s, %s, %s, %s, 'router', 'Task Routed',"
            " 'task.routed', 'success', '{}')",
            [
                (next(new_ids(instant, 1)), kind.value, organization.pk, instant, instant)
                for instant in instants
            ],
        )


LAST_DAYS = [day(2023, 8, n) + NOON + k * MICROSECOND for n in range(26, 32) for k in (-1, 0, 1)]
INSTANTS = [
    *(day(2023, 6, 30), day(2023, 8, 1) - MICROSECOND, day(2023, 8, 1)),
    *(day(2023, 8, 29), day(2023, 8, 30), day(2023, 8, 31) - MICROSECOND, *LAST_DAYS),
    *(day(2023, 9, 1) - MICROSECOND, day(2023, 9, 1), day(2024, 2, 29) + NOON),
]
SIX_MONTHS = Period(6, "month")
NOWS = sorted(
    {SIX_MONTHS.after(instant) + k * MICROSECOND for instant in INSTANTS for k in (-1, 0, 1)}
)


def test_the_database_hides_exactly_what_ended_by_the_calendar(committed: None) -> None:
    organization = an_organization()
    recorded_then(organization, INSTANTS)
    in_force("retention_policies: {activity_logs: 6 months}")
    for now in NOWS:
        found = Event.objects.filter(unexpired(organization, [LogType.ACTIVITY], now))
        assert sorted(found.values_list("recorded_at", flat=True)) == sorted(
            instant for instant in INSTANTS if SIX_MONTHS.after(instant) > now
        ), now


def test_pages_of_all_logs_together_hold_every_event_once_in_order(committed: None) -> None:
    organization = an_organization()
    in_force("retention_policies: {activity_logs: 1 year}")
    now = datetime.now(UTC)
    for number, kind in enumerate(LogType):
        ages = [timedelta(days=70 * n, hours=number) for n in range(1, 9)]
        recorded_then(organization, [now - age for age in ages], kind)
    expected = sorted(
        (
            event
            for event in Event.objects.all()
            if kept(organization, LogType(event.log_type)).period.after(event.recorded_at) > now
        ),
        key=lambda event: event.occurred_at,
        reverse=True,
    )
    assert {event.log_type for event in expected[-3:]} == {"security"}
    assert len(expected) == 5 + 5 + 8
    viewer, query = a_viewer(organization), EventQuery(frozenset(LogType))
    seen: list[UUID] = []
    page = reading.read(viewer, query, size=4)
    while page.next:
        seen += [event.pk for event in page.rows]
        page = reading.read(viewer, query, cursor=page.next, size=4)
    seen += [event.pk for event in page.rows]
    told = [event.pk for event in expected]
    assert [pk for pk in seen if pk in told] == told
    assert len(seen) == len(told) + 1, "and the event that says who has read"
    back = [event.pk for event in page.rows]
    while page.previous:
        page = reading.read(viewer, query, cursor=page.previous, size=4)
        back = [event.pk for event in page.rows] + back
    assert back == seen


FILL = """
INSERT INTO event (id, log_type, organization_id, recorded_at, occurred_at, source, action, code,
                   outcome, details)
SELECT (lpad(to_hex(floor(extract(epoch FROM instant) * 1000)::bigint), 12, '0') || '70008'
        || lpad(to_hex(n), 15, '0'))::uuid,
       %s, %s, instant, instant, 'router', 'Task Routed', 'task.routed', 'success', '{}'
FROM generate_series(0, 7999) AS n, LATERAL (SELECT %s + n * %s / 8000 AS instant) AS made
"""


def opened(plan: str, kind: LogType) -> set[str]:
    """The months of a log that a plan looks into."""
    return set(re.findall(rf" on event_{kind.value}_(\d{{4}}_\d\d)", plan))


def test_a_list_goes_by_its_index_and_opens_no_month_that_is_wholly_over(
    committed: None, clock: time_machine.Traveller
) -> None:
    organization = an_organization()
    in_force("retention_policies: {activity_logs: 3 months, security_logs: 6 months}")
    now = datetime.now(UTC)
    first = Period(8, "month").before(now).replace(day=1)
    kinds = [LogType.ACTIVITY, LogType.SECURITY]
    span: Any = now - first
    with connections[OWNER_ALIAS].cursor() as owner:
        for kind in kinds:
            month = first
            while month < now:
                owner.execute("SELECT make_segment(%s, %s)", [kind.value, month_of(month)])
                month = next_month(month)
            owner.execute(FILL, [kind.value, organization.pk, first, span])
        owner.execute("ANALYZE event")

    later = Cursor(now - timedelta(days=9), UUID(int=0))
    for asked, place in itertools.product((kinds[:1], kinds), (None, later)):
        query = EventQuery(frozenset(asked))
        rows = reading._first_rows(query, organization, query.log_types, place, 101)
        plan = rows.explain(analyze=True, costs=False, timing=False)
        assert "Sort (" not in plan
        assert "Seq Scan" not in plan
        for kind in asked:
            (_, end), *_ = kept(organization, kind).period.over(now)
            assert min(opened(plan, kind)) == f"{end - ID_SLACK:%Y_%m}"
        number = reading.rows_of({organization: query.log_types}, query).count()
        estimate = reading.estimate(a_viewer(organization), query)
        assert estimate == pytest.approx(number, rel=0.25)
