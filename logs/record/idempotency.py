"""A retry gets the first receipt: keys are claimed in the events' transaction, kept 30 days.

A receipt says how much of its batch was sealed. So it is kept encrypted, under a key out of the
sender's own name for the batch, which nobody keeps; and only the day is kept beside it.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection

from logs.record.digests import keyed_digest
from logs.record.receipts import Receipt, Sender
from orgo_audit.errors import Conflict

_NONCE_BYTES = 12
_BLOCK_BYTES = 1024
# An id that is missing is `null`: so much shorter.
_MISSING_ID = b" " * (len('"00000000-0000-0000-0000-000000000000"') - len("null"))


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Keyed digests of a sender's own name for one batch, and of what it sent under it.

    `secret` opens the receipt, and is kept nowhere.
    """

    key: bytes
    body_digest: bytes
    secret: bytes

    @classmethod
    def of(cls, name: str, path: str, body: bytes) -> IdempotencyKey:
        """Digests of both: a sender may name its batch after a case or a person."""
        return cls(
            keyed_digest("idempotency key", name.encode()),
            keyed_digest("request body", path.encode(), body),
            keyed_digest("idempotency receipt", name.encode()),
        )


def claim(sender: Sender, key: IdempotencyKey, receipt: Receipt) -> bool:
    """Whether the key is ours now. Waits for a transaction that is just claiming the same one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs_batch"
            " (organization_id, source, key, body_digest, receipt, recorded_on)"
            " VALUES (%s, %s, %s, %s, %s, (now() AT TIME ZONE 'UTC')::date)"
            " ON CONFLICT DO NOTHING",
            [
                sender.organization.pk,
                sender.source,
                key.key,
                key.body_digest,
                _locked(receipt, key, sender),
            ],
        )
        return bool(cursor.rowcount)


def receipt_of(sender: Sender, key: IdempotencyKey) -> Receipt | None:
    """The receipt that the key has, if any; Conflict if it was given for another body."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT body_digest, receipt FROM logs_batch"
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
    return _unlocked(bytes(row[1]), key, sender)


def _locked(receipt: Receipt, key: IdempotencyKey, sender: Sender) -> bytes:
    """As long as if nothing of it had been sealed, to the KiB."""
    said = msgspec.json.encode(receipt) + _MISSING_ID * receipt.ids.count(None)
    said = said.ljust(-(-len(said) // _BLOCK_BYTES) * _BLOCK_BYTES)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key.secret).encrypt(nonce, said, _owner(sender))


def _unlocked(kept: bytes, key: IdempotencyKey, sender: Sender) -> Receipt:
    nonce, said = kept[:_NONCE_BYTES], kept[_NONCE_BYTES:]
    opened = AESGCM(key.secret).decrypt(nonce, said, _owner(sender))
    return msgspec.json.decode(opened, type=Receipt)


def _owner(sender: Sender) -> bytes:
    return f"{sender.organization.pk}:{sender.source}".encode()
