"""Puts a task's events and the policy's deadlines together for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from logs.record import erasures, reading
from logs.record.access import Viewer
from logs.record.models import Event
from logs.record.trace import DEFAULT_STAGES, Happening, StageReport, stage_reports, task_state
from logs.record.vocabulary import Outcome
from logs.record.wire import as_wire, format_instant
from orgo_audit.periods import Period
from orgo_audit.policy import versions

_FAILED = (Outcome.FAILURE, Outcome.DENIED)


@dataclass(frozen=True, slots=True)
class Trace:
    """One task: where it stands, its stages, its events of all types in order."""

    task_id: str
    state: str
    stages: list[StageReport]
    events: list[Event]
    # How many more there were, before somebody's erasure.
    erased: int = 0

    def as_json(self) -> dict[str, Any]:
        """The answer of `GET /api/v1/traces/{task_id}/`; `erased` where something was."""
        told: dict[str, Any] = {
            "task_id": self.task_id,
            "state": self.state,
            "stages": [
                {
                    "stage": report.stage.value,
                    "state": report.state.value,
                    "due": format_instant(report.due) if report.due else None,
                }
                for report in self.stages
            ],
            "events": [as_wire(event, event.organization.slug) for event in self.events],
        }
        return told | {"erased": self.erased} if self.erased else told


def trace_of(viewer: Viewer, task_id: str, *, now: datetime) -> Trace:
    """The trace of a task the viewer may read; NotFound otherwise."""
    events = reading.events_of_task(viewer, task_id)
    happenings = [
        Happening(event.code, event.occurred_at, event.outcome in _FAILED) for event in events
    ]
    reports = stage_reports(happenings, _expected_stages(events), now=now)
    erased = erasures.count(events[0].organization, task_id)
    return Trace(task_id, task_state(happenings), reports, events, erased)


def _expected_stages(events: list[Event]) -> Mapping[str, Period | None]:
    policy = versions.current().for_organization(events[0].organization.slug)
    for event in events:
        workflow = policy.workflows.get(event.workflow or "")
        if workflow and workflow.stages:
            return {str(stage): period for stage, period in workflow.stages.items()}
    return DEFAULT_STAGES
