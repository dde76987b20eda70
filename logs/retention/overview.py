"""The plan as one admin may see it: what concerns the own organizations. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from logs.retention import approvals, facts, keeping, plan
from logs.retention.models import PlannedDestruction, PlanState
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import Period


@dataclass(frozen=True, slots=True)
class Published:
    """One destruction that was published ahead; it happens at the first run after `not_before`."""

    row: PlannedDestruction
    period: str
    not_before: datetime
    approved_by: tuple[str, ...]
    approvals_missing: int

    def can_be_approved_by(self, name: str) -> bool:
        return bool(self.approvals_missing) and name not in self.approved_by


@dataclass(frozen=True, slots=True)
class PlannedSegment:
    """What happens to the part of a segment that is the viewer's, who administers these.

    `rows` and `bytes` are None where nobody counted the viewer's part yet. Of a segment that others
    share, `bytes` is the part that falls to the viewer's rows.
    """

    plan: plan.SegmentPlan
    own: tuple[str, ...]
    rows: int | None
    bytes: int | None
    published: tuple[Published, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, and when the next of it is destroyed."""

    segments: list[PlannedSegment]
    earliest: datetime | None


def overview(organizations: Sequence[Organization], *, now: datetime) -> Overview:
    """The plan of this instant, as far as it concerns these organizations. Changes nothing."""
    own = {organization.slug for organization in organizations}
    rules, segments = keeping.rules(), facts.segments(now)
    concerned = [one for one in segments if own & {share.organization for share in one.shares}]
    plans = plan.plan(concerned, rules, now=now, shown=own)
    published = list(
        PlannedDestruction.objects.filter(state=PlanState.PLANNED)
        .filter(Q(organization__in=organizations) | Q(organization=None))
        .select_related("organization")
        .order_by("due_at", "pk")
    )
    told = _Published(own, rules, published)
    planned = [_planned(one, own, told) for one in plans]
    instants = [instant for one in planned for instant in _instants(one, rules, now)]
    return Overview(planned, min(instants, default=None))


def _instants(one: PlannedSegment, rules: plan.Rules, now: datetime) -> Iterator[datetime]:
    """When its parts go at the earliest: no sooner than they were published long enough ago."""
    published = {found.row.whose: found.not_before for found in one.published}
    for step in one.plan.decisions:
        if isinstance(step, plan.Wait):
            # A month that is due and not closed yet has to be published first.
            asked = [_notice(name, one, rules).after(now) for name in one.own]
            yield max([step.until, *asked])
    for step in one.plan.destructions:
        asked = [_notice(name, one, rules).after(now) for name in step.organizations]
        known = [published[name] for name in _names(step) if name in published]
        yield min(known, default=max([step.at, *asked]))


def _notice(organization: str, one: PlannedSegment, rules: plan.Rules) -> Period:
    return rules[organization, one.plan.segment.log_type].notice


def _names(step: plan.Destruction) -> set[str | None]:
    """For whom it may have been published: a month of one organization also as its rows."""
    return {step.whose, *step.organizations} if len(step.organizations) == 1 else {step.whose}


def _planned(one: plan.SegmentPlan, own: set[str], told: _Published) -> PlannedSegment:
    segment = one.segment
    shares = [share for share in segment.shares if share.organization in own]
    names = tuple(share.organization for share in shares)
    rows: int | None = sum(share.rows for share in shares)
    part: int | None = segment.bytes
    if len(shares) < len(segment.shares):
        known = segment.is_closed
        rows = rows if known else None
        part = segment.bytes * (rows or 0) // segment.rows if known and segment.rows else None
    elif not segment.is_closed:
        rows = segment.rows or None  # a guess at best
    return PlannedSegment(one, names, rows, part, tuple(told.of(one)))


class _Published:
    """What is published, read once, as each segment's part of it."""

    def __init__(self, own: set[str], rules: plan.Rules, rows: list[PlannedDestruction]) -> None:
        self.own, self.rules, self.rows = own, rules, rows
        names = {name for row in rows for name in row.approved_by}
        self.admins = approvals.admins_among(names) if names else {}

    def of(self, one: plan.SegmentPlan) -> Iterator[Published]:
        """What is still wanted; a hold, say, may have come between."""
        wanted = {name for step in one.destructions for name in _names(step)}
        for row in self.rows:
            if row.segment == one.segment.name and row.whose in wanted:
                yield self._told(row, one.segment)

    def _told(self, row: PlannedDestruction, segment: plan.Segment) -> Published:
        everybody = {share.organization for share in segment.shares}
        slugs = {row.whose} if row.whose else everybody
        rules = {slug: self.rules[slug, segment.log_type] for slug in slugs}
        instants = [rule.notice.after(row.published_at) for rule in rules.values()]
        asking = [slug for slug in self.own & slugs if rules[slug].wants_two_people]
        given = {slug: self.admins.get(slug, set()) & set(row.approved_by) for slug in asking}
        missing = max((approvals.NEEDED - len(names) for names in given.values()), default=0)
        names = sorted(set().union(*given.values()))
        periods = {str(rules[slug].period) for slug in self.own & slugs}
        not_before = max([row.due_at, *instants])
        return Published(row, ", ".join(sorted(periods)), not_before, tuple(names), max(missing, 0))
