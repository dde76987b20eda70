"""One task's way from e-mail to completion: which stages are done, late, missing or still due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from logs.record.vocabulary import STAGE_OF_CODE, Stage
from orgo_audit.periods import Period

# What a task without a listed workflow is expected to go through; nobody expects an escalation.
DEFAULT_STAGES: Mapping[str, Period | None] = {
    Stage.RECEIVED: None,
    Stage.PARSED: None,
    Stage.CREATED: None,
    Stage.ROUTED: None,
    Stage.COMPLETED: None,
}


class StageState(StrEnum):
    DONE = "done"
    LATE = "late"
    MISSING = "missing"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class StageReport:
    """One stage: its state, when it happened, until when it is expected (None: no limit)."""

    stage: Stage
    state: StageState
    happened_at: datetime | None
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Happening:
    """What the trace needs of an event."""

    code: str
    occurred_at: datetime
    has_failed: bool = False


def first_happenings(events: Iterable[Happening]) -> dict[Stage, datetime]:
    """When each stage happened first; what was tried and failed has not happened."""
    first: dict[Stage, datetime] = {}
    for event in events:
        stage = STAGE_OF_CODE.get(event.code)
        if stage is not None and not event.has_failed:
            first[stage] = min(event.occurred_at, first.get(stage, event.occurred_at))
    return first


def stage_reports(
    events: Sequence[Happening], expected: Mapping[str, Period | None], *, now: datetime
) -> list[StageReport]:
    """The stages in order: those expected, and those that happened without being expected.

    A deadline counts from the task's creation, or from its first event where no creation is known.
    """
    happened = first_happenings(events)
    start = happened.get(Stage.CREATED) or min((event.occurred_at for event in events), default=now)
    last = max((list(Stage).index(stage) for stage in happened), default=-1)
    reports = []
    for order, stage in enumerate(Stage):
        period = expected.get(stage)
        due = period.after(start) if period else None
        awaited = stage in expected and _is_awaited(stage, due, happened.get(Stage.COMPLETED))
        if stage not in happened and not awaited:
            continue
        passed = order < last or (due is not None and now > due)
        reports.append(_report(stage, happened.get(stage), due, passed=passed))
    return reports


def _is_awaited(stage: Stage, due: datetime | None, completed_at: datetime | None) -> bool:
    # A task that was completed in time need not be escalated any more.
    if stage is not Stage.ESCALATED or completed_at is None:
        return True
    return due is not None and completed_at > due


def _report(
    stage: Stage, happened_at: datetime | None, due: datetime | None, *, passed: bool
) -> StageReport:
    if happened_at is None:
        state = StageState.MISSING if passed else StageState.DUE
    else:
        late = due is not None and happened_at > due
        state = StageState.LATE if late else StageState.DONE
    return StageReport(stage, state, happened_at, due)


def task_state(events: Iterable[Happening]) -> str:
    """`completed`, `escalated` or `open`: where the task stands now."""
    happened = first_happenings(events)
    if Stage.COMPLETED in happened:
        return "completed"
    return "escalated" if Stage.ESCALATED in happened else "open"
