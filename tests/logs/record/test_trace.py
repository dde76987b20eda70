"""A task's stages: done, late, missing or due, and where the task stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from logs.record.trace import (
    DEFAULT_STAGES,
    Happening,
    StageState,
    first_happenings,
    stage_reports,
    task_state,
)
from logs.record.vocabulary import STAGE_OF_CODE, Stage
from orgo_audit.periods import Period

START = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
CODE_OF_STAGE = {stage.value: code for code, stage in STAGE_OF_CODE.items()}
TEN_MINUTES, TWO_HOURS, TWO_DAYS = Period(10, "minute"), Period(2, "hour"), Period(2, "day")
DEADLINES = {"routed": TEN_MINUTES, "completed": TWO_DAYS}


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def happenings(**minutes: float) -> list[Happening]:
    return [Happening(CODE_OF_STAGE[stage], at(minute)) for stage, minute in minutes.items()]


def states(
    events: list[Happening], expected: dict[str, Period | None], now: datetime
) -> dict[str, str]:
    return {
        report.stage.value: report.state.value
        for report in stage_reports(events, expected, now=now)
    }


def said(row: str) -> dict[str, str]:
    """`done - late ...`, one word a stage; `-` where the stage is not in the trace."""
    words = zip(Stage, row.split(), strict=True)
    return {stage.value: word for stage, word in words if word != "-"}


WHOLE_WAY = {"received": 0, "parsed": 1, "created": 2, "routed": 3, "completed": 4}


@pytest.mark.parametrize(
    ("minutes", "now", "row"),
    [
        # received parsed created routed escalated completed; no stage has a deadline:
        # what is behind the last stage is missing, what is ahead is due
        ({}, 0, "due due due due - due"),
        ({"received": 0}, 9999, "done due due due - due"),
        ({"created": 0}, 1, "missing missing done due - due"),
        (WHOLE_WAY, 5, "done done done done - done"),
        ({"received": 0, "created": 2, "completed": 4}, 5, "done missing done missing - done"),
        # an escalation that nobody expects stands there once it happened
        ({"created": 0, "routed": 1, "escalated": 2}, 3, "missing missing done done done due"),
        ({"escalated": 2}, 3, "missing missing missing missing done due"),
    ],
    ids=str,
)
def test_without_deadlines_the_order_tells_what_is_missing(
    minutes: dict[str, float], now: float, row: str
) -> None:
    assert states(happenings(**minutes), dict(DEFAULT_STAGES), at(now)) == said(row)


@pytest.mark.parametrize(
    ("minutes", "now", "row"),
    [
        # routed within ten minutes, completed within two days
        ({"created": 0}, 10, "- - done due - due"),
        ({"created": 0}, 10.001, "- - done missing - due"),
        ({"created": 0, "routed": 10}, 11, "- - done done - due"),
        ({"created": 0, "routed": 10.001}, 11, "- - done late - due"),
        ({"created": 0, "routed": 1}, 2881, "- - done done - missing"),
        ({"created": 0, "routed": 1, "completed": 2880}, 2881, "- - done done - done"),
        ({"created": 0, "routed": 1, "completed": 2881}, 9999, "- - done done - late"),
        ({"created": 0, "completed": 1}, 2, "- - done missing - done"),
    ],
    ids=str,
)
def test_a_deadline_tells_late_from_done_and_missing_from_due(
    minutes: dict[str, float], now: float, row: str
) -> None:
    assert states(happenings(**minutes), dict(DEADLINES), at(now)) == said(row)


def test_a_deadline_counts_from_the_creation_and_not_from_the_mail() -> None:
    events = happenings(received=0, created=60, routed=65)
    (routed,) = (r for r in stage_reports(events, DEADLINES, now=at(70)) if r.stage is Stage.ROUTED)
    assert (routed.state, routed.due) == (StageState.DONE, at(70))


def test_without_a_creation_it_counts_from_the_first_event() -> None:
    events = happenings(received=0, parsed=1)
    reports = {report.stage: report for report in stage_reports(events, DEADLINES, now=at(2))}
    assert reports[Stage.ROUTED].due == at(10)


def test_a_stage_that_came_twice_counts_from_its_first_time() -> None:
    events = happenings(created=0, routed=30) + happenings(routed=5)
    assert first_happenings(events)[Stage.ROUTED] == at(5)
    assert states(events, dict(DEADLINES), at(31))["routed"] == "done"


def test_the_order_of_arrival_does_not_matter() -> None:
    events = happenings(received=0, created=1, routed=2, completed=3)
    assert states(events, dict(DEADLINES), at(9)) == states(events[::-1], dict(DEADLINES), at(9))


def test_other_events_of_the_task_are_no_stage() -> None:
    events = [Happening("login.failed", at(0)), Happening("", at(1))]
    assert set(states(events, dict(DEFAULT_STAGES), at(2)).values()) == {"due"}


@pytest.mark.parametrize(
    ("minutes", "now", "state"),
    [
        ({"created": 0}, 120, "due"),
        ({"created": 0}, 121, "missing"),
        ({"created": 0, "escalated": 60}, 121, "done"),
        ({"created": 0, "escalated": 121}, 122, "late"),
        ({"created": 0, "completed": 60}, 999, None),
        ({"created": 0, "escalated": 60, "completed": 61}, 999, "done"),
    ],
    ids=repr,
)
def test_a_completed_task_need_not_be_escalated_any_more(
    minutes: dict[str, float], now: float, state: str | None
) -> None:
    expected: dict[str, Period | None] = {"escalated": TWO_HOURS, "completed": None}
    assert states(happenings(**minutes), expected, at(now)).get("escalated") == state


def test_the_stages_come_in_the_order_of_the_way() -> None:
    events = happenings(completed=9, escalated=8, routed=7, created=6, parsed=5, received=4)
    stages = [report.stage for report in stage_reports(events, {}, now=at(10))]
    assert stages == list(Stage)


@pytest.mark.parametrize(
    ("minutes", "state"),
    [
        ({}, "open"),
        ({"created": 0, "routed": 1}, "open"),
        ({"created": 0, "escalated": 1}, "escalated"),
        ({"created": 0, "escalated": 1, "completed": 2}, "completed"),
        ({"completed": 2}, "completed"),
    ],
)
def test_a_task_is_open_escalated_or_completed(minutes: dict[str, float], state: str) -> None:
    assert task_state(happenings(**minutes)) == state


@pytest.mark.parametrize(("completed", "escalated"), [(59, None), (61, "missing")])
def test_an_escalation_is_missed_only_where_the_task_outlasted_its_deadline(
    completed: float, escalated: str | None
) -> None:
    events = happenings(created=0, completed=completed)
    found = states(events, {"escalated": Period(1, "hour")}, at(completed))
    assert found.get("escalated") == escalated


def test_what_was_tried_and_failed_has_not_happened() -> None:
    created, routed = CODE_OF_STAGE[Stage.CREATED], CODE_OF_STAGE[Stage.ROUTED]
    completed = CODE_OF_STAGE[Stage.COMPLETED]
    events = [
        Happening(created, at(0)),
        Happening(routed, at(1), has_failed=True),
        Happening(routed, at(5)),
        Happening(completed, at(6), has_failed=True),
    ]
    told = {one.stage: one for one in stage_reports(events, DEFAULT_STAGES, now=at(9))}
    assert told[Stage.ROUTED].happened_at == at(5)
    assert told[Stage.COMPLETED].state == "due"
    assert task_state(events) == "open"
