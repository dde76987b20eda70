"""Moves to the vault what has become sensitive since it was stored as ordinary. Tells nobody which.

One transaction a batch: sealed, announced, removed. Killed anywhere it begins again, and without
the vault's key everything waits where it is. It runs by the clock alone: a worker that was called
as a report arrives would tell its minute to whoever sees the broker.
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction

from logs.record import ingest, own_events
from logs.record.models import Event, QuarantinedEvent, Reclassification, TaskClock
from logs.record.receipts import Sender
from logs.record.vocabulary import LogType
from logs.record.wire import ANSWER_FIELDS, action_key, format_instant
from orgo_audit.accounts.models import Organization
from orgo_audit.accounts.tokens import PORTAL
from orgo_audit.errors import Unavailable

logger = logging.getLogger(__name__)

# At most 64 KiB each, some times over in memory.
BATCH_SIZE = 500
_LOCK_CLASS = 0x7265636C  # any number, as long as nothing else in this database uses it
_TAKE_ITEMS = (
    "DELETE FROM logs_quarantinedevent WHERE organization_id = %s AND id = ANY (%s) RETURNING *"
)
_Delivery = tuple[datetime, str]  # what one batch shares: when it was recorded, its source


def run() -> None:
    """Moves all that waits; what another run is just moving is left to it."""
    waiting = Reclassification.objects.order_by().values("organization").distinct()
    try:
        for organization in Organization.objects.filter(pk__in=waiting).order_by("pk"):
            while _move_batch(organization):
                continue
    except Unavailable as problem:
        logger.warning("what became sensitive waits to be sealed", extra={"code": problem.code})


@transaction.atomic
def _move_batch(organization: Organization) -> bool:
    """Whether there was something to move."""
    if not _is_our_turn(organization):
        return False
    pending = list(Reclassification.objects.filter(organization=organization)[:BATCH_SIZE])
    events = list(
        Event.objects.filter(
            organization=organization, pk__in=_subjects(pending, Reclassification.Kind.EVENT)
        )
        .exclude(source=PORTAL)  # by whoever put it down: what the portal says of itself stays
        .order_by("pk")
    )
    items = _take_items(organization, _subjects(pending, Reclassification.Kind.ITEM))
    if events or items:
        _seal(organization, events, items)
        lists = {event.log_type for event in events} | {"quarantine" for _ in items}
        announcement = own_events.announce_reclassification(organization, lists)
        _remove([event.pk for event in events], announcement)
        tasks = {event.task_id for event in events if event.task_id}
        TaskClock.objects.filter(organization=organization, task_id__in=tasks).delete()
    Reclassification.objects.filter(pk__in=[row.pk for row in pending]).delete()
    return bool(pending)


def _is_our_turn(organization: Organization) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, organization.pk])
        return bool(cursor.fetchone()[0])


def _subjects(pending: Iterable[Reclassification], kind: Reclassification.Kind) -> list[uuid.UUID]:
    return [row.subject_id for row in pending if row.kind == kind]


def _take_items(organization: Organization, ids: list[uuid.UUID]) -> list[QuarantinedEvent]:
    """Taken out as they are read: somebody may be settling one of them."""
    return list(QuarantinedEvent.objects.raw(_TAKE_ITEMS, [organization.pk, ids]))


def _seal(
    organization: Organization, events: Iterable[Event], items: Iterable[QuarantinedEvent]
) -> None:
    """One envelope a delivery, the oldest first."""
    deliveries: defaultdict[_Delivery, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        deliveries[event.recorded_at, event.source].append(_content_of_event(event))
    for item in items:
        deliveries[item.recorded_at, item.source].append(_content_of_item(item))
    for (recorded_at, source), contents in sorted(deliveries.items(), key=lambda pair: pair[0]):
        sealed = ingest.sealed_batch(
            [{"index": index} | content for index, content in enumerate(contents)],
            str(uuid.uuid4()),
            Sender(organization, source),
            recorded_at,
        )
        ingest.put_into_inbox(organization, sealed)


def _content_of_event(event: Event) -> dict[str, Any]:
    return {"log_type": event.log_type, "event": as_sent(event), "reclassified": True}


def _content_of_item(item: QuarantinedEvent) -> dict[str, Any]:
    return {
        "log_type": item.log_type,
        "event": item.sent if item.truncated else msgspec.json.decode(item.sent),
        "refused": {"code": item.code, "path": item.path},
        "reclassified": True,
    }


def as_sent(event: Event) -> dict[str, Any]:
    """An event that gives the same row again: as it was sent, as far as the row tells.

    Keys of its own stand beside ours again, in `details` only those that have a name of ours.
    """
    action = action_key(LogType(event.log_type))
    values = ((name, getattr(event, field)) for name, field in ANSWER_FIELDS.items())
    ours = {"timestamp": format_instant(event.occurred_at), action: event.action}
    ours |= {name: value for name, value in values if value is not None}
    details: dict[str, Any] = event.details
    if "details" in details:
        return details | ours
    taken = {"timestamp", action, "log_type", *ANSWER_FIELDS}
    own = {name: value for name, value in details.items() if name not in taken}
    if inner := {name: value for name, value in details.items() if name in taken}:
        own["details"] = inner
    return own | ours


def _remove(ids: list[uuid.UUID], announcement: uuid.UUID) -> None:
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT remove_events(%s, 'reclassified', %s::uuid)", [ids, announcement])
