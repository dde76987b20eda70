"""Data keys of people, cases, texts and requests: made, wrapped, fetched, destroyed.

Whoever reads or writes keys holds the keyring's lock, so that no key is wrapped under an epoch
that is being destroyed.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from logs.vault import keyring
from logs.vault.copying import copy_rows
from logs.vault.keyring import Keyring, KeysLost
from logs.vault.models import KeyKind, WrappedKey

_LOCK = 0x6F72676F_6B657973  # any number, as long as nothing else in this database uses it


@dataclass(slots=True)
class Keys:
    """The keys that one transaction uses."""

    ring: Keyring
    _known: dict[UUID, bytes] = field(default_factory=dict)
    _new: list[tuple[UUID, str, int, bytes]] = field(default_factory=list)

    def load(self, owners: Collection[UUID]) -> None:
        """Fetches many keys at once; a missing one is missing only when it is used."""
        missing = [owner for owner in owners if owner not in self._known]
        rows = WrappedKey.objects.filter(owner__in=missing)
        for owner, epoch, wrapped in rows.values_list("owner", "epoch", "wrapped"):
            self._known[owner] = self.ring.unwrap(bytes(wrapped), owner, epoch)

    def make(self, kind: KeyKind, owner: UUID) -> bytes:
        key = keyring.new_key()
        epoch, wrapped = self.ring.wrap(key, owner)
        self._new.append((owner, kind.value, epoch, wrapped))
        self._known[owner] = key
        return key

    def of(self, owner: UUID) -> bytes:
        if owner not in self._known:
            self.load([owner])
        if owner not in self._known:
            raise KeysLost("the key of this was destroyed")
        return self._known[owner]

    def has(self, owner: UUID) -> bool:
        if owner not in self._known:
            self.load([owner])
        return owner in self._known

    def save(self) -> None:
        """Writes the new keys; before the transaction ends, or what they lock is lost."""
        copy_rows(WrappedKey, ("owner", "kind", "epoch", "wrapped"), self._new)
        self._new.clear()

    def encrypt(self, owner: UUID, plain: bytes, purpose: str) -> bytes:
        return keyring.encrypt(self.of(owner), plain, _bound(owner, purpose))

    def decrypt(self, owner: UUID, sealed: bytes, purpose: str) -> bytes:
        return keyring.decrypt(self.of(owner), sealed, _bound(owner, purpose))

    def index(self, organization_id: int, kind: str, value: str) -> bytes:
        """The keyed digest by which something is found again, in one organization only."""
        return digest(
            self.ring.index_key, str(organization_id).encode(), kind.encode(), value.encode()
        )


def _bound(owner: UUID, purpose: str) -> bytes:
    return owner.bytes + purpose.encode()


def digest(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256; the parts cannot run into each other."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(key, message, "sha256")


def destroy(owners: Iterable[UUID]) -> int:
    """Destroys keys; whatever was under them is noise from now on, here. Returns how many."""
    count, _ = WrappedKey.objects.filter(owner__in=list(owners)).delete()
    return count


@contextmanager
def session() -> Iterator[Keys]:
    """One transaction with the keyring of this moment; new keys are saved at its end."""
    with transaction.atomic():
        take_lock(alone=False)
        keys = Keys(keyring.read(settings.ORGO_VAULT_KEYRING))
        yield keys
        keys.save()


def take_lock(*, alone: bool) -> None:
    """Holds the keyring's lock until the transaction ends."""
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_LOCK])
