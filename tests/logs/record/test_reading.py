"""Pages go by key: every event exactly once, in order, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logs.record import reading
from logs.record.access import Viewer
from logs.record.models import Event
from logs.record.reading import EventQuery
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope, User
from orgo_audit.accounts.people import give_role
from orgo_audit.accounts.tokens import find_token
from orgo_audit.errors import BadInput, NotFound
from orgo_audit.paging import Cursor, Page
from tests.builders import a_token, a_user, an_organization, setting_the_scene, stored, wire_event

pytestmark = pytest.mark.django_db

EVERY = EventQuery(frozenset({LogType.ACTIVITY}))
Read = Callable[[Cursor | None], Page[Event]]


def a_viewer(organization: Organization) -> Viewer:
    token = find_token(a_token(organization, Scope.READ))
    assert token is not None
    return Viewer(token)


def at(minute: int) -> str:
    return (datetime(2024, 11, 20, tzinfo=UTC) + timedelta(minutes=minute)).isoformat()


def events_at(organization: Organization, *minutes: int) -> list[Event]:
    return stored(organization, *[wire_event(timestamp=at(minute)) for minute in minutes])


def forward(read: Read) -> list[Event]:
    seen: list[Event] = []
    page = read(None)
    seen += page.rows
    while page.next:
        page = read(page.next)
        seen += page.rows
    return seen


def newest_first(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.occurred_at, event.id), reverse=True)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 500])
def test_pages_visit_every_event_once_in_order_in_both_directions(size: int) -> None:
    organization = an_organization()
    events = newest_first(events_at(organization, 5, 3, 3, 3, 9, 1, 3, 9))
    viewer = a_viewer(organization)

    def read(cursor: Cursor | None) -> Page[Event]:
        return reading.read(viewer, EVERY, cursor=cursor, size=size)

    page = read(None)
    assert page.previous is None
    seen = list(page.rows)
    while page.next:
        page = read(page.next)
        assert page.rows
        seen += page.rows
    assert seen == events
    back = list(page.rows)
    while page.previous:
        page = read(page.previous)
        assert page.rows
        back = list(page.rows) + back
    assert back == events


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 5))
def test_any_list_is_paged_completely(minutes: list[int], size: int) -> None:
    organization = an_organization()
    events = newest_first(events_at(organization, *minutes)) if minutes else []
    viewer = a_viewer(organization)
    seen = forward(lambda cursor: reading.read(viewer, EVERY, cursor=cursor, size=size))
    assert seen == events


def test_what_arrives_meanwhile_moves_no_page() -> None:
    organization = an_organization()
    events = newest_first(events_at(organization, 1, 2, 3, 4, 5, 6))
    viewer = a_viewer(organization)
    seen: list[Event] = []
    page = reading.read(viewer, EVERY, size=2)
    while True:
        seen += page.rows
        if page.next is None:
            break
        events_at(organization, 7, 8, 9)
        page = reading.read(viewer, EVERY, cursor=page.next, size=2)
    assert seen == events


def test_going_back_finds_what_arrived_meanwhile() -> None:
    organization = an_organization()
    events_at(organization, 1, 2, 3)
    viewer = a_viewer(organization)
    first = reading.read(viewer, EVERY, size=2)
    second = reading.read(viewer, EVERY, cursor=first.next, size=2)
    (new,) = events_at(organization, 9)
    back = reading.read(viewer, EVERY, cursor=second.previous, size=2)
    assert back.rows == first.rows
    assert back.previous is not None
    assert reading.read(viewer, EVERY, cursor=back.previous, size=2).rows == [new]


def test_several_organizations_are_one_list() -> None:
    north, south = an_organization(), an_organization()
    admin = a_user(Role.ADMIN, north)
    with setting_the_scene():
        give_role(admin, Role.ADMIN, south)
    viewer = Viewer(User.objects.get(pk=admin.pk))
    events = newest_first(events_at(north, 1, 3, 3, 5) + events_at(south, 2, 3, 4, 5))
    events_at(an_organization(), 1, 2, 3)
    for size in (1, 3, 8):
        read: Read = lambda cursor, size=size: reading.read(  # type: ignore[misc]  # noqa: E731
            viewer, EVERY, cursor=cursor, size=size
        )
        assert forward(read) == events
        last = reading.read(
            viewer, EVERY, cursor=Cursor(events[-1].occurred_at, events[-1].id, True), size=3
        )
        assert last.rows == events[-4:-1]


@pytest.mark.parametrize("size", [1, 4])
def test_an_empty_list_has_no_neighbours(size: int) -> None:
    page = reading.read(a_viewer(an_organization()), EVERY, size=size)
    assert (page.rows, page.next, page.previous) == ([], None, None)


# --- ranges -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (None, None, [5, 4, 3]),
        (3, 5, [4, 3]),
        (4, None, [5, 4]),
        (None, 4, [3]),
        (6, None, []),
        (None, 3, []),
    ],
)
def test_a_range_holds_its_beginning_and_not_its_end(
    since: int | None, until: int | None, found: list[int]
) -> None:
    organization = an_organization()
    events_at(organization, 3, 4, 5)
    query = EventQuery(
        frozenset({LogType.ACTIVITY}),
        since=None if since is None else datetime.fromisoformat(at(since)),
        until=None if until is None else datetime.fromisoformat(at(until)),
    )
    page = reading.read(a_viewer(organization), query)
    assert [event.occurred_at.minute for event in page.rows] == found


def test_a_range_finds_an_event_of_a_clock_that_is_ahead() -> None:
    organization = an_organization()
    ahead = datetime.now(UTC) + timedelta(minutes=4, seconds=50)
    stored(organization, wire_event(timestamp=ahead.isoformat()))
    query = EventQuery(frozenset({LogType.ACTIVITY}), since=ahead - timedelta(seconds=1))
    assert len(reading.read(a_viewer(organization), query).rows) == 1


# --- one event, one task ------------------------------------------------------------------------


def test_one_event_is_found_by_its_id_within_its_log_and_organization() -> None:
    organization = an_organization()
    (event,) = events_at(organization, 1)
    assert reading.get(a_viewer(organization), [LogType.ACTIVITY], event.pk) == event
    for viewer, log_type in (
        (a_viewer(organization), LogType.SECURITY),
        (a_viewer(an_organization()), LogType.ACTIVITY),
    ):
        with pytest.raises(NotFound):
            reading.get(viewer, [log_type], event.pk)


def test_a_task_has_its_events_of_all_logs_and_those_of_its_mail_before_it() -> None:
    organization = an_organization()
    (received, other) = stored(
        organization,
        wire_event(timestamp=at(0), action="Email Received", email_id="M1"),
        wire_event(timestamp=at(0), action="Email Received", email_id="M2"),
    )
    (created, foreign) = stored(
        organization,
        wire_event(timestamp=at(2), action="Task Created", task_id="T1", email_id="M1"),
        wire_event(timestamp=at(2), action="Task Created", task_id="T2", email_id="M1"),
    )
    (failed,) = stored(
        organization,
        wire_event(LogType.ERROR, timestamp=at(1), task_id="T1"),
        log_type=LogType.ERROR,
    )
    stored(an_organization(), wire_event(task_id="T1"))
    events = reading.events_of_task(a_viewer(organization), "T1")
    assert events == [received, failed, created]
    assert other not in events
    assert foreign not in events


# --- cursors ------------------------------------------------------------------------------------


def test_a_cursor_survives_its_text() -> None:
    (event,) = events_at(an_organization(), 1)
    cursor = Cursor(event.occurred_at, event.id, backward=True)
    assert Cursor.from_text(cursor.as_text()) == cursor


@pytest.mark.parametrize(
    "text", ["", "x", "%%%", "e30", "W10", "é", "AAAA", "bnVsbA", "WzEsMiwzXQ", "A" * 5000, "\0"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        Cursor.from_text(text)
    assert caught.value.code == "bad_cursor"


def test_an_estimate_is_no_count_and_knows_nothing_of_others() -> None:
    organization = an_organization()
    events_at(organization, 1, 2, 3)
    assert reading.estimate(a_viewer(organization), EVERY) >= 0
    assert reading.estimate(Viewer(a_user(Role.USER, organization)), EVERY) == 0


def test_two_organizations_tasks_of_one_id_are_two_tasks() -> None:
    first, second = an_organization(), an_organization()
    admin = a_user(Role.ADMIN, second)
    with setting_the_scene():
        give_role(admin, Role.ADMIN, first)
    stored(second, wire_event(action="Task Completed", task_id="T1"))
    stored(first, wire_event(action="Task Created", task_id="T1"))
    viewer = Viewer(User.objects.get(pk=admin.pk))
    events = reading.events_of_task(viewer, "T1")
    assert [(event.organization, event.action) for event in events] == [(first, "Task Created")]
