"""Periods are read strictly and follow the calendar in UTC."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgo_audit.errors import OrgoError
from orgo_audit.periods import (
    LONGEST_YEARS,
    UNITS,
    Period,
    PeriodError,
    next_month,
    parse_period,
    start_of_month,
)

PERIODS = st.builds(Period, st.integers(1, LONGEST_YEARS), st.sampled_from(UNITS))
INSTANTS = st.integers(-2_000_000_000, 4_000_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


def day(year: int, month: int, date: int) -> datetime:
    return datetime(year, month, date, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "count", "unit"),
    [
        ("6 months", 6, "month"),
        ("1 year", 1, "year"),
        ("2 years", 2, "year"),
        ("1 minute", 1, "minute"),
        ("90 minutes", 90, "minute"),
        ("2 hours", 2, "hour"),
        ("10 days", 10, "day"),
        ("3 weeks", 3, "week"),
    ],
)
def test_a_number_and_a_unit_are_a_period(text: str, count: int, unit: str) -> None:
    period = parse_period(text)
    assert (period.count, period.unit) == (count, unit)
    assert str(period) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "6", "months", "0 days", "-1 days", "1.5 years", "6months", "6  months", " 6 months"),
        *("6 months ", "6 Months", "six months", "6 months\n", "06 months", "6 fortnights"),
        *(
            "1 year 6 months",
            "P6M",
            "101 years",
            "99999999 years",
            "36501 days",
            "forever",
            "٦ months",
        ),
    ],
)
def test_anything_else_is_refused_with_what_would_be_accepted(text: str) -> None:
    with pytest.raises(PeriodError) as refusal:
        parse_period(text)
    assert isinstance(refusal.value, OrgoError)
    assert isinstance(refusal.value, ValueError)
    assert "accepted" in str(refusal.value) or "at most" in str(refusal.value)


def test_a_misspelt_unit_is_met_with_the_nearest_one() -> None:
    with pytest.raises(PeriodError, match=r"did you mean months\?"):
        parse_period("6 moths")


def test_no_period_can_be_built_that_could_not_be_read() -> None:
    with pytest.raises(PeriodError, match="at least 1"):
        Period(0, "day")


@given(PERIODS)
def test_a_period_reads_back_as_written(period: Period) -> None:
    assert parse_period(period.as_text()) == period


@given(st.text(max_size=30))
def test_no_text_raises_anything_but_period_error(text: str) -> None:
    with suppress(PeriodError):
        assert isinstance(parse_period(text), Period)


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        (day(2026, 8, 31), "6 months", day(2026, 2, 28)),
        (day(2024, 8, 31), "6 months", day(2024, 2, 29)),
        (day(2024, 2, 29), "1 year", day(2023, 2, 28)),
        (day(2026, 1, 15), "1 month", day(2025, 12, 15)),
        (day(2026, 3, 1), "1 day", day(2026, 2, 28)),
        (day(2026, 1, 1), "2 weeks", day(2025, 12, 18)),
    ],
)
def test_going_back_follows_the_calendar(now: datetime, text: str, expected: datetime) -> None:
    assert parse_period(text).before(now) == expected


@pytest.mark.parametrize(
    ("instant", "text", "expected"),
    [
        (day(2026, 1, 31), "1 month", day(2026, 2, 28)),
        (day(2024, 2, 29), "1 year", day(2025, 2, 28)),
        (day(2024, 2, 29), "4 years", day(2028, 2, 29)),
        (day(2026, 12, 1), "1 month", day(2027, 1, 1)),
        (day(2026, 1, 1), "36 hours", datetime(2026, 1, 2, 12, tzinfo=UTC)),
    ],
)
def test_going_on_follows_the_calendar(instant: datetime, text: str, expected: datetime) -> None:
    assert parse_period(text).after(instant) == expected


def test_the_calendar_is_that_of_utc() -> None:
    berlin = timezone(timedelta(hours=2))
    late = datetime(2026, 7, 1, 1, tzinfo=berlin)  # still June in UTC
    assert start_of_month(late) == day(2026, 6, 1)
    assert Period(1, "month").after(late).tzinfo is UTC


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Period(1, "day").after(datetime(2026, 1, 1))  # noqa: DTZ001


@given(PERIODS, INSTANTS)
def test_a_period_always_leads_away(period: Period, instant: datetime) -> None:
    assert period.before(instant) < instant < period.after(instant)


@given(INSTANTS)
def test_every_instant_is_within_its_month(instant: datetime) -> None:
    start, end = start_of_month(instant), next_month(instant)
    assert start <= instant < end
    assert start_of_month(end) == end
    assert next_month(start) == end


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        *(("30 days", "1 month"), ("180 days", "6 months"), ("11 months", "1 year")),
        *(("52 weeks", "1 year"), ("59 minutes", "1 hour"), ("1 month", "5 weeks")),
    ],
)
def test_lengths_compare_across_units(shorter: str, longer: str) -> None:
    assert parse_period(shorter).is_shorter_than(parse_period(longer))
    assert not parse_period(longer).is_shorter_than(parse_period(shorter))


def test_twelve_months_and_a_year_are_equally_long() -> None:
    months, year = Period(12, "month"), Period(1, "year")
    assert not months.is_shorter_than(year)
    assert not year.is_shorter_than(months)
    assert not months.may_be_shorter_than(year)


def test_a_month_and_thirty_days_may_each_be_the_shorter_one() -> None:
    month, thirty_days = Period(1, "month"), Period(30, "day")
    assert month.may_be_shorter_than(thirty_days)
    assert thirty_days.may_be_shorter_than(month)
    assert not Period(31, "day").may_be_shorter_than(month)
