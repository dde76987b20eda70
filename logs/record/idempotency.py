"""A retry gets the first receipt: keys are claimed in the events' transaction, kept 30 days."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import msgspec
from django.db import connection

from logs.record.digests import keyed_digest
from logs.record.receipts import Receipt, Sender
from orgo_audit.errors import Conflict


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Keyed digests of a sender's own name for one batch, and of what it sent under it."""

    key: bytes
    body_digest: bytes

    @classmethod
    def of(cls, name: str, path: str, body: bytes) -> IdempotencyKey:
        """Digests of both: a sender may name its batch after a case or a person."""
        return cls(
            keyed_digest("idempotency key", name.encode()),
            keyed_digest("request body", path.encode(), body),
        )


def claim(sender: Sender, key: IdempotencyKey, receipt: Receipt) -> bool:
    """Whether the key is ours now. Waits for a transaction that is just claiming the same one."""
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


def receipt_of(sender: Sender, key: IdempotencyKey) -> Receipt | None:
    """The receipt that the key has, if any; Conflict if it was given for another body."""
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
