"""Turns "6 months" into a Period and does calendar arithmetic in UTC; never reads a clock."""

from __future__ import annotations

import difflib
import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from orgo_audit.errors import BadInput

Unit = Literal["minute", "hour", "day", "week", "month", "year"]
UNITS: tuple[Unit, ...] = get_args(Unit)
PERIOD_PATTERN = r"^[1-9][0-9]{0,7} (minute|hour|day|week|month|year)s?$"
ACCEPTED = (
    'a whole number and a unit such as "30 minutes", "2 hours", "10 days", "6 months", "1 year"'
)
LONGEST_YEARS = 100

_MONTHS = {"month": 1, "year": 12}
_FIXED = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_LARGEST = {
    "minute": LONGEST_YEARS * 365 * 24 * 60,
    "hour": LONGEST_YEARS * 365 * 24,
    "day": LONGEST_YEARS * 365,
    "week": LONGEST_YEARS * 52,
    "month": LONGEST_YEARS * 12,
    "year": LONGEST_YEARS,
}
# From here on, months and years are as long as they get: 1 month is 31 days, 1 year is 366.
REFERENCE = datetime(2023, 7, 1, tzinfo=UTC)
# The smallest step of our clocks: Python's and PostgreSQL's.
_TICK = timedelta(microseconds=1)
# Every month of the calendar's leap cycle, as far as lengths go.
_MONTH_STARTS = tuple(
    datetime(year, month, 1, tzinfo=UTC) for year in range(2021, 2025) for month in range(1, 13)
)


# From an instant (None: always) up to another one, which is no part of it.
Range = tuple[datetime | None, datetime]


class PeriodError(BadInput, ValueError):
    """The text is not a period; the sentence says what would be accepted."""

    code = "bad_period"


@dataclass(frozen=True, slots=True)
class Period:
    """A span as people say it: months and years by the calendar, the rest of fixed length.

    Equality is of the words ("12 months" is not "1 year"); for length there is `is_shorter_than`.
    """

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise PeriodError(f"unknown unit {self.unit!r}; known: {', '.join(UNITS)}")
        if not 1 <= self.count <= _LARGEST[self.unit]:
            raise PeriodError(
                f"a period is at least 1 and at most {_LARGEST[self.unit]} {self.unit}s"
            )

    def after(self, instant: datetime) -> datetime:
        """The instant, in UTC, when a period that starts at `instant` ends."""
        return self._moved(instant, 1)

    def before(self, now: datetime) -> datetime:
        """The instant, in UTC, one period before `now`.

        31 August less 6 months is the last day of February.
        """
        return self._moved(now, -1)

    def over(self, now: datetime) -> tuple[Range, ...]:
        """Exactly the instants with `after(instant) <= now`, oldest first.

        On a month's last day that may be several ranges. At noon on 28 February, six months are
        over for what was before noon on the 28th, the 29th, the 30th or the 31st of August.
        """
        last = self.before(now)
        if self.unit not in _MONTHS:
            return ((None, last + _TICK),)
        now = _in_utc(now)
        if last.day < now.day or next_month(now) == now + _TICK:
            return ((None, next_month(last)),)
        later = _days_in_month(last) if now.day == _days_in_month(now) else last.day
        moments = [last.replace(day=day) for day in range(last.day + 1, later + 1)]
        return (
            (None, last + _TICK),
            *((_start_of_day(moment), moment + _TICK) for moment in moments),
        )

    def is_shorter_than(self, other: Period) -> bool:
        """Whether this one ends first when both start at REFERENCE: a total order of lengths."""
        return self.after(REFERENCE) < other.after(REFERENCE)

    def may_be_shorter_than(self, other: Period) -> bool:
        """Whether this one ends first from the start of at least one month.

        1 month may be shorter than 30 days, and 30 days may be shorter than 1 month.
        """
        return any(self.after(start) < other.after(start) for start in _MONTH_STARTS)

    def as_text(self) -> str:
        return f"{self.count} {self.unit}" if self.count == 1 else f"{self.count} {self.unit}s"

    def __str__(self) -> str:
        return self.as_text()

    def _moved(self, instant: datetime, sign: int) -> datetime:
        start = _in_utc(instant)
        if self.unit in _MONTHS:
            return _months_later(start, sign * self.count * _MONTHS[self.unit])
        return start + sign * self.count * _FIXED[self.unit]


def parse_period(text: str) -> Period:
    """The period that `text` says. Raises PeriodError for all that is not ACCEPTED."""
    if not re.fullmatch(PERIOD_PATTERN, text):
        raise PeriodError(f"{text[:40]!r} is not a period; accepted: {ACCEPTED}{_hint(text)}")
    count, word = text.split(" ")
    unit = next(unit for unit in UNITS if unit == word.removesuffix("s"))
    return Period(int(count), unit)


def _hint(text: str) -> str:
    """The nearest unit, where only the unit is wrong."""
    found = re.fullmatch("[1-9][0-9]{0,7} ([A-Za-z]{1,20})", text)
    near = (
        difflib.get_close_matches(found[1].lower(), [f"{unit}s" for unit in UNITS], n=1)
        if found
        else []
    )
    return f"; did you mean {near[0]}?" if near else ""


def start_of_month(instant: datetime) -> datetime:
    """Midnight, in UTC, of the first day of the month of `instant`."""
    return _start_of_day(_in_utc(instant)).replace(day=1)


def next_month(instant: datetime) -> datetime:
    """Midnight, in UTC, of the first day of the month after that of `instant`."""
    return _months_later(start_of_month(instant), 1)


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone names no moment")
    return instant.astimezone(UTC)


def _months_later(start: datetime, months: int) -> datetime:
    """The same day and time some months on, or the month's last day where it is too short."""
    years, month_index = divmod(start.year * 12 + start.month - 1 + months, 12)
    first = start.replace(year=years, month=month_index + 1, day=1)
    return first.replace(day=min(start.day, _days_in_month(first)))


def _days_in_month(instant: datetime) -> int:
    return monthrange(instant.year, instant.month)[1]


def _start_of_day(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)
