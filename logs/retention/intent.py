"""What a run would do at an instant: what to publish, give up and destroy. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from logs.retention import approvals, closures, facts, keeping
from logs.retention.models import PlannedDestruction, PlanState
from logs.retention.plan import Destruction, Rules, SegmentPlan, plan

LONGEST_PERIODS = 200

Key = tuple[str, str | None]  # segment; organization, or none for the whole of it


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the plan wants destroyed, by which periods, as texts."""

    of: SegmentPlan
    step: Destruction
    period: str


@dataclass(frozen=True, slots=True)
class Intent:
    """What a run would do now: publish these, give up those, destroy the ones that are due.

    Those of `unapproved` are due but for their approvals. Of the months `to_close` nobody knows yet
    what there is to publish.
    """

    plans: list[SegmentPlan]
    rules: Rules
    to_close: list[str]
    to_publish: dict[Key, Wanted]
    to_give_up: list[PlannedDestruction]
    to_destroy: list[PlannedDestruction]
    unapproved: list[PlannedDestruction]


def intend(now: datetime) -> Intent:
    rules = keeping.rules()
    plans = plan(facts.segments(now), rules, now=now)
    published = _published()
    wanted = _wanted(plans, rules, published)
    # What was published for another period was a promise of something else.
    current = {
        key: row
        for key, row in published.items()
        if key in wanted and row.period == wanted[key].period
    }
    due = {key: row for key, row in current.items() if _is_due(row, wanted[key].step, rules, now)}
    unapproved = [
        row
        for key, row in due.items()
        if not approvals.is_approved(row, wanted[key].step.organizations, rules)
    ]
    return Intent(
        plans=plans,
        rules=rules,
        to_close=closures.to_close(now),
        to_publish={key: found for key, found in wanted.items() if key not in current},
        to_give_up=[row for key, row in published.items() if key not in current],
        to_destroy=[row for row in due.values() if row not in unapproved],
        unapproved=unapproved,
    )


def _published() -> dict[Key, PlannedDestruction]:
    rows = PlannedDestruction.objects.filter(state=PlanState.PLANNED).select_related("organization")
    return {(row.segment, row.whose): row for row in rows.order_by("due_at", "segment", "pk")}


def _wanted(
    plans: list[SegmentPlan], rules: Rules, published: dict[Key, PlannedDestruction]
) -> dict[Key, Wanted]:
    wanted: dict[Key, Wanted] = {
        (one.segment.name, step.whose): Wanted(one, step, _period_of(one, step, rules))
        for one in plans
        for step in one.destructions
    }
    for segment, slug in published.keys() - wanted.keys():
        found = wanted.get((segment, None))
        # Its rows are all that is left: they go as it was published and, maybe, approved.
        if slug and found and found.step.organizations == (slug,):
            wanted[segment, slug] = wanted.pop((segment, None))
    return wanted


def _period_of(one: SegmentPlan, step: Destruction, rules: Rules) -> str:
    """The periods that make it due, as texts."""
    periods = {str(rules[name, one.segment.log_type].period) for name in step.organizations}
    return ", ".join(sorted(periods))[:LONGEST_PERIODS]


def _is_due(row: PlannedDestruction, step: Destruction, rules: Rules, now: datetime) -> bool:
    """Whether its time and its notice are over."""
    own = [rules[name, row.log_type] for name in step.organizations]
    return step.at <= now and all(rule.notice.after(row.published_at) <= now for rule in own)
