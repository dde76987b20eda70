"""The nightly run: closes months, publishes the plan, destroys what was published long enough ago.

Every step is its own transaction and finds out itself what is left to do: interrupted anywhere, the
next run goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError
from django.utils import timezone

from logs.retention import closures, destroying, runs
from logs.retention.destroying import Destroyed
from logs.retention.intent import Intent, Wanted, intend
from logs.retention.models import Means, PlannedDestruction, PlanState, RetentionRun
from logs.retention.plan import Held, Remove
from logs.retention.wording import events, part
from orgo_audit.accounts.models import Organization
from orgo_audit.policy import versions


def _nobody(_: str) -> None: ...


def run_at_night(now: datetime) -> None:
    """A pass, if it is time for one."""
    if runs.is_time(now):
        run(now)


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
        tell(f"published: {part(*key)}")
    found, failures = [], []
    for row in intended.to_destroy:
        try:
            found.append(destroying.destroy(row, intended.rules))
        except DatabaseError as error:
            failures.append(error)
            tell(f"{part(row.segment, row.whose)}: failed")
        else:
            tell(_told(found[-1]))
    if failures:  # one plan's failure keeps no other from going
        raise failures[0]
    this.finished_at = timezone.now()
    this.save(update_fields=["finished_at"])
    for row in intended.unapproved:
        found.append(Destroyed(row.segment, row.whose, None, "approvals"))
        tell(_told(found[-1]))
    return found


def _publish(this: RetentionRun, intended: Intent, now: datetime) -> None:
    held = {
        (one.segment.name, step.organization)
        for one in intended.plans
        for step in one.decisions
        if isinstance(step, Held)
    }
    held_segments = {segment for segment, _ in held}
    for row in intended.to_give_up:
        whose = row.whose
        is_held = (row.segment, whose) in held if whose else row.segment in held_segments
        state = PlanState.HELD if is_held else PlanState.SUPERSEDED
        waiting = PlannedDestruction.objects.filter(pk=row.pk, state=PlanState.PLANNED)
        waiting.update(state=state, finished_at=now)
    organizations = {tenant.slug: tenant for tenant in Organization.objects.all()}
    PlannedDestruction.objects.bulk_create(
        (_planned(this, wanted, organizations) for wanted in intended.to_publish.values()),
        ignore_conflicts=True,  # another run has just published it
    )


def _planned(
    this: RetentionRun, wanted: Wanted, organizations: dict[str, Organization]
) -> PlannedDestruction:
    segment, step = wanted.of.segment, wanted.step
    planned = PlannedDestruction(
        run=this,
        segment=segment.name,
        kind=Means.DROP,
        period=wanted.period,
        policy_version=this.policy_version,
        rows=segment.rows,
        bytes=segment.bytes,
        due_at=step.at,
    )
    if isinstance(step, Remove):
        planned.organization = organizations[step.organization]
        planned.kind, planned.rows, planned.bytes = Means.REMOVE, step.rows, 0
    return planned


def _told(one: Destroyed) -> str:
    what = part(one.segment, one.organization)
    if one.rows is None:
        return f"{what}: due, waits for {one.waits_for}"
    return f"{what}: {events(one.rows)} destroyed"
