"""The numbers of the status page by hour or day of the viewer's zone. Draws nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from logs import interface
from logs.interface import Measure
from monitoring.alerting.models import Alert
from monitoring.health_checks.models import QueueSample
from orgo_audit.accounts.models import Organization
from orgo_audit.chart import NARROW, Chart, Point, bar_chart

HOUR = timedelta(hours=1)
DAY, MONTH = "day", "month"
DAYS_OF_MONTH = 30
# The tops of a chart of rates: the lowest that all bars fit under.
TOPS = (5.0, 10.0, 25.0, 50.0, 100.0)


@dataclass(frozen=True, slots=True)
class Spans:
    """The bars of a chart: the last 24 hours, or the last 30 days, of the viewer's zone."""

    starts: list[datetime]
    end: datetime
    is_day: bool

    @classmethod
    def of(cls, span: str, now: datetime) -> Spans:
        local = timezone.localtime(now)
        if span == DAY:
            end = local.replace(minute=0, second=0, microsecond=0) + HOUR
            starts = [end - count * HOUR for count in range(24, 0, -1)]
            return cls(starts, end, is_day=True)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        # By the calendar of the zone: a day may have 23 or 25 hours.
        starts = [midnight - timedelta(days=count) for count in range(DAYS_OF_MONTH - 1, -1, -1)]
        return cls(starts, midnight + timedelta(days=1), is_day=False)

    def place(self, instant: datetime) -> int:
        """The bar in which it lies; -1 before the first."""
        return bisect_right(self.starts, instant) - 1

    def names(self) -> list[str]:
        return [f"{one:%H:%M}" if self.is_day else f"{one:%d %b}" for one in self.starts]

    def is_named(self, place: int) -> bool:
        return place % (6 if self.is_day else 7) == 0


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart, with the same numbers as a table."""

    name: str
    sentence: str
    chart: Chart | None
    rows: list[tuple[str, str]]


def figures(organizations: Sequence[Organization], span: str, now: datetime) -> list[Figure]:
    """All charts of the page."""
    spans = Spans.of(span, now)
    counts = _counts(organizations, spans)
    errors, activity = counts[Measure.ERRORS], counts[Measure.ACTIVITY]
    events = [error + other for error, other in zip(errors, activity, strict=True)]
    routing = _rates(counts[Measure.ROUTED_WELL], counts[Measure.ROUTED])
    return [
        _figure(spans, "E-mails", "received; test mails are left out", counts[Measure.MAILS]),
        _figure(spans, "Routing success", "of those that ended", routing, is_rate=True),
        _figure(spans, "Error rate", "of all events", _rates(errors, events), is_rate=True),
        _figure(spans, "Open alerts", "at the end", _open_alerts(organizations, spans, now)),
        _figure(spans, "Waiting tasks", "of the queue, at most", _queue(spans)),
    ]


def _figure(
    spans: Spans, name: str, what: str, values: Sequence[float | None], *, is_rate: bool = False
) -> Figure:
    texts = ["–" if value is None else _text(value, is_rate=is_rate) for value in values]
    names = spans.names()
    points = [
        Point(names[place], value, texts[place].removesuffix("%"), spans.is_named(place))
        for place, value in enumerate(values)
    ]
    rows = list(zip(names, texts, strict=True))
    told = ", ".join(f"{when} {text}" for when, text in rows if text != "–")
    words = f"{name}, {what}. {told or 'No measurement yet'}."
    chart = bar_chart(name, words, points, width=NARROW, highest=_top(values) if is_rate else None)
    return Figure(name, what, chart, rows[::-1])


def _top(rates: Sequence[float | None]) -> tuple[float, str]:
    highest = max((rate for rate in rates if rate is not None), default=0.0)
    top = next(one for one in TOPS if one >= highest)
    return top, f"{top:.0f}%"


def _text(value: float, *, is_rate: bool) -> str:
    if not is_rate:
        return f"{value:,.0f}"
    return f"{value:.0f}%" if value in (0.0, 100.0) or value >= 10 else f"{value:.1f}%"


def _rates(parts: Sequence[int], wholes: Sequence[int]) -> list[float | None]:
    """In percent; 0 of 0 is a gap."""
    return [
        100 * part / whole if whole else None for part, whole in zip(parts, wholes, strict=True)
    ]


def _counts(organizations: Sequence[Organization], spans: Spans) -> dict[Measure, list[int]]:
    found = interface.hour_counts(organizations, Measure, spans.starts[0])
    summed: Counter[tuple[str, int]] = Counter()
    for (_, measure, hour), number in found.items():
        if hour < spans.end:
            summed[measure, spans.place(hour)] += number
    places = range(len(spans.starts))
    return {measure: [summed[measure, place] for place in places] for measure in Measure}


def _open_alerts(
    organizations: Sequence[Organization], spans: Spans, now: datetime
) -> list[float | None]:
    lasted = Q(resolved_at=None) | Q(resolved_at__gte=spans.starts[0])
    own = Alert.objects.filter(lasted, organization__in=organizations, fired_at__lt=spans.end)
    times = list(own.values_list("fired_at", "resolved_at"))
    fired = sorted(one for one, _ in times)
    over = sorted(one for _, one in times if one)
    ends = [min(end, now) for end in (*spans.starts[1:], spans.end)]
    return [float(bisect_right(fired, end) - bisect_right(over, end)) for end in ends]


def _queue(spans: Spans) -> list[float | None]:
    most: list[float | None] = [None] * len(spans.starts)
    samples = QueueSample.objects.filter(measured_at__gte=spans.starts[0])
    for measured_at, waiting in samples.values_list("measured_at", "waiting"):
        place = spans.place(measured_at)
        most[place] = max(float(waiting), most[place] or 0.0)
    return most
