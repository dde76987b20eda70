"""A task's clock is what its events say, in whatever order and however often they are folded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logs.record import task_clocks
from logs.record.models import TaskClock
from logs.record.task_clocks import OpenTask, fold, forget, open_tasks
from orgo_audit.accounts.models import Organization
from tests.builders import an_organization, stored, wire_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]

MOVES = ("Task Created", "Task Routed", "Task Escalated")
START = datetime(2026, 11, 1, tzinfo=UTC)
happenings = st.tuples(
    st.sampled_from((*MOVES, "Task Completed", "Email Received", "Lunch")),
    st.sampled_from(("Success", "Failed")),
    st.sampled_from(("a", "b", "c")),
    st.integers(0, 20),
)


@pytest.fixture
def north() -> Organization:
    return an_organization("north")


def far_ahead() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(happenings, min_size=1, max_size=12), st.integers(0, 12))
def test_clocks_are_what_a_look_at_all_events_tells(
    north: Organization, told: list[tuple[str, str, str, int]], cut: int
) -> None:
    run = f"{datetime.now(UTC).timestamp()}"
    for part in (told[:cut], told[cut:]):
        sent = [
            wire_event(
                action=action,
                status=status,
                task_id=f"{run}{task}",
                timestamp=(START + timedelta(hours=hours)).isoformat(),
            )
            for action, status, task, hours in part
        ]
        if sent:
            stored(north, *sent)
        fold(far_ahead())
    fold(far_ahead())
    own = [
        task for task in open_tasks(north, far_ahead(), at_most=100) if task.task_id.startswith(run)
    ]
    assert {task.task_id.removeprefix(run): task.moved_at for task in own} == expected(told)


def expected(told: list[tuple[str, str, str, int]]) -> dict[str, datetime]:
    still_open = {}
    for task in {one[2] for one in told}:
        own = [
            (action, hours)
            for action, status, name, hours in told
            if (name, status) == (task, "Success")
        ]
        moved = [hours for action, hours in own if action in MOVES]
        completed = [hours for action, hours in own if action == "Task Completed"]
        if moved and (not completed or max(moved) > max(completed)):
            still_open[task] = START + timedelta(hours=max(moved))
    return still_open


def test_an_event_that_is_committed_late_is_not_missed(north: Organization) -> None:
    stored(north, wire_event(task_id="first"))
    fold(datetime.now(UTC) + timedelta(minutes=2))
    stored(north, wire_event(task_id="late"))  # its id is older than the last pass
    fold(datetime.now(UTC) + timedelta(minutes=3))
    assert {task.task_id for task in open_tasks(north, far_ahead(), at_most=100)} == {
        "first",
        "late",
    }


def test_what_is_there_before_the_first_pass_is_folded_in_steps(
    north: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(north, wire_event(task_id="old"))
    monkeypatch.setattr(task_clocks, "LONGEST_STEP", timedelta(seconds=30))
    fold(far_ahead())
    assert [task.task_id for task in open_tasks(north, far_ahead(), at_most=100)] == ["old"]


def test_a_clock_goes_with_the_events_it_was_made_of(north: Organization) -> None:
    stored(north, wire_event(task_id="56789"))
    fold(far_ahead())
    forget(datetime.now(UTC) + timedelta(days=190))  # six months are over
    assert not TaskClock.objects.exists()


def test_a_completed_tasks_clock_is_kept_for_thirty_days(north: Organization) -> None:
    stored(north, wire_event(task_id="56789", action="Task Completed"))
    fold(far_ahead())
    forget(datetime.now(UTC) + timedelta(days=29))
    assert TaskClock.objects.exists()
    forget(datetime.now(UTC) + timedelta(days=31))
    assert not TaskClock.objects.exists()


def test_only_tasks_that_have_waited_are_told(north: Organization) -> None:
    moment = datetime(2026, 11, 24, 10, tzinfo=UTC)
    stored(north, wire_event(task_id="56789", timestamp=moment.isoformat()))
    fold(far_ahead())
    assert open_tasks(north, moment, at_most=100) == [OpenTask("56789", moment)]
    assert open_tasks(north, moment - timedelta(seconds=1), at_most=100) == []


def test_the_longest_waiting_come_first(north: Organization) -> None:
    for hour in (12, 10, 11):
        moment = datetime(2026, 11, 24, hour, tzinfo=UTC)
        stored(north, wire_event(task_id=f"{hour}", timestamp=moment.isoformat()))
    fold(far_ahead())
    found = open_tasks(north, far_ahead(), at_most=2)
    assert [task.task_id for task in found] == ["10", "11"]
