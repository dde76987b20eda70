"""The only writer of events. A batch is stored whole, sealed where it must be, or not at all.

Everything is decided before the transaction opens: ids, receipt, envelopes. So the idempotency key
can be claimed with the final receipt, and a second request with the same key waits for the first
and gets the same answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone
from psycopg import errors

from logs import envelope, metrics
from logs.record import idempotency, partitions, references, sensitivity
from logs.record.drafts import Draft, Item, Refusal
from logs.record.hour_counts import HEALTH_CHECK
from logs.record.idempotency import IdempotencyKey
from logs.record.identifiers import new_ids
from logs.record.models import QuarantinedEvent
from logs.record.receipts import Receipt, Sender
from logs.record.rows import COLUMNS, Row, line_of, row_of
from logs.record.vocabulary import LogType
from logs.record.wire import public_path
from orgo_audit.accounts.models import Organization
from orgo_audit.accounts.tokens import IMPORT, PORTAL
from orgo_audit.errors import Unavailable

MAX_QUARANTINED_CHARACTERS = 64 * 1024
MAX_TRIES = 5
COPY_EVENTS = f"COPY event ({', '.join(COLUMNS)}) FROM STDIN"
_EMAIL_RECEIVED, _TASK_ROUTED = _FLOW = ("email.received", "task.routed")
_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A batch, taken apart: what goes where."""

    receipt: Receipt
    events: list[Row]
    log_types: list[LogType]
    envelope: bytes | None
    refused: list[tuple[Item, Refusal]]
    flow: list[tuple[str, str]]  # what the metrics tell of the workflows: code and outcome
    ordinary: list[Any]  # what was sent of all that is not sealed
    references: frozenset[references.Reference]


class _Overtaken(Exception):
    """Another request made something of this batch sensitive while it was being sorted."""


def store_batch(
    items: Sequence[Item],
    sender: Sender,
    *,
    key: IdempotencyKey | None = None,
    counts: bool = True,
) -> Receipt:
    """Stores a judged batch and returns its receipt; the first receipt again for a known key.

    Conflict if the key was used for another body. Unavailable if something must be sealed and the
    vault's public key is missing: then nothing at all is stored. The metrics tell of all that
    `counts`, but for what is sealed.
    """
    if key is not None and (known := idempotency.receipt_of(sender, key)):
        return known
    for _ in range(MAX_TRIES):
        try:
            batch = _sort(items, sender, timezone.now())
            return _store(batch, sender, key, counts=counts)
        except _Overtaken:
            continue
        except IntegrityError as error:
            if not _lacks_segment(error):
                raise
            # A month that nobody made heals itself, and nothing of the batch is stored yet.
            partitions.make_segments(timezone.now())
    raise Unavailable("too many requests about the same tasks at once; send this one again")


def _lacks_segment(error: IntegrityError) -> bool:
    cause = error.__cause__
    # A row without a partition violates a check that has no name.
    return isinstance(cause, errors.CheckViolation) and not cause.diag.constraint_name


def _store(batch: _Sorted, sender: Sender, key: IdempotencyKey | None, *, counts: bool) -> Receipt:
    with transaction.atomic():
        if key is not None and not idempotency.claim(sender, key, batch.receipt):
            return _first_receipt(sender, key)
        _take_turn(batch, sender)
        _copy_events(batch.events)
        if batch.envelope is not None:
            put_into_inbox(sender.organization, batch.envelope)
        _quarantine(sender, batch)
        references.keep(sender, batch.references)  # last: it looks through all that is stored
        if counts:
            transaction.on_commit(lambda: _count(batch))
    return batch.receipt


def _first_receipt(sender: Sender, key: IdempotencyKey) -> Receipt:
    if known := idempotency.receipt_of(sender, key):
        return known
    raise Unavailable("the first delivery under this key has just been forgotten; send it again")


def _take_turn(batch: _Sorted, sender: Sender) -> None:
    if not batch.references and not sensitivity.speak_of_something(batch.ordinary):
        return
    references.take_turn(sender, alone=bool(batch.references))
    if references.speak_of_sensitive(batch.ordinary, sender):
        raise _Overtaken


def record(drafts: Iterable[Draft], organization: Organization, *, counts: bool = True) -> Receipt:
    """Our own events, already typed. None is sealed: whoever acts could make its record vanish.

    What people typed into them is withheld before, where it has to be (`own_events.py`).
    """
    items = [Item(draft, {}, draft.log_type.value) for draft in drafts]
    return store_batch(items, Sender(organization, PORTAL), counts=counts)


# --- deciding -----------------------------------------------------------------------------------


def _sort(items: Sequence[Item], sender: Sender, now: datetime) -> _Sorted:
    judgement = _judged(items, sender)
    batch_id = str(uuid.uuid4())
    # As texts, once: the receipt and COPY both want them so.
    identifiers = [str(identifier) for identifier in new_ids(now, len(items))]
    recorded_at, organization_id = now.isoformat(), str(sender.organization.pk)
    ids: list[str | None] = [None] * len(items)
    events, log_types, flow, to_seal, refused, ordinary = [], [], [], [], [], []
    rejected: list[dict[str, Any]] = []
    accepted = sealed = 0
    for index, item in enumerate(items):
        verdict, is_sealed = item.verdict, index in judgement.sensitive
        if isinstance(verdict, Refusal):
            rejected.append(_rejection(index, verdict, is_sealed=is_sealed))
        else:
            accepted += 1
        if is_sealed:
            sealed += isinstance(verdict, Draft)
            to_seal.append(_to_seal(item, index))
            continue
        ordinary.append(item.sent)
        if isinstance(verdict, Refusal):
            refused.append((item, verdict))
        else:
            ids[index] = identifiers[index]
            log_types.append(verdict.log_type)
            if verdict.code in _FLOW and _is_counted_as_flow(verdict, sender):
                flow.append((verdict.code, verdict.outcome.value))
            events.append(
                row_of(
                    verdict,
                    identifier=identifiers[index],
                    organization_id=organization_id,
                    recorded_at=recorded_at,
                    source=sender.source,
                )
            )
    receipt = Receipt(accepted, sealed, rejected, ids, batch_id)
    sealed_items = sealed_batch(to_seal, batch_id, sender, now) if to_seal else None
    named = judgement.references
    return _Sorted(receipt, events, log_types, sealed_items, refused, flow, ordinary, named)


def _is_counted_as_flow(draft: Draft, sender: Sender) -> bool:
    """What is imported is history, and a test mail is nobody's."""
    is_test = draft.details.get("source") == HEALTH_CHECK
    return draft.log_type is LogType.ACTIVITY and sender.source != IMPORT and not is_test


def _judged(items: Sequence[Item], sender: Sender) -> sensitivity.Judgement:
    if sender.source == PORTAL:
        return sensitivity.ORDINARY
    return references.judge([item.sent for item in items], sender)


def _rejection(index: int, refusal: Refusal, *, is_sealed: bool) -> dict[str, Any]:
    # Below the keys that we know, the path of something sensitive could be anybody's name.
    path = public_path(refusal.path) if is_sealed else refusal.path
    return {"index": index, "code": refusal.code, "path": path, "detail": refusal.sentence}


def _to_seal(item: Item, index: int) -> dict[str, Any]:
    sent = item.sent.decode(errors="replace") if isinstance(item.sent, bytes) else item.sent
    content: dict[str, Any] = {"index": index, "log_type": item.log_type, "event": sent}
    if isinstance(item.verdict, Refusal):
        content["refused"] = {"code": item.verdict.code, "path": item.verdict.path}
    return content


def sealed_batch(
    items: Sequence[dict[str, Any]], batch_id: str, sender: Sender, recorded_at: datetime
) -> bytes:
    """One envelope for all that one batch had to seal: it does not tell how many."""
    content = {
        "organization": sender.organization.slug,
        "source": sender.source,
        "recorded_at": recorded_at,
        "batch": batch_id,
        "items": items,
    }
    return envelope.seal(
        _json(content),  # in the sent order: labels go by first appearance
        public_key_pem=settings.ORGO_VAULT_PUBLIC_KEY,
        organization=sender.organization.slug,
    )


# --- storing ------------------------------------------------------------------------------------


def _copy_events(rows: Iterable[Row]) -> None:
    # copy() is psycopg's own: without the wrapper its errors would not be Django's.
    wrapper = connection.wrap_database_errors
    with connection.cursor() as cursor, wrapper, cursor.copy(COPY_EVENTS) as copy:
        copy.write("".join(map(line_of, rows)))


def put_into_inbox(organization: Organization, sealed: bytes) -> None:
    """Leaves an envelope for the vault, and tells it once this transaction is committed."""
    with connection.cursor() as cursor:
        # Whoever may only insert gets no key back, which Django would ask for.
        cursor.execute(
            "INSERT INTO logs_sealeditem (organization_id, envelope) VALUES (%s, %s)",
            [organization.pk, sealed],
        )
        cursor.execute(f"NOTIFY {envelope.CHANNEL}")


def _quarantine(sender: Sender, batch: _Sorted) -> None:
    now = timezone.now()
    QuarantinedEvent.objects.bulk_create(
        QuarantinedEvent(
            id=identifier,
            organization=sender.organization,
            source=sender.source,
            log_type=item.log_type,
            recorded_at=now,
            code=refusal.code,
            path=refusal.path[:1000],
            detail=refusal.sentence[:1000],
            sent=text[:MAX_QUARANTINED_CHARACTERS],
            truncated=len(text) > MAX_QUARANTINED_CHARACTERS,
            named=references.digests_of(item.sent, sender),
        )
        for identifier, (item, refusal) in zip(
            new_ids(now, len(batch.refused)), batch.refused, strict=True
        )
        for text in [_json(item.sent).decode()]
    )


def _count(batch: _Sorted) -> None:
    for log_type in LogType:
        if stored := batch.log_types.count(log_type):
            metrics.EVENTS_STORED.labels(log_type=log_type.value).inc(stored)
    for code, outcome in batch.flow:
        if code == _EMAIL_RECEIVED:
            metrics.EMAILS_RECEIVED.inc()
        else:
            metrics.TASKS_ROUTED.labels(outcome=outcome).inc()
    for item, _ in batch.refused:
        metrics.EVENTS_REFUSED.labels(log_type=item.log_type or "unknown").inc()
