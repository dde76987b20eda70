"""Deadlines in business hours: nights, weekends and changed clocks do not run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.alerting.business_time import over_at
from orgo_audit.periods import Period
from orgo_audit.policy.schema import BusinessHours

OFFICE = BusinessHours(opens="09:00", closes="17:00", time_zone="Europe/Berlin")
TWO_HOURS = Period(2, "hour")
MILLENNIUM = datetime(2000, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-24T10:00+01:00", "2026-11-24T12:00+01:00"),
        ("2026-11-24T16:00+01:00", "2026-11-25T10:00+01:00"),  # over night
        ("2026-11-24T06:00+01:00", "2026-11-24T11:00+01:00"),  # before it opens
        ("2026-11-27T16:30+01:00", "2026-11-30T10:30+01:00"),  # over the weekend
        ("2026-11-28T12:00+01:00", "2026-11-30T11:00+01:00"),  # on a Saturday
        ("2026-03-27T16:00+01:00", "2026-03-30T10:00+02:00"),  # over the change of the clocks
        ("2026-11-24T15:00+01:00", "2026-11-24T17:00+01:00"),  # as it closes
    ],
)
def test_two_hours_run_in_business_hours_alone(start: str, end: str) -> None:
    assert over_at(at(start), TWO_HOURS, OFFICE, 1.0) == at(end)


def test_a_share_of_the_time_is_counted_in_business_hours_too() -> None:
    start = at("2026-11-24T16:30+01:00")
    assert over_at(start, TWO_HOURS, OFFICE, 0.5) == at("2026-11-25T09:30+01:00")


def test_days_run_by_the_calendar_and_end_when_business_opens() -> None:
    start = at("2026-11-26T16:00+01:00")
    assert over_at(start, Period(2, "day"), OFFICE, 1.0) == at("2026-11-30T09:00+01:00")


def test_without_business_hours_time_runs_always() -> None:
    start = at("2026-11-28T23:30+01:00")
    assert over_at(start, TWO_HOURS, None, 1.0) == start + timedelta(hours=2)


@given(
    st.integers(0, 40 * 365 * 24 * 60).map(lambda m: MILLENNIUM + timedelta(minutes=m)),
    st.integers(1, 100),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Pacific/Apia", "UTC"]),
)
def test_business_time_is_never_shorter_and_ends_within_it(
    start: datetime, hours: int, zone: str
) -> None:
    office = BusinessHours(opens="09:00", closes="17:00", time_zone=zone)
    period = Period(hours, "hour")
    end = over_at(start, period, office, 1.0)
    assert end >= over_at(start, period, None, 1.0)
    assert over_at(start, period, office, 0.5) <= over_at(start, period, office, 0.8) <= end
