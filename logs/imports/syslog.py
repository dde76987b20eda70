"""Reads one line of syslog: RFC 5424, RFC 3164 and rsyslog's file format. Never guesses a year.

The packages for it on PyPI read one of the two RFCs only, had their last release years ago, or take
0.2 ms a line; none knows the zones and missing years of files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from orgo_audit.errors import BadInput

MAX_PRIORITY = 191
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HALF_A_YEAR = timedelta(days=183)
LATE_LINE = timedelta(days=2)

_PRIORITY = r"<(?P<priority>0|[1-9]\d{0,2})>"
_TAG = r"(?P<program>[^\s:\[\]]+)(?:\[(?P<pid>[^\]\s]*)\])?: ?(?P<text>.*)"
_BSD = re.compile(
    rf"(?:{_PRIORITY})?(?P<month>{'|'.join(MONTHS)}) {{1,2}}(?P<day>\d{{1,2}})"
    rf" (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<host>\S+) +{_TAG}",
    re.DOTALL | re.ASCII,
)
_RSYSLOG = re.compile(
    rf"(?:{_PRIORITY})?(?P<when>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{{1,6}})?"
    rf"(?:Z|[+-]\d\d:\d\d)?) (?P<host>\S+) +{_TAG}",
    re.DOTALL | re.ASCII,
)
_PRINTABLE = r"[\x21-\x7e]"
_IETF = re.compile(
    rf"{_PRIORITY}(?P<version>[1-9]\d{{0,2}}) (?P<when>\S+) (?P<host>{_PRINTABLE}{{1,255}})"
    rf" (?P<program>{_PRINTABLE}{{1,48}}) (?P<pid>{_PRINTABLE}{{1,128}})"
    rf" (?P<message_id>{_PRINTABLE}{{1,32}}) (?P<rest>[-\[].*)",
    re.DOTALL | re.ASCII,
)
_IETF_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_NAME = r"[\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32}"
_PARAMETER = re.compile(rf' ({_NAME})="((?:[^"\\\]]|\\.)*)"', re.DOTALL)
_ELEMENT = re.compile(rf'\[({_NAME})((?: {_NAME}="(?:[^"\\\]]|\\.)*")*)\]', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\\]])')
_NIL = "-"

StructuredData = dict[str, dict[str, str | list[str]]]


class Yearless(NamedTuple):
    """A time as RFC 3164 writes it."""

    month: int
    day: int
    hour: int
    minute: int
    second: int

    def in_year(self, year: int) -> datetime | None:
        """That moment, without a zone; None for a 29 February that the year does not have."""
        try:
            return datetime(year, *self)  # noqa: DTZ001  (the zone is the file's, told later)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Message:
    """What one line says. Absent is empty; `when` has a year, a zone, both or neither."""

    when: datetime | Yearless | None
    host: str = ""
    program: str = ""
    pid: str = ""
    text: str = ""
    priority: int | None = None
    version: int | None = None
    message_id: str = ""
    structured_data: StructuredData = field(default_factory=dict)


def parse(raw: bytes) -> Message:
    """The message of one line without its end; BadInput for what is no syslog."""
    if re.match(rb"<\d+>\d{1,3} ", raw):
        return parse_ietf(raw)
    # RFC 3164 names no encoding: a byte that is not UTF-8 stays readable as \xe9.
    text = raw.decode(errors="backslashreplace")
    if "\0" in text:
        raise BadInput("text must not contain NUL", code="nul_character")
    found = _BSD.fullmatch(text) or _RSYSLOG.fullmatch(text)
    if not found:
        raise _malformed("expected a time, a host and a program as RFC 3164 or RFC 5424 write them")
    parts = found.groupdict()
    return Message(
        when=_moment(parts["when"]) if "when" in parts else _yearless(parts),
        host=parts["host"],
        program=parts["program"],
        pid=parts["pid"] or "",
        text=parts["text"],
        priority=_priority(parts["priority"]),
    )


def parse_ietf(raw: bytes) -> Message:
    """The message of one line by RFC 5424, strictly; BadInput for all else."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise _malformed("RFC 5424 wants UTF-8") from None
    found = _IETF.fullmatch(text)
    if not found:
        raise _malformed("it begins like RFC 5424 and does not go on like it")
    if "\0" in text:
        raise BadInput("text must not contain NUL", code="nul_character")
    parts = {name: "" if value == _NIL else value for name, value in found.groupdict().items()}
    data, said = _structured(found["rest"])
    return Message(
        when=_ietf_time(found["when"]),
        host=parts["host"],
        program=parts["program"],
        pid=parts["pid"],
        text=said,
        priority=_priority(found["priority"]),
        version=int(found["version"]),
        message_id=parts["message_id"],
        structured_data=data,
    )


def _malformed(why: str) -> BadInput:
    return BadInput(f"no line of syslog: {why}", code="malformed_syslog")


def _bad_time() -> BadInput:
    return BadInput("no such date or time of day", path="timestamp", code="bad_timestamp")


def _priority(told: str | None) -> int | None:
    if told is None:
        return None
    if int(told) > MAX_PRIORITY:
        raise _malformed(f"a priority is at most {MAX_PRIORITY}")
    return int(told)


def _moment(told: str) -> datetime:
    try:
        return datetime.fromisoformat(told)
    except ValueError:
        raise _bad_time() from None


def _ietf_time(told: str) -> datetime | None:
    if told == _NIL:
        return None
    if not _IETF_TIME.fullmatch(told):
        raise _malformed("its time is not as RFC 5424 writes it")
    return _moment(told)


def _yearless(parts: dict[str, str]) -> Yearless:
    clock = (int(parts[name]) for name in ("day", "hour", "minute", "second"))
    when = Yearless(MONTHS.index(parts["month"]) + 1, *clock)
    if when.in_year(2000) is None:  # a leap year: every date is in it
        raise _bad_time()
    return when


def _structured(rest: str) -> tuple[StructuredData, str]:
    """The structured data at the beginning of `rest`, and the text behind it."""
    data: StructuredData = {}
    place = 1 if rest.startswith(_NIL) else 0
    while place != 1 and (found := _ELEMENT.match(rest, place)):
        _add(data.setdefault(found[1], {}), found[2])
        place = found.end()
    if not place or rest[place : place + 1] not in ("", " "):
        raise _malformed("its structured data is not as RFC 5424 writes it")
    return data, rest[place + 1 :]


def _add(element: dict[str, str | list[str]], parameters: str) -> None:
    for name, escaped in _PARAMETER.findall(parameters):
        value = _ESCAPE.sub(r"\1", escaped)
        before = element.get(name)
        if isinstance(before, list):
            before.append(value)
        else:
            element[name] = value if before is None else [before, value]


class Calendar:
    """Gives the times of one file their year and zone, line after line.

    Without a year each line is in the past twelve months. With one the first line is in that year,
    and a step from December to January enters the next. An hour that a change of the clocks
    repeats is read as its first pass, an hour that it leaves out as if the clocks had not changed.
    """

    def __init__(self, now: datetime, zone: tzinfo = UTC, year: int | None = None) -> None:
        self._zone = zone
        self._soonest = (now + timedelta(minutes=5)).astimezone(zone).replace(tzinfo=None)
        self._year = year
        self._before: datetime | None = None

    def instant(self, when: datetime | Yearless | None) -> datetime:
        """The moment, in UTC; BadInput where there is none. Has to see every line of the file."""
        if when is None:
            raise BadInput("this line has no time", path="timestamp", code="missing_field")
        if isinstance(when, Yearless):
            when = self._recent(when) if self._year is None else self._following(when, self._year)
        try:
            return (when if when.tzinfo else when.replace(tzinfo=self._zone)).astimezone(UTC)
        except OverflowError:
            raise _bad_time() from None

    def _recent(self, when: Yearless) -> datetime:
        for year in (self._soonest.year, self._soonest.year - 1):
            moment = when.in_year(year)
            if moment and moment <= self._soonest:
                return moment
        raise BadInput(
            "no such day in the past twelve months; tell the year with --year",
            path="timestamp",
            code="bad_timestamp",
        )

    def _following(self, when: Yearless, year: int) -> datetime:
        moment = when.in_year(year)
        if self._before is not None:
            moment = self._nearest(when, year, self._before) or moment
        if moment is None:
            raise BadInput(
                "the year has no such day; tell another one with --year",
                path="timestamp",
                code="bad_timestamp",
            )
        self._before, self._year = moment, moment.year
        return moment

    def _nearest(self, when: Yearless, year: int, before: datetime) -> datetime | None:
        same, next_, last = (when.in_year(year + step) for step in (0, 1, -1))
        if last and before - last < LATE_LINE:
            return last
        turned = same is None or before - same > HALF_A_YEAR
        return next_ if next_ and turned and next_ <= self._soonest else same
