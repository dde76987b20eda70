"""The plan as others see it: one organization's part of it, and what other rules would do."""

from __future__ import annotations

import pytest

from logs.retention.plan import (
    Conflict,
    Drop,
    Held,
    Remove,
    Rule,
    Segment,
    Share,
    Sooner,
    Wait,
    plan,
    sooner,
)
from orgo_audit.periods import Period
from tests.logs.retention.test_plan import (
    DUE,
    DUE_LATER,
    HALF_A_YEAR,
    HOLD,
    TWO_YEARS,
    a_month,
    of,
)

NEVER = Rule(None, Period(1, "day"))
SHARED = a_month(Share("home", 5), Share("north", 3))
NORTH_HELD = a_month(Share("home", 5), Share("north", 3, (HOLD,), 3, is_all_held=True))


@pytest.mark.parametrize(
    ("segment", "home", "north", "seen"),
    [
        (SHARED, HALF_A_YEAR, HALF_A_YEAR, [Drop(DUE, ("home",))]),
        (SHARED, HALF_A_YEAR, TWO_YEARS, [Remove(DUE, "home", 5), Wait(DUE_LATER)]),
        (SHARED, TWO_YEARS, HALF_A_YEAR, [Wait(DUE_LATER)]),
        (SHARED, HALF_A_YEAR, NEVER, [Remove(DUE, "home", 5)]),
        (SHARED, NEVER, HALF_A_YEAR, [Conflict("home")]),
        (NORTH_HELD, HALF_A_YEAR, HALF_A_YEAR, [Remove(DUE, "home", 5)]),
    ],
)
def test_an_organization_sees_its_own_part(
    segment: Segment, home: Rule, north: Rule, seen: list[object]
) -> None:
    (one,) = plan([segment], of(home=home, north=north), now=DUE, shown={"home"})
    assert list(one.decisions) == seen


def test_a_hold_is_seen_by_its_organization() -> None:
    rules = of(home=HALF_A_YEAR, north=HALF_A_YEAR)
    (one,) = plan([NORTH_HELD], rules, now=DUE, shown={"north"})
    assert one.decisions == (Held("north", (HOLD,), 3),)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (TWO_YEARS, HALF_A_YEAR, [Sooner("activity-2025-01", "home", 5, DUE_LATER, DUE)]),
        (NEVER, HALF_A_YEAR, [Sooner("activity-2025-01", "home", 5, None, DUE)]),
        (HALF_A_YEAR, HALF_A_YEAR, []),
        (HALF_A_YEAR, TWO_YEARS, []),
        (HALF_A_YEAR, NEVER, []),
        (NEVER, NEVER, []),
    ],
)
def test_only_what_goes_earlier_is_told(before: Rule, after: Rule, found: list[Sooner]) -> None:
    assert sooner([a_month(Share("home", 5))], of(home=before), of(home=after)) == found


@pytest.mark.parametrize(
    ("share", "is_closed", "rows"),
    [
        (Share("home", 5, (HOLD,), 2), True, [3]),
        (Share("home", 5, (HOLD,), 5, is_all_held=True), True, []),
        (Share("home", 0), False, [None]),
    ],
)
def test_what_is_held_does_not_go_earlier(
    share: Share, is_closed: bool, rows: list[int | None]
) -> None:
    found = sooner([a_month(share, is_closed=is_closed)], of(home=TWO_YEARS), of(home=HALF_A_YEAR))
    assert [one.rows for one in found] == rows
