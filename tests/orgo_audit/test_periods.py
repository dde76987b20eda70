"""Periods are read strictly and follow the calendar in UTC."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgo_audit.errors import OrgoError
from orgo_audit.periods import (
    LONGEST_YEARS,
    UNITS,
    Period,
    PeriodError,
    Range,
    next_month,
    parse_period,
    start_of_month,
)

PERIODS = st.builds(Period, st.integers(1, LONGEST_YEARS), st.sampled_from(UNITS))
INSTANTS = st.integers(-2_000_000_000, 4_000_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


MICROSECOND = timedelta(microseconds=1)
# Where the calendar is uneven: month ends, leap days, the first and last moment of a day.
UNEVEN = st.builds(
    lambda day, moment: datetime.combine(day, moment, UTC),
    st.builds(
        lambda year, month, back: (
            next_month(datetime(year, month, 1, tzinfo=UTC)) - timedelta(days=back)
        ),
        st.integers(1990, 2090),
        st.integers(1, 12),
        st.sampled_from([1, 0, 2, 3]),
    ),
    st.sampled_from([time.min, time(12), time.max]),
)
EVERY_INSTANT = UNEVEN | st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
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


# --- what is over -------------------------------------------------------------------------------


def is_in(instant: datetime, ranges: tuple[Range, ...]) -> bool:
    return any((start is None or start <= instant) and instant < end for start, end in ranges)


@given(PERIODS, EVERY_INSTANT, EVERY_INSTANT)
def test_what_is_over_is_exactly_what_ended_by_now(
    period: Period, now: datetime, instant: datetime
) -> None:
    assert is_in(instant, period.over(now)) == (period.after(instant) <= now)


@given(st.builds(Period, st.integers(1, 24), st.sampled_from(["month", "year"])), UNEVEN)
def test_it_is_exact_on_every_day_around_the_month_a_period_ago(
    period: Period, now: datetime
) -> None:
    found = period.over(now)
    middle = start_of_month(period.before(now)) + timedelta(days=15)
    for days in range(-18, 19):
        moment = datetime.combine(middle + timedelta(days=days), now.timetz())
        for instant in (moment - MICROSECOND, moment, moment + MICROSECOND):
            assert is_in(instant, found) == (period.after(instant) <= now)


@given(PERIODS, EVERY_INSTANT)
def test_the_ranges_are_few_in_order_and_apart(period: Period, now: datetime) -> None:
    (begin, end), *others = period.over(now)
    assert begin is None
    assert len(others) <= 3
    for start, later_end in others:
        assert start is not None
        assert end < start < later_end
        end = later_end


@given(PERIODS, EVERY_INSTANT, EVERY_INSTANT)
def test_what_was_over_stays_over(period: Period, one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    for start, end in period.over(earlier):
        assert is_in(end - MICROSECOND, period.over(later))
        assert start is None or is_in(start, period.over(later))


NOON = timedelta(hours=12)


def test_at_noon_of_the_last_day_of_february_four_days_of_august_are_over_until_noon() -> None:
    assert Period(6, "month").over(day(2026, 2, 28) + NOON) == (
        (None, day(2025, 8, 28) + NOON + MICROSECOND),
        *((day(2025, 8, n), day(2025, 8, n) + NOON + MICROSECOND) for n in (29, 30, 31)),
    )


def test_in_a_leap_year_the_29th_of_february_has_three_of_them() -> None:
    assert [start for start, _ in Period(6, "month").over(day(2028, 2, 29) + NOON)] == [
        *(None, day(2027, 8, 30), day(2027, 8, 31))
    ]
    assert len(Period(6, "month").over(day(2028, 2, 28) + NOON)) == 1


def test_after_a_short_month_all_of_it_is_over() -> None:
    assert Period(1, "month").over(day(2026, 3, 31)) == ((None, day(2026, 3, 1)),)
    assert Period(1, "month").over(day(2026, 3, 29)) == ((None, day(2026, 3, 1)),)


def test_with_the_last_moment_of_a_month_its_counterpart_is_over_as_a_whole() -> None:
    assert Period(6, "month").over(day(2026, 3, 1) - MICROSECOND) == ((None, day(2025, 9, 1)),)


def test_a_clock_set_back_in_some_zone_changes_nothing() -> None:
    before = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Vienna"))
    for moment in (before, before.replace(fold=1)):
        assert Period(1, "year").over(moment) == (
            (None, moment.astimezone(UTC).replace(year=2025) + MICROSECOND),
        )
