"""Regimes bound what a policy states: a floor raises, a ceiling lowers, both may conflict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgo_audit.periods import UNITS, Period, parse_period
from orgo_audit.policy.loading import load_policy
from orgo_audit.policy.regimes import BOUNDS, Kept, kept_cases, kept_log, kept_under, notes
from orgo_audit.policy.schema import LOG_VIEWS, REGIMES, OrganizationPolicy, Policy, Regime

PERIODS = st.builds(Period, st.integers(1, 100), st.sampled_from(UNITS))
MAYBE = st.none() | PERIODS


def north(text: str) -> OrganizationPolicy:
    return load_policy(f"organizations: {{north: {text}}}", name="test").for_organization("north")


def periods(rules: OrganizationPolicy) -> dict[str, str]:
    return {log: str(kept_log(rules, log).period) for log in LOG_VIEWS}


def test_without_a_regime_the_policy_alone_decides() -> None:
    assert periods(Policy().for_organization("north")) == {
        "activity_logs": "6 months",
        "security_logs": "2 years",
        "error_logs": "1 year",
    }


def test_a_ceiling_lowers_what_is_above_it_and_leaves_the_rest() -> None:
    rules = north("{regime: gdpr, retention_policies: {activity_logs: 2 years}}")
    assert periods(rules) == {
        "activity_logs": "1 year",
        "security_logs": "2 years",
        "error_logs": "1 year",
    }


def test_a_floor_raises_what_is_below_it() -> None:
    assert periods(north("{regime: hipaa}"))["security_logs"] == "6 years"
    long = north("{regime: hipaa, retention_policies: {security_logs: 7 years}}")
    assert periods(long)["security_logs"] == "7 years"


def test_a_floor_above_a_ceiling_is_a_conflict_and_shows_no_more_than_the_ceiling() -> None:
    kept = kept_log(north("{regime: [gdpr, hipaa]}"), "security_logs")
    assert kept.in_conflict
    assert kept == Kept(Period(2, "year"), Period(6, "year"), Period(3, "year"))
    assert kept.period == Period(3, "year")
    assert not kept_log(north("{regime: [gdpr, hipaa]}"), "activity_logs").in_conflict


def test_a_closed_case_is_kept_at_most_three_years() -> None:
    text = "{{regime: whistleblowing, sensitive_workflows: {{harassment: {{case_period: {0}}}}}}}"
    assert kept_cases(north(text.format("4 years")), "harassment").period == Period(3, "year")
    assert kept_cases(north(text.format("2 months")), "harassment").period == Period(2, "month")


def test_two_months_after_closure_are_a_default_until_the_policy_says_so() -> None:
    text = "{{sensitive_workflows: {{harassment: {0}}}}}"
    silent = kept_cases(north(text.format("{}")), "harassment")
    said = kept_cases(north(text.format("{case_period: 2 months}")), "harassment")
    assert (silent.period, silent.is_default) == (Period(2, "month"), True)
    assert (said.period, said.is_default) == (Period(2, "month"), False)
    assert [note for note in notes(north("{}")) if "nobody has confirmed" in note] == [
        "closed harassment cases: kept 2 months, a default that nobody has confirmed in the policy"
        " file"
    ]


def test_every_bound_names_its_law_and_bounds_something() -> None:
    assert {bound.regime for bound in BOUNDS} == set(REGIMES)
    for bound in BOUNDS:
        assert bound.floor or bound.ceiling
        assert len(bound.source) > 20


@pytest.mark.parametrize(
    ("stated", "floor", "ceiling", "period"),
    [
        ("366 days", None, "1 year", "1 year"),  # in most years a day too long
        ("365 days", None, "1 year", "365 days"),
        ("365 days", "1 year", None, "1 year"),  # in a leap year a day too short
        ("366 days", "1 year", None, "366 days"),
        ("12 months", "1 year", "1 year", "12 months"),
        ("1 day", "1 year", "1 year", "1 year"),
    ],
)
def test_periods_of_other_units_are_bounded_in_their_worst_year(
    stated: str, floor: str | None, ceiling: str | None, period: str
) -> None:
    bounds = [parse_period(text) if text else None for text in (floor, ceiling)]
    assert str(Kept(parse_period(stated), *bounds).period) == period


@given(PERIODS, MAYBE, MAYBE)
def test_nothing_is_shown_above_the_ceiling_nor_without_a_conflict_hidden_below_the_floor(
    stated: Period, floor: Period | None, ceiling: Period | None
) -> None:
    kept = Kept(stated, floor, ceiling)
    assert ceiling is None or not ceiling.may_be_shorter_than(kept.period)
    if not kept.in_conflict:
        assert floor is None or not kept.period.may_be_shorter_than(floor)
    assert kept.period in (stated, floor, ceiling)


@given(st.lists(st.sampled_from(REGIMES)), PERIODS)
def test_the_order_of_regimes_means_nothing(regimes: list[Regime], stated: Period) -> None:
    for log in (*LOG_VIEWS, "cases"):
        kept = kept_under(stated, regimes, log)
        assert kept == kept_under(stated, [*reversed(regimes), *regimes], log)


CONFIRMED = "{{sensitive_workflows: {{harassment: {{case_period: 2 months}}}}, {0}}}"


def test_notes_say_where_a_regime_overrules_the_policy() -> None:
    assert list(notes(north(CONFIRMED.format("")))) == []
    [raised] = notes(north(CONFIRMED.format("regime: hipaa")))
    assert raised.startswith("security_logs: kept 6 years instead of 2 years")
    assert raised.endswith("at least that")
    longer = "regime: gdpr, retention_policies: {error_logs: 2 years}"
    [lowered] = notes(north(CONFIRMED.format(longer)))
    assert lowered.startswith("error_logs: kept 1 year instead of 2 years")
    assert lowered.endswith("at most that")
    [conflict] = notes(north(CONFIRMED.format("regime: [gdpr, hipaa]")))
    assert conflict.startswith("security_logs: the regimes ask for at least 6 years")
    assert "withheld, and destroyed only as an admin decides" in conflict
