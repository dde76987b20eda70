"""The only writer of events. A batch is stored whole, sealed where it must be, or not at all.

Everything is decided before the transaction opens: ids, receipt, envelopes. So the idempotency key
can be claimed with the final receipt, and a second request with the same key waits for the first
and gets the same answer.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from logs import envelope, metrics
from logs.record import partitions, sensitivity
from logs.record.drafts import (
    DRAFT_FIELD_OF_WIRE,
    Draft,
    Item,
    Refusal,
    format_instant,
    public_path,
)
from logs.record.identifiers import new_ids
from logs.record.models import QuarantinedEvent, SealedItem
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import Conflict
from orgo_audit.policy import versions

MAX_QUARANTINED_CHARACTERS = 64 * 1024
_NO_PARTITION = "no partition of relation"
_json = msgspec.json.Encoder(decimal_format="number").encode
_canonical = msgspec.json.Encoder(order="sorted").encode

COPY_EVENTS = """
COPY event (id, log_type, organization_id, recorded_at, occurred_at, source, action, code, outcome,
            status, actor, task_id, email_id, ip_address, route_from, route_to, reason, workflow,
            details) FROM STDIN
"""


class Receipt(msgspec.Struct, frozen=True):
    """What the sender learns: how many were kept, what was refused and why, the ids of events."""

    accepted: int
    sealed: int
    rejected: list[dict[str, Any]]
    ids: list[str | None]
    batch: str

    @property
    def status(self) -> int:
        """The HTTP status that product.md gives to this outcome."""
        if not self.accepted:
            return 400
        if self.rejected:
            return 207
        return 202 if self.sealed else 201

    def as_json(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)  # type: ignore[no-any-return]  # a Struct gives a dict


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose batch it is. `source` is the token's service; never what the event says of itself."""

    organization: Organization
    source: str


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Keyed digests of a sender's own name for one batch, and of what it sent under it."""

    key: str
    body_digest: bytes


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A batch, taken apart: what goes where."""

    receipt: Receipt
    events: list[tuple[Any, ...]]
    log_types: list[LogType]
    envelopes: list[bytes]
    refused: list[tuple[Item, Refusal]]
    references: frozenset[tuple[str, str]]


def store_batch(
    items: Sequence[Item], sender: Sender, *, key: IdempotencyKey | None = None
) -> Receipt:
    """Stores a judged batch and returns its receipt; the first receipt again for a known key.

    Conflict if the key was used for another body. Unavailable if something must be sealed and the
    vault's public key is missing: then nothing at all is stored.
    """
    if key is not None and (known := _receipt_of(sender, key)):
        return known
    batch = _sort(items, sender, timezone.now())
    try:
        return _store(batch, sender, key)
    except IntegrityError as error:
        if _NO_PARTITION not in str(error):
            raise
    # A month that nobody made heals itself: make it and store the batch as if nothing had been.
    partitions.make_segments(timezone.now())
    return _store(batch, sender, key)


def _store(batch: _Sorted, sender: Sender, key: IdempotencyKey | None) -> Receipt:
    with transaction.atomic():
        if key is not None and not _claim(sender, key, batch.receipt):
            return _receipt_of(sender, key) or batch.receipt
        _copy_events(batch.events)
        _put_into_inbox(sender, batch.envelopes)
        _keep_references(sender, batch.references)
        _quarantine(sender, batch)
        transaction.on_commit(lambda: _count(batch))
    return batch.receipt


def record(drafts: Iterable[Draft], sender: Sender) -> Receipt:
    """Our own events: already typed, and judged like everybody else's."""
    return store_batch(
        [Item(draft, _as_sent(draft), draft.log_type.value) for draft in drafts], sender
    )


def _as_sent(draft: Draft) -> dict[str, Any]:
    fields = ((name, getattr(draft, field)) for name, field in DRAFT_FIELD_OF_WIRE.items())
    sent = {name: value for name, value in fields if value is not None}
    return sent | {"timestamp": format_instant(draft.occurred_at)} | draft.details


# --- deciding -----------------------------------------------------------------------------------


def _sort(items: Sequence[Item], sender: Sender, now: datetime) -> _Sorted:
    judgement = _judged([item.sent for item in items], sender)
    batch_id = str(uuid.uuid4())
    # As texts, once: the receipt and COPY both want them so.
    identifiers = [str(identifier) for identifier in new_ids(now, len(items))]
    recorded_at = now.isoformat()
    ids: list[str | None] = [None] * len(items)
    events, log_types, envelopes, refused = [], [], [], []
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
            envelopes.append(_sealed(item, index, batch_id, sender, now))
        elif isinstance(verdict, Refusal):
            refused.append((item, verdict))
        else:
            ids[index] = identifiers[index]
            log_types.append(verdict.log_type)
            events.append(_row(identifiers[index], verdict, sender, recorded_at))
    receipt = Receipt(accepted, sealed, rejected, ids, batch_id)
    return _Sorted(receipt, events, log_types, envelopes, refused, judgement.references)


def _rejection(index: int, refusal: Refusal, *, is_sealed: bool) -> dict[str, Any]:
    # Below the keys that we know, the path of something sensitive could be anybody's name.
    path = public_path(refusal.path) if is_sealed else refusal.path
    return {"index": index, "code": refusal.code, "path": path, "detail": refusal.sentence}


def _row(identifier: str, draft: Draft, sender: Sender, recorded_at: str) -> tuple[Any, ...]:
    return (
        identifier,
        draft.log_type.value,
        sender.organization.pk,
        recorded_at,
        draft.occurred_at,
        sender.source,
        draft.action,
        draft.code,
        draft.outcome.value,
        draft.status,
        draft.actor,
        draft.task_id,
        draft.email_id,
        draft.ip_address,
        draft.route_from,
        draft.route_to,
        draft.reason,
        draft.workflow,
        _json(draft.details).decode(),
    )


def _sealed(item: Item, index: int, batch_id: str, sender: Sender, now: datetime) -> bytes:
    content: dict[str, Any] = {
        "organization": sender.organization.slug,
        "source": sender.source,
        "recorded_at": now,
        "batch": batch_id,
        "index": index,
        "log_type": item.log_type,
        "event": item.sent.decode(errors="replace") if isinstance(item.sent, bytes) else item.sent,
    }
    if isinstance(item.verdict, Refusal):
        content["refused"] = {"code": item.verdict.code, "path": item.verdict.path}
    return envelope.seal(
        _canonical(content),
        public_key_pem=settings.ORGO_VAULT_PUBLIC_KEY,
        organization=sender.organization.slug,
    )


# --- storing ------------------------------------------------------------------------------------


def _copy_events(rows: Iterable[tuple[Any, ...]]) -> None:
    # copy() is psycopg's own: without the wrapper its errors would not be Django's.
    wrapper = connection.wrap_database_errors
    with connection.cursor() as cursor, wrapper, cursor.copy(COPY_EVENTS) as copy:
        for row in rows:
            copy.write_row(row)


def _put_into_inbox(sender: Sender, envelopes: Iterable[bytes]) -> None:
    # No RETURNING and no reading back: the web login may only insert.
    SealedItem.objects.bulk_create(
        SealedItem(organization=sender.organization, envelope=sealed) for sealed in envelopes
    )


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
    for item, _ in batch.refused:
        metrics.EVENTS_REFUSED.labels(log_type=item.log_type or "unknown").inc()


# --- idempotency --------------------------------------------------------------------------------


def keyed_digest(purpose: str, *parts: bytes) -> bytes:
    """A digest that nobody without our secret can try candidates against."""
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (purpose.encode(), *parts))
    return hmac.digest(settings.SECRET_KEY.encode(), message, "sha256")


def _claim(sender: Sender, key: IdempotencyKey, receipt: Receipt) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs_batch"
            " (organization_id, source, key, body_digest, receipt, recorded_at)"
            " VALUES (%s, %s, %s, %s, %s, now()) ON CONFLICT DO NOTHING",
            [
                sender.organization.pk,
                sender.source,
                key.key,
                key.body_digest,
                msgspec.json.encode(receipt).decode(),
            ],
        )
        return bool(cursor.rowcount)


def _receipt_of(sender: Sender, key: IdempotencyKey) -> Receipt | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT body_digest, receipt::text FROM logs_batch"
            " WHERE organization_id = %s AND source = %s AND key = %s",
            [sender.organization.pk, sender.source, key.key],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    if not hmac.compare_digest(bytes(row[0]), key.body_digest):
        raise Conflict(
            "this Idempotency-Key was used for another body; use a new key for a new batch",
            path="Idempotency-Key",
            code="idempotency_key_reused",
        )
    return msgspec.json.decode(row[1], type=Receipt)


# --- what is sensitive already --------------------------------------------------------------------


def _reference_digest(sender: Sender, reference: tuple[str, str]) -> bytes:
    kind, value = reference
    organization = str(sender.organization.pk).encode()
    return keyed_digest("sensitive reference", organization, kind.encode(), value.encode())


def _judged(sent: list[Any], sender: Sender) -> sensitivity.Judgement:
    rules = sensitivity.Rules.of(versions.current().for_organization(sender.organization.slug))
    asks = sensitivity.speak_of_something(sent) and _any_reference(sender)
    known = partial(_known_references, sender) if asks else None
    return sensitivity.judge(sent, rules, known)


def _known_references(sender: Sender, named: set[tuple[str, str]]) -> set[tuple[str, str]]:
    by_digest = {_reference_digest(sender, reference): reference for reference in named}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest FROM logs_sensitivereference"
            " WHERE organization_id = %s AND digest = ANY(%s)",
            [sender.organization.pk, list(by_digest)],
        )
        return {by_digest[bytes(row[0])] for row in cursor.fetchall()}


def _any_reference(sender: Sender) -> bool:
    """Most organizations have none, and then a thousand digests need not be made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM logs_sensitivereference WHERE organization_id = %s)",
            [sender.organization.pk],
        )
        return bool(cursor.fetchone()[0])


def _keep_references(sender: Sender, references: Iterable[tuple[str, str]]) -> None:
    digests = [_reference_digest(sender, reference) for reference in references]
    if not digests:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs_sensitivereference (organization_id, digest)"
            " SELECT %s, unnest(%s) ON CONFLICT DO NOTHING",
            [sender.organization.pk, sorted(digests)],
        )


def is_ordinary(sent: dict[str, Any], sender: Sender) -> bool:
    """Whether this may be written where an admin can read it."""
    return not _judged([sent], sender).sensitive
