"""When a share of a period is over, counted in business hours where the policy has some."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from orgo_audit.periods import Period
from orgo_audit.policy.schema import BusinessHours

_COUNTED_IN_HOURS = ("minute", "hour")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def over_at(start: datetime, period: Period, hours: BusinessHours | None, share: float) -> datetime:
    """The instant, in UTC, at which this share of a period that began at `start` is over.

    With business hours, minutes and hours run in them alone. Days and longer run by the calendar,
    and end when business next opens.
    """
    length = (period.after(start) - start) * share
    if hours is None:
        return (start + length).astimezone(UTC)
    if period.unit in _COUNTED_IN_HOURS:
        return _spent(start, length, hours)
    return _spent(start + length, timedelta(0), hours)


def _spent(start: datetime, length: timedelta, hours: BusinessHours) -> datetime:
    """The first instant in business hours by which so much of them has run since `start`."""
    zone = ZoneInfo(hours.time_zone)
    day = start.astimezone(zone).date()
    while True:
        opens, closes = _hours_of(day, hours, zone)
        begun = max(start, opens)
        if _is_open_on(day, hours) and begun < closes:
            if length <= closes - begun:
                return (begun + length).astimezone(UTC)
            length -= closes - begun
        day += timedelta(days=1)


def _is_open_on(day: date, hours: BusinessHours) -> bool:
    return _WEEKDAYS[day.weekday()] in hours.days


def _hours_of(day: date, hours: BusinessHours, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """In UTC, where differences are true across a change of the clocks."""
    opens, closes = (
        datetime.combine(day, time.fromisoformat(told), zone).astimezone(UTC)
        for told in (hours.opens, hours.closes)
    )
    return opens, closes
