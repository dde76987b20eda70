"""One case's events by day, as HR may know them. Reads nothing, and adds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date

from logs.cases.models import CaseEvent
from orgo_audit.errors import BadInput
from orgo_audit.policy.schema import TimeGrain

PAGE_SIZE = 50
# The largest place that its column holds.
_LAST_PLACE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Happening:
    """An event on its day: its hour where the policy lets HR know it, roles in plain words."""

    event: CaseEvent
    hour: str
    participants: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Day:
    """A day and what happened on it, in order."""

    day: date
    happenings: list[Happening] = field(default_factory=list)


def days_of(events: Iterable[CaseEvent], grain: TimeGrain) -> list[Day]:
    """Days are UTC's, as the vault cut them: in another zone a day would look like two."""
    days: list[Day] = []
    for event in events:
        moment = event.occurred_at.astimezone(UTC)
        if not days or days[-1].day != moment.date():
            days.append(Day(moment.date()))
        hour = f"{moment:%H}:00 UTC" if grain == "hour" else ""
        days[-1].happenings.append(Happening(event, hour, _participants(event)))
    return days


def place_in(text: str) -> int:
    """The place behind which a page begins; BadInput for what is none."""
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= _LAST_PLACE:
        return int(text)
    raise BadInput("expected the place of an event such as 50", path="after")


@dataclass(frozen=True, slots=True)
class Pages:
    """Which events are shown of how many, and the places behind which other pages begin."""

    after: int
    shown: int
    last: int

    @property
    def first(self) -> int:
        return self.after + 1

    @property
    def until(self) -> int:
        return self.after + self.shown

    @property
    def earlier(self) -> str:
        return f"?after={max(0, self.after - PAGE_SIZE)}" if self.after else ""

    @property
    def later(self) -> str:
        return f"?after={self.until}" if self.until < self.last else ""

    @property
    def latest(self) -> str:
        start = max(0, self.last - 1) // PAGE_SIZE * PAGE_SIZE
        return f"?after={start}" if self.later and start > self.until else ""


def _participants(event: CaseEvent) -> list[tuple[str, str]]:
    return [(one["role"].replace("_", " "), one["label"]) for one in event.participants]
