"""A case's deadlines follow the policy and the law, and stand still once it is closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.cases.clock import Deadline, age, deadlines, destroyed_after
from orgo_audit.periods import Period
from orgo_audit.policy.schema import CaseStep, SensitiveWorkflow

OPENED = date(2024, 11, 24)
LAWFUL = SensitiveWorkflow().deadlines
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
periods = st.builds(
    Period, st.integers(1, 40), st.sampled_from(["minute", "hour", "day", "week", "month", "year"])
)


def clock(
    today: date,
    *,
    done: Mapping[str, date] | None = None,
    closed_on: date | None = None,
    policy: Mapping[CaseStep, Period] = LAWFUL,
) -> list[Deadline]:
    return deadlines(OPENED, policy, done or {}, closed_on, today=today)


def states(today: date, **given: object) -> list[str]:
    return [step.state for step in clock(today, **given)]  # type: ignore[arg-type]  # as clock's


def test_a_new_case_has_seven_days_and_then_three_months() -> None:
    assert clock(OPENED) == [
        Deadline("acknowledged", date(2024, 12, 1), None, "due"),
        Deadline("answered", date(2025, 3, 1), None, "due"),
    ]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2024, 12, 1), ["due", "due"]),
        (date(2024, 12, 2), ["late", "due"]),
        (date(2025, 3, 1), ["late", "due"]),
        (date(2025, 3, 2), ["late", "late"]),
    ],
)
def test_the_last_day_is_still_in_time(today: date, expected: list[str]) -> None:
    assert states(today) == expected


def test_an_early_acknowledgement_starts_the_three_months() -> None:
    acknowledged, answered = clock(OPENED, done={"acknowledged": date(2024, 11, 25)})
    assert (acknowledged.state, acknowledged.done_on) == ("done", date(2024, 11, 25))
    assert answered.due == date(2025, 2, 25)


def test_a_late_acknowledgement_wins_no_time() -> None:
    acknowledged, answered = clock(date(2025, 1, 1), done={"acknowledged": date(2024, 12, 31)})
    assert acknowledged.state == "done_late"
    assert answered.due == date(2025, 3, 1)


def test_an_answer_after_its_day_is_late_for_ever() -> None:
    done = {"acknowledged": OPENED, "answered": date(2025, 2, 25)}
    assert states(date(2030, 1, 1), done=done) == ["done", "done_late"]


def test_closing_ends_what_is_open() -> None:
    closed_on = date(2025, 1, 10)
    steps = clock(date(2030, 1, 1), closed_on=closed_on)
    assert [step.state for step in steps] == ["late", "ended"]
    assert {step.done_on for step in steps} == {None}
    assert steps[1].due == date(2025, 3, 1)


def test_only_what_the_policy_names_is_due() -> None:
    assert clock(OPENED, policy={}) == []
    [answered] = clock(OPENED, policy={"answered": Period(10, "day")})
    assert (answered.name, answered.due) == ("answered", date(2024, 12, 4))


def test_hours_end_on_the_day_in_which_they_run_out() -> None:
    policy: dict[CaseStep, Period] = {"acknowledged": Period(36, "hour")}
    assert clock(OPENED, policy=policy)[0].due == date(2024, 11, 25)


def test_unknown_steps_are_passed_over() -> None:
    assert clock(OPENED, done={"sent": OPENED}) == clock(OPENED)


def test_the_calendar_ends() -> None:
    assert destroyed_after(date(9999, 12, 1), Period(1, "month")) == date.max
    [first, _] = deadlines(date.max, LAWFUL, {}, None, today=date.max)
    assert (first.due, first.state) == (date.max, "due")


def test_a_case_ages_until_it_is_closed() -> None:
    assert age(OPENED, None, today=OPENED) == 0
    assert age(OPENED, None, today=date(2024, 12, 24)) == 30
    assert age(OPENED, date(2024, 11, 26), today=date(2030, 1, 1)) == 2


def test_a_case_from_tomorrow_has_no_age() -> None:
    assert age(OPENED, None, today=date(2024, 11, 1)) == 0


def test_a_closed_case_is_kept_for_its_period_by_the_calendar() -> None:
    assert destroyed_after(date(2024, 12, 31), Period(2, "month")) == date(2025, 2, 28)


@given(days, periods, periods, st.none() | days, st.none() | days, st.none() | days, days)
def test_a_state_is_what_its_own_dates_say(
    opened_on: date,
    first: Period,
    second: Period,
    acknowledged_on: date | None,
    answered_on: date | None,
    closed_on: date | None,
    today: date,
) -> None:
    given = {"acknowledged": acknowledged_on, "answered": answered_on}
    done = {name: day for name, day in given.items() if day is not None}
    policy: dict[CaseStep, Period] = {"acknowledged": first, "answered": second}
    found = deadlines(opened_on, policy, done, closed_on, today=today)
    assert [step.name for step in found] == ["acknowledged", "answered"]
    for step in found:
        is_over = (step.done_on or closed_on or today) > step.due
        assert ("late" in step.state) is is_over
        assert step.state.startswith("done") is (step.name in done)
        assert (step.state == "ended") <= (closed_on is not None)
    assert found[0].due >= opened_on
    latest = deadlines(opened_on, policy, {}, None, today=today)
    assert all(one.due <= other.due for one, other in zip(found, latest, strict=True))


@given(days, st.integers(0, 4000))
def test_age_counts_days(opened_on: date, count: int) -> None:
    assert age(opened_on, opened_on + timedelta(days=count), today=date.max) == count
