"""A log's list page in words and links: filters, chips, presets, neighbours. Reads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone

from logs.admin.durations import in_words
from logs.record.export import Form
from logs.record.filters import query_from
from logs.record.models import Event
from logs.record.reading import EventQuery
from logs.record.vocabulary import LogType, Outcome
from logs.record.wire import FILTER_FIELDS, format_instant
from orgo_audit.addresses import cursor_in, single_values
from orgo_audit.errors import BadInput
from orgo_audit.paging import Cursor, Page

PAGE_SIZE = 100
# An event that reaches us later than this after its own time is marked.
LATE_AFTER = timedelta(hours=1)


# The time presets, in the order of the page.
RANGES = {
    "1h": ("last hour", timedelta(hours=1)),
    "24h": ("last 24 hours", timedelta(hours=24)),
    "7d": ("last 7 days", timedelta(days=7)),
    "30d": ("last 30 days", timedelta(days=30)),
    "90d": ("last 90 days", timedelta(days=90)),
    "1y": ("last year", timedelta(days=365)),
}
LABELS = {
    "action": "Action",
    "status": "Status",
    "user": "User",
    "task_id": "Task",
    "email_id": "E-mail",
    "ip_address": "Address",
    "from": "From",
    "to": "To",
    "source": "Source",
    "outcome": "Outcome",
    "reason": "Reason",
    "workflow": "Workflow",
}
COLUMNS = {
    LogType.ACTIVITY: ("action", "task_id", "email_id", "from", "to", "status", "source"),
    LogType.SECURITY: ("action", "outcome", "user", "ip_address", "source"),
    LogType.ERROR: ("action", "email_id", "task_id", "reason", "source"),
}
_ERROR_LABELS = {"action": "Error"}
# Parameters that are no field, in the page's words.
OTHER_LABELS = {
    "since": "Since",
    "until": "Until",
    "since_local": "Since",
    "until_local": "Until",
    "range": "Time",
    "cursor": "Page",
}
_PARAMETERS = frozenset(FILTER_FIELDS) | {"since", "until", "range", "cursor"}
_LOCAL_TIMES = {"since_local": "since", "until_local": "until"}
_NO_TIMES = dict.fromkeys((*_LOCAL_TIMES, *_LOCAL_TIMES.values()))


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go: its words, its address, whether one is there already."""

    label: str
    href: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in the table, and the address of the list filtered by it; `tone` is how it looks."""

    name: str
    label: str
    value: str
    href: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """An event in the table; `lateness` says how long it took to reach us where that was long."""

    event: Event
    cells: list[Cell]
    lateness: str


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the filter form."""

    name: str
    label: str
    value: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListAddress:
    """What a list page's address asks for, and the addresses that lead on from it."""

    given: dict[str, str]
    query: EventQuery
    cursor: Cursor | None

    # The time presets that the page offers.
    ranges: ClassVar[tuple[str, ...]] = tuple(RANGES)

    def href(self, **changes: str | None) -> str:
        """This page's address with some parameters changed, back at its first page."""
        kept = {name: value for name, value in self.given.items() if name != "cursor"}
        merged = {name: value for name, value in (kept | changes).items() if value is not None}
        return f"?{urlencode(merged)}"

    def page_href(self, cursor: Cursor | None) -> str:
        return "" if cursor is None else f"?{urlencode(self.given | {'cursor': cursor.as_text()})}"

    def any_time_href(self) -> str:
        return self.href(range=None, **_NO_TIMES)

    def presets(self) -> list[Link]:
        chosen = self.given.get("range")
        absolute = bool({"since", "until"} & self.given.keys())
        links = [Link("any time", self.any_time_href(), not (chosen or absolute))]
        for name in self.ranges:
            there = self.href(range=name, **_NO_TIMES)
            links.append(Link(RANGES[name][0], there, name == chosen))
        return links

    def chips(self) -> list[Link]:
        """The filters in force; each link takes its filter away."""
        return [
            Link(f"{self.label(name)}: {self._shown(name)}", self.href(**{name: None}))
            for name in self.given
            if name not in ("range", "cursor")
        ]

    def local_times(self) -> dict[str, str]:
        """The absolute range as the form's two inputs show it, in the viewer's zone."""
        typed = {wire: self.given.get(name, "") for name, wire in _LOCAL_TIMES.items()}
        return typed | {
            name: _local(instant).isoformat("T", "seconds")
            for name, instant in (("since", self.query.since), ("until", self.query.until))
            if instant and name in self.given
        }

    def _shown(self, name: str) -> str:
        instant = {"since": self.query.since, "until": self.query.until}.get(name)
        return _local(instant).isoformat(" ", "seconds") if instant else self.given[name]

    def label(self, name: str) -> str:
        """A parameter in the page's words."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ListRequest(ListAddress):
    """What the address of a log's list asks for, and its rows."""

    log_type: LogType

    @classmethod
    def parse(cls, parameters: QueryDict, log_type: LogType, *, now: datetime) -> ListRequest:
        """BadInput, naming the parameter, for whatever is unknown or malformed."""
        given = single_values(parameters, _PARAMETERS)
        query = query_from(as_filters(given, now), [log_type])
        return cls(given, query, cursor_in(given), log_type)

    @classmethod
    def as_typed(cls, parameters: QueryDict, log_type: LogType) -> ListRequest:
        """For the form alone, where the address cannot be used: it asks for nothing."""
        known = typed_values(parameters, _PARAMETERS)
        return cls(known, EventQuery(frozenset()), None, log_type)

    def export_href(self, form: Form) -> str:
        """Where these rows are as a file: the range is that of this page, not of a later click."""
        kept = {
            name: value for name, value in self.given.items() if name not in ("range", "cursor")
        }
        if "range" in self.given and self.query.since:
            kept["since"] = format_instant(self.query.since)
        return f"export/?{urlencode(kept | {'format': form.value})}"

    def fields(self) -> list[Field]:
        return [
            Field(
                name,
                self.label(name),
                self.given.get(name, ""),
                tuple(Outcome) if name == "outcome" else (),
            )
            for name in FILTER_FIELDS
        ]

    def label(self, name: str) -> str:
        return label_of(name, self.log_type)

    def headings(self) -> list[str]:
        return [self.label(name) for name in COLUMNS[self.log_type]]

    def rows(self, page: Page[Event]) -> list[Row]:
        columns = COLUMNS[self.log_type]
        return [
            Row(event, [self.cell(event, name) for name in columns], lateness(event))
            for event in page.rows
        ]

    def cell(self, event: Event, name: str) -> Cell:
        value = getattr(event, FILTER_FIELDS.get(name, name)) or ""
        href = self.href(**{name: value}) if value and name in FILTER_FIELDS else ""
        return Cell(name, self.label(name), value, href, _tone(event, name))


def _tone(event: Event, name: str) -> str:
    """A status carries the sign of the outcome."""
    return f"state {event.outcome}" if name in ("status", "outcome") else ""


def typed_values(parameters: QueryDict, known: frozenset[str]) -> dict[str, str]:
    """What the address says and a form can show again, right or wrong; the last of what repeats."""
    shown = (known | _LOCAL_TIMES.keys()) - {"cursor"}
    typed = {name: str(value) for name, value in parameters.items() if value and name in shown}
    if typed.get("range") not in RANGES:
        typed.pop("range", None)
    return typed


def as_filters(given: dict[str, str], now: datetime) -> dict[str, str]:
    """The address's filters without its page, a preset range as `since`."""
    filters = {name: value for name, value in given.items() if name not in ("range", "cursor")}
    if "range" in given:
        filters["since"] = format_instant(_range_start(given["range"], now))
    return filters


def label_of(name: str, log_type: LogType) -> str:
    """A parameter in the page's words; an unknown one stays as it is."""
    special = _ERROR_LABELS if log_type is LogType.ERROR else {}
    return special.get(name) or LABELS.get(name) or OTHER_LABELS.get(name, name)


def lateness(event: Event) -> str:
    """How long after its own time an event reached us, in words; nothing where that is usual."""
    delay = event.recorded_at - event.occurred_at
    return in_words(delay) if delay > LATE_AFTER else ""


def _range_start(name: str, now: datetime) -> datetime:
    if name not in RANGES:
        raise BadInput(f"expected one of {', '.join(RANGES)}", path="range")
    return now - RANGES[name][1]


def clean_address(parameters: QueryDict) -> str | None:
    """Where a submitted filter form should lead: without empty fields, local times as UTC.

    None where the address is clean already. BadInput for a time that is none.
    """
    if not _LOCAL_TIMES.keys() & parameters.keys() and all(parameters.values()):
        return None
    cleaned: dict[str, str] = {}
    for name, typed in parameters.items():
        if not (value := str(typed).strip()):
            continue
        if name in _LOCAL_TIMES:
            cleaned[_LOCAL_TIMES[name]] = format_instant(_local_instant(name, value))
        else:
            cleaned[name] = value
    if {"since", "until"} & cleaned.keys():
        cleaned.pop("range", None)
    return f"?{urlencode(cleaned)}"


def _local(instant: datetime) -> datetime:
    """The viewer's wall clock; UTC at the ends of the calendar, where a zone may have none."""
    try:
        return timezone.localtime(instant).replace(tzinfo=None)
    except OverflowError:
        return instant.astimezone(UTC).replace(tzinfo=None)


def _local_instant(name: str, value: str) -> datetime:
    try:
        typed = datetime.fromisoformat(value)
        instant = typed if typed.tzinfo else timezone.make_aware(typed)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput("expected a date and a time such as 2026-11-25 10:30", path=name) from None


def rounded(number: int) -> str:
    """An estimate as people say it: two digits that mean something, then zeros."""
    if number < 100:
        return str(number)
    digits = len(str(number)) - 2
    return f"{round(number, -digits):,}"


def count_text(page: Page[Event], estimate: int) -> str:
    """`37 events` where the page holds them all, else `about 12,000 events`."""
    number = len(page.rows)
    if page.next is None and page.previous is None:
        return "1 event" if number == 1 else f"{number} events"
    if estimate <= number:  # statistics that know less than the page
        return f"more than {number} events"
    return f"about {rounded(estimate)} events"
