"""What fires, what does not, and what cannot be said: rates, bursts, deadlines, silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.alerting import rules
from monitoring.alerting.baseline import LEARNING, Comparison, Volume
from monitoring.alerting.escalation import first_receivers, receivers, steps_due
from monitoring.alerting.rules import NOT_ENOUGH_DATA, WELL, Condition
from monitoring.alerting.vocabulary import Rule, Severity
from orgo_audit.periods import Period
from orgo_audit.policy.schema import Burst, LadderStep, Threshold

FIVE_PERCENT = Threshold(5.0)
TWO_HOURS = Period(2, "hour")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(("errors", "activity"), [(0, 0), (1, 0), (1, 1), (4, 5)])
def test_too_few_events_are_no_rate(errors: int, activity: int) -> None:
    assert rules.error_rate(errors, activity, FIVE_PERCENT) == NOT_ENOUGH_DATA


@pytest.mark.parametrize(("errors", "activity"), [(5, 95), (4, 6), (0, 10), (50, 950)])
def test_a_rate_up_to_the_threshold_or_of_a_few_errors_is_well(errors: int, activity: int) -> None:
    assert rules.error_rate(errors, activity, FIVE_PERCENT) == WELL


@pytest.mark.parametrize(("errors", "activity"), [(6, 94), (5, 5), (10, 0), (51, 949)])
def test_a_rate_above_the_threshold_fires(errors: int, activity: int) -> None:
    (fired,) = rules.error_rate(errors, activity, FIVE_PERCENT).conditions
    assert (fired.name, fired.rule, fired.subject) == ("Error Rate High", "error_rate", "")
    assert (fired.told["errors"], fired.told["events"]) == (errors, errors + activity)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0.01, 99.0))
def test_the_rate_is_of_errors_and_activity_together(
    errors: int, activity: int, percent: float
) -> None:
    verdict = rules.error_rate(errors, activity, Threshold(percent))
    is_above = errors * 100 / max(1, errors + activity) > percent
    if errors + activity >= rules.FEWEST_EVENTS and errors >= rules.FEWEST_ERRORS:
        assert bool(verdict.conditions) == is_above
    else:
        assert not verdict.conditions


def test_a_burst_fires_above_its_number() -> None:
    limit = Burst(20, Period(10, "minute"))
    assert rules.burst(Rule.FAILED_LOGINS, "Failed Logins", 20, limit) == WELL
    (fired,) = rules.burst(Rule.FAILED_LOGINS, "Failed Logins", 21, limit).conditions
    assert fired.told == {"number": 21, "threshold": ">20 in 10 minutes"}


def near_and_pending(waited: timedelta) -> list[tuple[str, Severity]]:
    found = rules.escalations([("56789", NOON - waited)], TWO_HOURS, None, NOON)
    both = (*found.near.conditions, *found.pending.conditions)
    return [(one.name, one.severity) for one in both]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (0, []),
        (59, []),
        (60, [("Task Escalation Near", Severity.INFO)]),
        (96, [("Task Escalation Near", Severity.WARNING)]),
        (119, [("Task Escalation Near", Severity.WARNING)]),
        (120, [("Task Escalation Pending", Severity.CRITICAL)]),
        (1_000_000, [("Task Escalation Pending", Severity.CRITICAL)]),
    ],
)
def test_a_task_warns_at_half_at_four_fifths_and_at_all_of_its_time(
    minutes: int, expected: list[tuple[str, Severity]]
) -> None:
    assert near_and_pending(timedelta(minutes=minutes)) == expected


def test_a_pending_escalation_is_told_in_the_policys_words() -> None:
    waiting = [("56789", NOON - timedelta(hours=3))]
    (fired,) = rules.escalations(waiting, TWO_HOURS, None, NOON).pending.conditions
    assert fired == Condition(
        Rule.ESCALATION_PENDING,
        "Task Escalation Pending",
        Severity.CRITICAL,
        "56789",
        "56789",
        {"escalation_time": "2 hours"},
    )


def test_the_shortest_unusual_window_is_told() -> None:
    usual = Comparison(Volume.USUAL, 40, 40.0, 0.0)
    high = Comparison(Volume.HIGH, 400, 40.0, 20.0)
    (fired,) = rules.email_volume({1: usual, 6: high, 24: high}).conditions
    assert (fired.name, fired.subject) == ("E-mail Volume High", "high")
    assert fired.told == {"mails": 400, "usual": 40.0, "window": "6 hours"}


def test_a_short_history_says_nothing() -> None:
    assert rules.email_volume({1: LEARNING, 6: LEARNING}) == NOT_ENOUGH_DATA


LADDER = (
    LadderStep(after=Period(30, "minute"), notify=("admin",)),
    LadderStep(after=Period(4, "hour"), notify=("admin", "dpo")),
)


@pytest.mark.parametrize(("minutes", "steps"), [(0, 0), (29, 0), (30, 1), (239, 1), (240, 2)])
def test_each_step_of_the_ladder_comes_in_its_time(minutes: int, steps: int) -> None:
    assert steps_due(LADDER, NOON, NOON + timedelta(minutes=minutes)) == steps


def test_whom_the_ladder_reaches() -> None:
    assert first_receivers(LADDER) == ("admin",)
    assert receivers(LADDER, 0, 2) == ("admin", "dpo")
    assert receivers(LADDER, 1, 2) == ("admin", "dpo")
    assert first_receivers(()) == ()
