"""A task's trace as the page shows it: events in order, gaps in words, missing stages in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from logs.admin.durations import in_words
from logs.record.models import Event
from logs.record.trace import StageReport, StageState
from logs.record.tracing import Trace
from logs.record.vocabulary import STAGE_OF_CODE, Stage

# A shorter pause is not worth a line of its own.
SHORTEST_GAP = timedelta(seconds=1)
_ORDER = {stage: place for place, stage in enumerate(Stage)}
_OPEN_STATES = (StageState.MISSING, StageState.DUE)


@dataclass(frozen=True, slots=True)
class Step:
    """One line: an event, or a stage without one; `report` where a stage happened first."""

    event: Event | None
    report: StageReport | None
    gap: str = ""


@dataclass(frozen=True, slots=True)
class StageLine:
    """A stage in the overview, and by how much it missed its deadline."""

    report: StageReport
    overdue: str


def stage_lines(trace: Trace) -> list[StageLine]:
    return [StageLine(report, _overdue(report)) for report in trace.stages]


def _overdue(report: StageReport) -> str:
    if report.state is StageState.LATE and report.due and report.happened_at:
        return in_words(report.happened_at - report.due)
    return ""


def steps(trace: Trace) -> list[Step]:
    """All lines in order. A missing stage stands before the first event of any later stage."""
    return list(_steps(trace))


def _steps(trace: Trace) -> Iterator[Step]:
    waiting = [report for report in trace.stages if report.state in _OPEN_STATES]
    happened = {report.stage: report for report in trace.stages if report.state not in _OPEN_STATES}
    before: Event | None = None
    for event in trace.events:
        stage = STAGE_OF_CODE.get(event.code)
        while waiting and stage and _ORDER[waiting[0].stage] < _ORDER[stage]:
            yield Step(None, waiting.pop(0))
        yield Step(event, happened.pop(stage, None) if stage else None, _gap(before, event))
        before = event
    yield from (Step(None, report) for report in waiting)


def _gap(before: Event | None, event: Event) -> str:
    if before is None or event.occurred_at - before.occurred_at < SHORTEST_GAP:
        return ""
    return in_words(event.occurred_at - before.occurred_at)


def whole_span(trace: Trace) -> str:
    """From the first event to the last."""
    return in_words(trace.events[-1].occurred_at - trace.events[0].occurred_at)
