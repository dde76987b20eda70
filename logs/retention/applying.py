"""The nightly run: closes months, publishes the plan, destroys what was published long enough ago.

Every step is its own transaction and finds out itself what is left to do: interrupted anywhere, the
next run goes on. What a destruction says, does and certifies is one transaction, so none is ever
done twice or left untold. The owner's functions judge again; their word is the last one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, ProgrammingError, connection, transaction
from django.utils import timezone
from psycopg import errors

from logs import metrics
from logs.record import own_events
from logs.retention import approvals, closures, facts, runs, wording
from logs.retention.models import (
    DestructionCertificate,
    Means,
    PlannedDestruction,
    PlanState,
    RetentionRun,
)
from logs.retention.plan import Drop, Held, Remove, Rules, SegmentPlan, plan
from orgo_audit.accounts.models import Organization
from orgo_audit.policy import versions

logger = logging.getLogger(__name__)

BATCH_SIZE = 5_000
# A reader that holds a month keeps a drop from its lock, for a tenth of a second a try.
TRIES = 60
LONGEST_PERIODS = 200
PAUSE = timedelta(seconds=0.5)

_BATCH = """
SELECT id FROM event WHERE log_type = %(type)s AND id > %(after)s AND id < %(next)s
  AND organization_id = %(organization)s ORDER BY id LIMIT %(size)s
"""
_HELD_OF = "SELECT DISTINCT id FROM held_event WHERE log_type = %s AND id = ANY (%s)"
_COUNT_HELD = """
SELECT count(DISTINCT id) FROM held_event WHERE log_type = %(type)s AND id >= %(after)s
  AND id < %(next)s AND organization_id = %(organization)s
"""

Key = tuple[str, str | None]  # segment; organization, or none for the whole of it


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What became of one plan that is due: so many rows, or None and what it waits for."""

    segment: str
    organization: str | None
    rows: int | None
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a run would do now: publish these, give up those, destroy the ones that are due.

    Those of `unapproved` are due but for their approvals. Of the months `to_close` nobody knows yet
    what there is to publish.
    """

    plans: list[SegmentPlan]
    rules: Rules
    to_close: list[str]
    to_publish: dict[Key, tuple[SegmentPlan, Drop | Remove]]
    to_give_up: list[PlannedDestruction]
    to_destroy: list[PlannedDestruction]
    unapproved: list[PlannedDestruction]


def _nobody(_: str) -> None: ...


def run_at_night(now: datetime) -> None:
    """A pass, if it is time for one."""
    if runs.is_time(now):
        run(now)
    runs.measure()


def run(now: datetime, tell: Callable[[str], object] = _nobody) -> list[Destroyed]:
    """Everything that is due, in order; what could not be done now is left to the next run.

    `tell` hears of each step as it is done.
    """
    version = versions.in_force()
    this = RetentionRun.objects.create(
        started_at=now, policy_version=version.pk if version is not None else 0
    )
    for name in closures.close_months(now):
        tell(f"closed: {name}")
    intended = intend(now)
    _publish(this, intended, now)
    for key in intended.to_publish:
        tell(f"published: {of(*key)}")
    found = []
    for row in intended.to_destroy:
        found.append(_destroy(row, intended.rules))
        tell(_told(found[-1]))
    this.finished_at = timezone.now()
    this.save(update_fields=["finished_at"])
    for row in intended.unapproved:
        found.append(Destroyed(*_key_of_row(row), None, "approvals"))
        tell(_told(found[-1]))
    return found


def intend(now: datetime) -> Intent:
    """What a run at this instant would do; changes nothing."""
    rules = facts.rules()
    plans = plan(facts.segments(now), rules, now=now)
    wanted = {
        _key_of(one, step): (one, step)
        for one in plans
        for step in one.decisions
        if isinstance(step, Drop | Remove)
    }
    published = _published()
    for segment, slug in published.keys() - wanted.keys():
        # Its rows are all that is left: they go as it was published and, maybe, approved.
        if slug and (found := wanted.get((segment, None))) and _concerned(found[1]) == (slug,):
            wanted[segment, slug] = wanted.pop((segment, None))
    # What was published for another period was a promise of something else.
    current = {
        key: row
        for key, row in published.items()
        if key in wanted and row.period == _period_of(*wanted[key], rules)
    }
    due = {key: row for key, row in current.items() if _is_due(row, *wanted[key], rules, now)}
    unapproved = [
        row
        for key, row in due.items()
        if not approvals.is_approved(row, _concerned(wanted[key][1]), rules)
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
    return {_key_of_row(row): row for row in rows.order_by("due_at", "segment", "pk")}


def _key_of_row(row: PlannedDestruction) -> Key:
    return row.segment, row.organization.slug if row.organization else None


def _concerned(step: Drop | Remove) -> tuple[str, ...]:
    return step.organizations if isinstance(step, Drop) else (step.organization,)


def _period_of(one: SegmentPlan, step: Drop | Remove, rules: Rules) -> str:
    """The periods that make it due, as texts."""
    periods = {str(rules[name, one.segment.log_type].period) for name in _concerned(step)}
    return ", ".join(sorted(periods))[:LONGEST_PERIODS]


def _key_of(one: SegmentPlan, step: Drop | Remove) -> Key:
    return one.segment.name, step.organization if isinstance(step, Remove) else None


def _is_due(
    row: PlannedDestruction, one: SegmentPlan, step: Drop | Remove, rules: Rules, now: datetime
) -> bool:
    """Whether its time and its notice are over."""
    own = [rules[name, one.segment.log_type] for name in _concerned(step)]
    return step.at <= now and all(rule.notice.after(row.published_at) <= now for rule in own)


def _publish(this: RetentionRun, intended: Intent, now: datetime) -> None:
    held = {
        (one.segment.name, step.organization)
        for one in intended.plans
        for step in one.decisions
        if isinstance(step, Held)
    }
    held_segments = {segment for segment, _ in held}
    for row in intended.to_give_up:
        is_held = _key_of_row(row) in held if row.organization else row.segment in held_segments
        state = PlanState.HELD if is_held else PlanState.SUPERSEDED
        waiting = PlannedDestruction.objects.filter(pk=row.pk, state=PlanState.PLANNED)
        waiting.update(state=state, finished_at=now)
    organizations = {tenant.slug: tenant for tenant in Organization.objects.all()}
    PlannedDestruction.objects.bulk_create(
        (
            _planned(this, one, step, intended.rules, organizations)
            for one, step in intended.to_publish.values()
        ),
        ignore_conflicts=True,  # another run has just published it
    )


def _planned(
    this: RetentionRun,
    one: SegmentPlan,
    step: Drop | Remove,
    rules: Rules,
    organizations: dict[str, Organization],
) -> PlannedDestruction:
    return PlannedDestruction(
        run=this,
        segment=one.segment.name,
        organization=organizations[step.organization] if isinstance(step, Remove) else None,
        kind=Means.REMOVE if isinstance(step, Remove) else Means.DROP,
        period=_period_of(one, step, rules),
        policy_version=this.policy_version,
        rows=step.rows if isinstance(step, Remove) else one.segment.rows,
        bytes=0 if isinstance(step, Remove) else one.segment.bytes,
        due_at=step.at,
    )


# --- destroying ---------------------------------------------------------------------------------


def _destroy(row: PlannedDestruction, rules: Rules) -> Destroyed:
    _, slug = _key_of_row(row)
    about = {"segment": row.segment, "kind": row.kind}
    try:
        rows = _drop(row, rules) if row.kind == Means.DROP else _remove(row)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, errors.InsufficientPrivilege):
            raise
        # A hold or another policy came between: the next plan says so.
        logger.warning("the database refused a destruction", extra=about)
        return Destroyed(row.segment, slug, None, "the next plan")
    if rows is None:
        logger.warning("a segment is in use; the next run drops it", extra=about)
        return Destroyed(row.segment, slug, None, "the next run")
    kind = row.segment.partition("-")[0]
    metrics.EVENTS_DESTROYED.labels(log_type=kind).inc(rows)
    return Destroyed(row.segment, slug, rows)


def _drop(row: PlannedDestruction, rules: Rules) -> int | None:
    """The rows that went; None where somebody held the month through all tries."""
    for _ in range(TRIES):
        try:
            return _drop_now(row, rules)
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.LockNotAvailable | errors.DeadlockDetected):
                raise
        time.sleep(PAUSE.total_seconds())
    return None


@transaction.atomic
def _drop_now(row: PlannedDestruction, rules: Rules) -> int:
    if not _is_still_planned(row):
        return 0
    concerned = Organization.objects.filter(pk__in=facts.tenants_of(row.segment)).order_by("pk")
    told = list(concerned) or list(Organization.objects.order_by("pk")[:1])
    kind = row.segment.partition("-")[0]
    announced = [_announce(row, one, str(rules[one.slug, kind].period)) for one in told]
    with connection.cursor() as cursor:
        cursor.execute("SELECT drop_segment(%s, %s)", [row.segment, announced[0]])
        return int(cursor.fetchone()[0])


def _remove(row: PlannedDestruction) -> int:
    _, first, following = facts.range_of(row.segment)
    removed = 0
    after = UUID(int=first.int - 1)
    while (batch := _batch(row, after, following)) and (gone := _remove_batch(row, batch)) >= 0:
        removed += gone
        after = batch[-1]
    _finish(row)
    return removed


def _batch(row: PlannedDestruction, after: UUID, following: UUID) -> list[UUID]:
    with connection.cursor() as cursor:
        parameters = _parameters(row) | {"after": after, "next": following, "size": BATCH_SIZE}
        cursor.execute(_BATCH, parameters)
        return [found[0] for found in cursor.fetchall()]


@transaction.atomic
def _remove_batch(row: PlannedDestruction, batch: list[UUID]) -> int:
    """How many went of a batch: all that no hold covers. Below zero: another run did it all."""
    if not _is_still_planned(row):
        return -1
    with connection.cursor() as cursor:
        cursor.execute(_HELD_OF, [_parameters(row)["type"], batch])
        held = {found[0] for found in cursor.fetchall()}
        if not (free := [identifier for identifier in batch if identifier not in held]):
            return 0
        announcement = _announcement_of(row)
        cursor.execute("SELECT remove_events(%s, 'expired', %s)", [free, announcement])
        return int(cursor.fetchone()[0])


@transaction.atomic
def _finish(row: PlannedDestruction) -> None:
    if not _is_still_planned(row):
        return
    _, first, following = facts.range_of(row.segment)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_HELD, _parameters(row) | {"after": first, "next": following})
        held = int(cursor.fetchone()[0])
    DestructionCertificate.objects.filter(plan=row).update(rows_held=held)
    PlannedDestruction.objects.filter(pk=row.pk).update(
        state=PlanState.DONE, finished_at=timezone.now()
    )


def _parameters(row: PlannedDestruction) -> dict[str, Any]:
    return {"type": row.segment.partition("-")[0], "organization": row.organization_id}


def _is_still_planned(row: PlannedDestruction) -> bool:
    """Whether no other run did it; until this transaction ends, none can."""
    locked = PlannedDestruction.objects.select_for_update()
    return locked.filter(pk=row.pk, state=PlanState.PLANNED).exists()


def _announcement_of(row: PlannedDestruction) -> UUID:
    """One for all batches: the first one's, which its certificate names."""
    known = DestructionCertificate.objects.filter(plan=row)
    found: UUID | None = known.values_list("announcement", flat=True).first()
    if found is not None:
        return found
    assert row.organization is not None  # of a removal there is always one  # noqa: S101
    return _announce(row, row.organization, row.period)


def _announce(row: PlannedDestruction, organization: Organization, period: str) -> UUID:
    """By which period of its own; what others keep is not told."""
    told = {
        "plan": str(row.pk),
        "segment": row.segment,
        "period": period,
        "policy_version": row.policy_version,
    }
    return own_events.announce_destruction(organization, told)


def of(segment: str, organization: str | None) -> str:
    """Whose part of the segment, for people."""
    return f"{segment}, {organization}" if organization else segment


def _told(one: Destroyed) -> str:
    if one.rows is None:
        return f"{of(one.segment, one.organization)}: due, waits for {one.waits_for}"
    return f"{of(one.segment, one.organization)}: {wording.events(one.rows)} destroyed"
