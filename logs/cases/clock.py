"""A case's clock: what is due when, its age, its end; it is told the day and never asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal

from orgo_audit.periods import Period
from orgo_audit.policy.schema import CASE_STEPS, CaseStep

DeadlineState = Literal["done", "due", "late", "done_late", "ended"]


@dataclass(frozen=True, slots=True)
class Deadline:
    """A step of a case and the last day on which it is in time."""

    name: CaseStep
    due: date
    done_on: date | None
    state: DeadlineState


def deadlines(
    opened_on: date,
    policy_deadlines: Mapping[CaseStep, Period],
    done: Mapping[str, date],
    closed_on: date | None,
    *,
    today: date,
) -> list[Deadline]:
    """The steps that the policy gives a deadline, in their order.

    Closing a case ends a step that is still in time, and does not make it done.
    """
    start, found = opened_on, []
    for step in CASE_STEPS:
        if step in policy_deadlines:
            due = _after(start, policy_deadlines[step])
            done_on = done.get(step)
            found.append(Deadline(step, due, done_on, _state(due, done_on, closed_on, today)))
            # The next step's time runs from this one; to be late with it wins nothing.
            start = min(due, done.get(step, due))
    return found


def age(opened_on: date, closed_on: date | None, *, today: date) -> int:
    """For how many days the case is, or was, open."""
    return max(0, ((closed_on or today) - opened_on).days)


def destroyed_after(closed_on: date, case_period: Period) -> date:
    """The last day on which a closed case is kept."""
    return _after(closed_on, case_period)


def _state(due: date, done_on: date | None, closed_on: date | None, today: date) -> DeadlineState:
    if done_on is not None:
        return "done_late" if done_on > due else "done"
    if (closed_on or today) > due:
        return "late"
    return "ended" if closed_on else "due"


def _after(day: date, period: Period) -> date:
    """The day on which the period ends; the calendar's last where it would run beyond it."""
    try:
        return period.after(datetime.combine(day, time(), UTC)).date()
    except (OverflowError, ValueError):
        return date.max
