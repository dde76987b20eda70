"""The plan: what goes as a whole, what in part, what is held; nothing goes early or late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.retention.plan import (
    NIGHT,
    Conflict,
    Drop,
    Held,
    Remove,
    Rule,
    Rules,
    Segment,
    Share,
    Wait,
    plan,
)
from orgo_audit.periods import UNITS, Period, next_month, start_of_month

HOLD = UUID(int=1)
MONTH = datetime(2025, 1, 1, tzinfo=UTC)
ENDS = datetime(2025, 2, 1, tzinfo=UTC)
HALF_A_YEAR = Rule(Period(6, "month"), Period(1, "day"))
TWO_YEARS = Rule(Period(2, "year"), Period(1, "day"))
DUE = datetime(2025, 8, 1, tzinfo=UTC)
DUE_LATER = datetime(2027, 2, 1, tzinfo=UTC)


def a_month(*shares: Share, is_closed: bool = True) -> Segment:
    rows = sum(share.rows for share in shares)
    return Segment("activity-2025-01", "activity", ENDS, rows, 8192, is_closed, shares)


def decided(segment: Segment, now: datetime, **rules: Rule) -> tuple[object, ...]:
    (one,) = plan([segment], of(**rules), now=now)
    return one.decisions


def of(**rules: Rule) -> Rules:
    return {(name, "activity"): rule for name, rule in rules.items()}


def test_a_month_goes_as_a_whole_once_it_is_over_for_everybody() -> None:
    segment = a_month(Share("home", 5), Share("north", 3))
    rules = {"home": HALF_A_YEAR, "north": HALF_A_YEAR}
    assert decided(segment, DUE, **rules) == (Drop(DUE, ("home", "north")),)


@pytest.mark.parametrize(
    ("before", "decision"),
    [
        (timedelta(days=2, seconds=1), Wait(DUE)),
        (timedelta(days=2), Drop(DUE, ("home",))),
        (timedelta(), Drop(DUE, ("home",))),
    ],
)
def test_what_is_near_is_published_a_notice_and_a_night_ahead(
    before: timedelta, decision: object
) -> None:
    assert decided(a_month(Share("home", 5)), DUE - before, home=HALF_A_YEAR) == (decision,)


def test_one_organizations_rows_go_where_another_keeps_the_month() -> None:
    segment = a_month(Share("home", 5), Share("north", 3))
    decisions = decided(segment, DUE, home=HALF_A_YEAR, north=TWO_YEARS)
    assert decisions == (Remove(DUE, "home", 5), Wait(DUE_LATER))


def test_a_difference_of_less_than_a_night_is_waited_for() -> None:
    segment = a_month(Share("home", 5), Share("north", 3))
    weeks = Rule(Period(1, "week"), Period(1, "day"))
    hours = Rule(Period(7 * 24 + 23, "hour"), Period(1, "day"))
    due = ENDS + timedelta(days=7, hours=23)
    assert decided(segment, due, home=weeks, north=hours) == (Drop(due, ("home", "north")),)


def test_a_held_month_outlives_its_retention() -> None:
    held = Share("home", 5, (HOLD,), rows_held=5, is_all_held=True)
    assert decided(a_month(held), DUE, home=HALF_A_YEAR) == (Held("home", (HOLD,), 5),)


def test_rows_beside_held_ones_go() -> None:
    held, other = Share("home", 5, (HOLD,), rows_held=2), Share("north", 3)
    rules = {"home": HALF_A_YEAR, "north": HALF_A_YEAR}
    assert decided(a_month(held, other), DUE, **rules) == (
        Held("home", (HOLD,), 2),
        Remove(DUE, "home", 3),
        Remove(DUE, "north", 3),
    )


def test_a_conflict_stops_its_own_organization_alone() -> None:
    segment = a_month(Share("home", 5), Share("north", 3))
    rules = {"home": HALF_A_YEAR, "north": Rule(None, Period(1, "day"))}
    assert decided(segment, DUE, **rules) == (Conflict("north"), Remove(DUE, "home", 5))


def test_rows_of_nobody_that_is_known_stay() -> None:
    assert decided(a_month(Share("#7", 5)), DUE, home=HALF_A_YEAR) == (Conflict("#7"),)


def test_an_empty_month_goes_when_the_longest_period_is_over() -> None:
    rules = {"home": HALF_A_YEAR, "north": TWO_YEARS}
    assert decided(a_month(), DUE, **rules) == (Wait(DUE_LATER),)
    assert decided(a_month(), DUE_LATER, **rules) == (Drop(DUE_LATER, ()),)
    assert decided(a_month(), DUE_LATER) == ()


def test_a_month_that_is_not_closed_waits() -> None:
    open_month = a_month(Share("home", 5), is_closed=False)
    assert decided(open_month, DUE, home=HALF_A_YEAR) == (Wait(DUE),)


def test_months_that_end_first_come_first() -> None:
    segment = a_month(Share("home", 5))
    later = replace(segment, name="activity-2025-02", ends=next_month(ENDS))
    plans = plan([later, segment], of(home=HALF_A_YEAR), now=DUE)
    assert [one.segment.name for one in plans] == ["activity-2025-01", "activity-2025-02"]


def test_a_plan_can_be_sent() -> None:
    held = Share("home", 5, (HOLD,), rows_held=2)
    (one,) = plan([a_month(held)], of(home=HALF_A_YEAR), now=DUE)
    assert one.as_json() == {
        "segment": "activity-2025-01",
        "rows": 5,
        "bytes": 8192,
        "decisions": [
            {"what": "held", "organization": "home", "holds": [str(HOLD)], "rows": 2},
            {"what": "remove", "at": "2025-08-01T00:00:00Z", "organization": "home", "rows": 3},
        ],
    }


# --- nights ---------------------------------------------------------------------------------------

COUNTS = {"minute": 60_000, "hour": 9_000, "day": 400, "week": 60, "month": 14, "year": 2}
periods = st.sampled_from(UNITS).flatmap(
    lambda unit: st.builds(Period, st.integers(1, COUNTS[unit]), st.just(unit))
)
notices = st.sampled_from(
    [Period(1, "minute"), Period(1, "day"), Period(36, "hour"), Period(2, "week")]
)
approvals: st.SearchStrategy[Literal["automatic"]] = st.just("automatic")
rules_of_one = st.builds(Rule, periods, notices, approvals)
TENANTS = ("home", "north", "south")


@given(
    st.lists(rules_of_one, min_size=3, max_size=3),
    st.sets(st.sampled_from(TENANTS), min_size=1),
    st.dates(datetime(2023, 1, 1).date(), datetime(2025, 12, 1).date()),  # noqa: DTZ001
    st.integers(0, 59),
)
def test_night_after_night_nothing_goes_early_and_nothing_stays_three_days(
    own: list[Rule], present: set[str], month: object, minute: int
) -> None:
    """As `applying` does it: publish; when notice and period are over, destroy."""
    starts = start_of_month(datetime.fromisoformat(f"{month}T00:00:00+00:00"))
    ends = next_month(starts)
    rules = of(**dict(zip(TENANTS, own, strict=True)))
    left = set(present)
    published: dict[str, datetime] = {}
    dues = {name: rule.period.after(ends) for (name, _), rule in rules.items() if rule.period}
    # It was never down: the first night is the one after the month's end.
    night = ends + timedelta(hours=1, minutes=minute)
    while left:
        shares = tuple(Share(name, 1) for name in sorted(left))
        segment = Segment("activity-1", "activity", ends, len(left), 0, True, shares)
        (one,) = plan([segment], rules, now=night)
        steps = [step for step in one.decisions if isinstance(step, Drop | Remove)]
        for step in steps:
            names = step.organizations if isinstance(step, Drop) else (step.organization,)
            key = "" if isinstance(step, Drop) else step.organization
            since = published.setdefault(key, night)
            notice_is_over = all(
                rules[name, "activity"].notice.after(since) <= night for name in names
            )
            if step.at <= night and notice_is_over:
                assert all(dues[name] <= night for name in names)
                left -= set(names)
        # A notice that is longer than the period delays: it begins when the month is closed.
        longest = max(rules[name, "activity"].notice.after(ends) for name in present)
        assert all(night <= max(dues[name], longest) + 2 * NIGHT for name in left)
        night += NIGHT
