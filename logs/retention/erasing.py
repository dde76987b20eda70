"""Erases a person's ordinary events on request: planned, approved by two custodians, then removed.

The vault knows who is meant, and may not read events; the worker may read them, and must not find
the name in a task's argument or a dump. So the vault leaves one row for each request that only the
worker may read: what was typed, encrypted under a key out of `ORGO_SECRET_KEY`, which is in no
database. It says nothing that the typed text did not say: not whether the vault knows the person.
It goes as soon as the worker has its list, or the request ends.

The ids are put down once, and the owner's function lets no others go: whatever is recorded later
stays until somebody asks again. What a hold, a regime's floor or the portal's own accountability
needs stays too, and is counted. Only whole values are compared, without case and the spaces around
them, every text of an event but its action, source and workflow; never a part of a text, nor a key.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import ProgrammingError, connection, transaction
from psycopg import errors

from logs.record import erasures, own_events
from logs.record.digests import keyed_digest
from logs.record.partitions import existing_segments
from logs.retention.models import ErasureListing, ErasurePlan, ErasureSought
from logs.retention.segments import range_of
from orgo_audit.accounts.models import Organization

logger = logging.getLogger(__name__)
BATCH_SIZE = 5_000
_NONCE_BYTES = 12
_FIND = """
WITH sought AS MATERIALIZED (
  SELECT array_agg(lower(btrim(one))) AS texts FROM unnest(%(texts)s::text[]) AS one
)
SELECT event.id FROM event, sought
  WHERE log_type = %(type)s AND id >= %(first)s AND id < %(next)s
    AND organization_id = %(organization)s AND (
      EXISTS (
        SELECT FROM unnest(ARRAY[actor, route_from, route_to, reason, status, task_id, email_id])
          AS told WHERE lower(btrim(told)) = ANY (texts))
      OR EXISTS (
        SELECT FROM jsonb_path_query(details::jsonb, '$.** ? (@.type() == "string")') AS told
          WHERE lower(btrim(told #>> '{}')) = ANY (texts)))
  ORDER BY id
"""
_TASKS = """
SELECT task_id, count(*) FROM event WHERE id = ANY (%s) AND task_id IS NOT NULL GROUP BY task_id
"""
_STAY = {
    "hold": "under a legal hold",
    "duty": "a regime wants them kept",
    "own_record": "the portal's own",
}
_WHY_KEPT = "SELECT id, why FROM kept_from_erasure(%s)"


# --- the vault's side -----------------------------------------------------------------------------


def ask(organization: Organization, request: UUID, texts: Iterable[str]) -> None:
    """Has the events planned in which one of these texts stands."""
    plan = ErasurePlan.objects.create(request=request, organization=organization)
    ErasureSought.objects.create(plan=plan, content=_sealed(request, texts))


def approve(request: UUID, now: datetime) -> None:
    """What was planned may go. A request that asks for no events has no plan."""
    ErasurePlan.objects.filter(pk=request, approved_at=None).update(approved_at=now)


def forget(request: UUID) -> None:
    """Nothing is to go any more, or all is told: nothing stays of the plan."""
    # First: a worker that is just writing its list must have written it.
    ErasurePlan.objects.select_for_update().filter(pk=request).first()
    ErasureSought.objects.filter(plan=request).delete()
    ErasureListing.objects.filter(plan=request).delete()
    ErasurePlan.objects.filter(pk=request).delete()


def done() -> list[ErasurePlan]:
    """The plans whose events are gone."""
    return list(ErasurePlan.objects.exclude(done_at=None).order_by("done_at", "pk"))


# --- for people -----------------------------------------------------------------------------------


def plan_of(request: UUID) -> ErasurePlan | None:
    """The plan of a request that is not over yet."""
    return ErasurePlan.objects.filter(pk=request).first()


def sentence(plan: ErasurePlan) -> str:
    """What it would destroy and what stays, in words."""
    if plan.planned_at is None:
        return "being searched; ask again in a minute"
    parts = [f"{plan.events} to be erased"]
    parts += [f"{plan.kept[why]} stay: {words}" for why, words in _STAY.items() if why in plan.kept]
    return "; ".join(parts)


# --- the worker's side ----------------------------------------------------------------------------


def run(now: datetime) -> None:
    """Plans what was asked for, and removes what was approved. Interrupted, it begins again."""
    for plan in ErasurePlan.objects.filter(planned_at=None).select_related("organization"):
        _plan(plan, now)
    approved = ErasurePlan.objects.filter(done_at=None).exclude(approved_at=None)
    for plan in approved.exclude(planned_at=None).select_related("organization"):
        try:
            _carry_out(plan, now)
        except ProgrammingError as error:
            if not isinstance(error.__cause__, errors.InsufficientPrivilege):
                raise
            # A hold came between: the next run sees it.
            logger.warning("the database refused an erasure", extra={"request": str(plan.pk)})


def _plan(plan: ErasurePlan, now: datetime) -> None:
    try:
        texts = _opened(plan)
    except ErasureSought.DoesNotExist:
        return  # the request has just ended
    except InvalidTag:
        logger.error("an erasure cannot be read: it was asked for under another ORGO_SECRET_KEY")
        return
    free, kept = _judged(_found(plan.organization_id, texts))
    with transaction.atomic():
        waiting = ErasurePlan.objects.select_for_update().filter(pk=plan.pk, planned_at=None)
        if not waiting.exists():
            return
        ErasureListing.objects.bulk_create(
            (ErasureListing(plan_id=plan.pk, event_id=event) for event in free),
            batch_size=BATCH_SIZE,
        )
        ErasureSought.objects.filter(plan=plan.pk).delete()
        waiting.update(planned_at=now, kept=kept)  # how many, the database counts


def _found(organization: int, texts: list[str]) -> Iterator[UUID]:
    """Month by month: each is a statement of its own."""
    for segment in existing_segments():
        where = range_of(segment) | {"organization": organization, "texts": texts}
        with connection.cursor() as cursor:
            cursor.execute(_FIND, where)
            rows = cursor.fetchall()
        yield from (row[0] for row in rows)


def _judged(events: Iterable[UUID]) -> tuple[list[UUID], Counter[str]]:
    """Those that may go, and how many stay, by the reason."""
    free: list[UUID] = []
    kept: Counter[str] = Counter()
    for batch in _batches(list(events)):
        with connection.cursor() as cursor:
            cursor.execute(_WHY_KEPT, [batch])
            reasons: dict[UUID, str] = dict(cursor.fetchall())
        free += [event for event in batch if event not in reasons]
        kept.update(reasons.values())
    return free, kept


@transaction.atomic
def _carry_out(plan: ErasurePlan, now: datetime) -> None:
    """All of it or nothing: said, removed, certified, counted for the traces."""
    locked = ErasurePlan.objects.select_for_update().filter(pk=plan.pk, done_at=None)
    if not locked.exclude(approved_at=None).exists():
        return
    listed = ErasureListing.objects.filter(plan=plan.pk).order_by("event_id")
    free, kept = _judged(listed.values_list("event_id", flat=True))
    erased = _remove(plan, free) if free else 0
    listed.delete()
    locked.update(done_at=now, events=erased, kept=Counter(plan.kept) + kept)


def _remove(plan: ErasurePlan, free: list[UUID]) -> int:
    told = {"erasure": str(plan.pk)}
    announcement = own_events.announce_destruction(plan.organization, told)
    removed = 0
    for batch in _batches(free):
        with connection.cursor() as cursor:
            cursor.execute(_TASKS, [batch])
            tasks: dict[str, int] = dict(cursor.fetchall())
            cursor.execute("SELECT remove_events(%s, 'erased', %s)", [batch, announcement])
            removed += int(cursor.fetchone()[0])
        erasures.note(plan.organization, tasks)
    return removed


def _batches(events: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(events), BATCH_SIZE):
        yield events[start : start + BATCH_SIZE]


# --- what only the worker reads -------------------------------------------------------------------


def _cipher() -> AESGCM:
    return AESGCM(keyed_digest("whose events are to be erased"))


def _sealed(request: UUID, texts: Iterable[str]) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    plain = msgspec.json.encode(sorted(set(texts)))
    return nonce + _cipher().encrypt(nonce, plain, request.bytes)


def _opened(plan: ErasurePlan) -> list[str]:
    content = bytes(ErasureSought.objects.get(plan=plan.pk).content)
    nonce, sealed = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
    plain = _cipher().decrypt(nonce, sealed, plan.pk.bytes)
    return msgspec.json.decode(plain, type=list[str])
