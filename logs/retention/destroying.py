"""Destroys what was published and is due: a month as a whole, or one organization's rows of it.

What a destruction says, does and certifies is one transaction, so none is ever done twice or left
untold. The owner's functions judge again; their word is the last one.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, ProgrammingError, connection, transaction
from django.utils import timezone
from psycopg import errors

from logs import metrics
from logs.record import own_events
from logs.retention.models import DestructionCertificate, Means, PlannedDestruction, PlanState
from logs.retention.plan import Rules
from logs.retention.segments import range_of, tenants_of
from orgo_audit.accounts.models import Organization

logger = logging.getLogger(__name__)

BATCH_SIZE = 5_000
# A reader that holds a month keeps a drop from its lock, for a tenth of a second a try.
TRIES = 60
PAUSE = timedelta(seconds=0.5)

_BATCH = """
SELECT id FROM event WHERE log_type = %(type)s AND id >= %(first)s AND id < %(next)s
  AND organization_id = %(organization)s ORDER BY id LIMIT %(size)s
"""
_HELD_OF = "SELECT DISTINCT id FROM held_event WHERE log_type = %s AND id = ANY (%s)"
_COUNT_HELD = """
SELECT count(DISTINCT id) FROM held_event WHERE log_type = %(type)s AND id >= %(first)s
  AND id < %(next)s AND organization_id = %(organization)s
"""


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What became of one plan that is due: so many rows, or None and what it waits for."""

    segment: str
    organization: str | None
    rows: int | None
    waits_for: str = ""


def destroy(row: PlannedDestruction, rules: Rules) -> Destroyed:
    """Destroys it, or says what it has to wait for."""
    about = {"segment": row.segment, "kind": row.kind}
    try:
        rows = _drop(row, rules) if row.kind == Means.DROP else _remove(row)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, errors.InsufficientPrivilege):
            raise
        # A hold or another policy came between: the next plan says so.
        logger.warning("the database refused a destruction", extra=about)
        return Destroyed(row.segment, row.whose, None, "the next plan")
    if rows is None:
        logger.warning("a segment is in use; the next run drops it", extra=about)
        return Destroyed(row.segment, row.whose, None, "the next run")
    metrics.EVENTS_DESTROYED.labels(log_type=row.log_type).inc(rows)
    return Destroyed(row.segment, row.whose, rows)


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
    concerned = Organization.objects.filter(pk__in=tenants_of(row.segment)).order_by("pk")
    told = list(concerned) or list(Organization.objects.order_by("pk")[:1])
    announced = [_announce(row, one, str(rules[one.slug, row.log_type].period)) for one in told]
    with connection.cursor() as cursor:
        cursor.execute("SELECT drop_segment(%s, %s)", [row.segment, announced[0]])
        return int(cursor.fetchone()[0])


def _remove(row: PlannedDestruction) -> int:
    removed, first = 0, range_of(row.segment)["first"]
    while (batch := _batch(row, first)) and (gone := _remove_batch(row, batch)) >= 0:
        removed += gone
        first = UUID(int=batch[-1].int + 1)
    _finish(row)
    return removed


def _batch(row: PlannedDestruction, first: UUID) -> list[UUID]:
    """The next ids, from that one on."""
    with connection.cursor() as cursor:
        cursor.execute(_BATCH, _parameters(row) | {"first": first, "size": BATCH_SIZE})
        return [found[0] for found in cursor.fetchall()]


@transaction.atomic
def _remove_batch(row: PlannedDestruction, batch: list[UUID]) -> int:
    """How many went of a batch: all that no hold covers. Below zero: another run did it all."""
    if not _is_still_planned(row):
        return -1
    with connection.cursor() as cursor:
        cursor.execute(_HELD_OF, [row.log_type, batch])
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
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_HELD, _parameters(row))
        held = int(cursor.fetchone()[0])
    DestructionCertificate.objects.filter(plan=row).update(rows_held=held)
    PlannedDestruction.objects.filter(pk=row.pk).update(
        state=PlanState.DONE, finished_at=timezone.now()
    )


def _parameters(row: PlannedDestruction) -> dict[str, Any]:
    return range_of(row.segment) | {"organization": row.organization_id}


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
