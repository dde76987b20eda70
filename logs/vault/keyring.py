"""The keys that are in no database: one file. Whoever has neither it nor a copy opens nothing.

Data keys are wrapped by the key-encryption key of an epoch (AES-256-GCM). Once an epoch's key is
gone, whatever an old backup holds under it is noise: that is how a backup forgets.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from orgo_audit.embedded.secrets import write_private
from orgo_audit.errors import Unavailable

KEY_BYTES = 32
_NONCE_BYTES = 12


class KeysLost(Unavailable):
    """What is asked for is under a key that this vault does not have."""

    code = "vault_keys_lost"


class Epoch(msgspec.Struct, frozen=True):
    """One key-encryption key, and since when it wraps new keys."""

    number: int
    since: date
    key: bytes


class _File(msgspec.Struct, frozen=True):
    index_key: bytes
    epochs: tuple[Epoch, ...]


@dataclass(frozen=True, slots=True)
class Keyring:
    """The index key and the epochs' keys, newest last."""

    index_key: bytes
    epochs: tuple[Epoch, ...]

    @property
    def current(self) -> Epoch:
        return self.epochs[-1]

    def wrap(self, key: bytes, owner: UUID) -> tuple[int, bytes]:
        """The epoch's number and the wrapped key, bound to its owner: it cannot be swapped."""
        return self.current.number, encrypt(self.current.key, key, owner.bytes)

    def unwrap(self, wrapped: bytes, owner: UUID, epoch: int) -> bytes:
        for known in self.epochs:
            if known.number == epoch:
                return decrypt(known.key, wrapped, owner.bytes)
        if epoch > self.current.number:
            raise KeysLost(
                f"the database has keys of epoch {epoch}, and the keyring ends with"
                f" {self.current.number}: put back the newest copy of the keyring file"
            )
        raise KeysLost(
            f"the database has keys of epoch {epoch}, and the keyring begins with"
            f" {self.epochs[0].number}: restore the newest copy of the schema `keys`;"
            " what was under an ended epoch is gone"
        )

    def with_new_epoch(self, today: date) -> Keyring:
        newest = Epoch(self.current.number + 1, today, new_key())
        return Keyring(self.index_key, (*self.epochs, newest))

    def with_newest_only(self) -> Keyring:
        return Keyring(self.index_key, self.epochs[-1:])


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def encrypt(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    """AES-256-GCM (NIST SP 800-38D) with a random nonce in front; opens only with `bound_to`."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def decrypt(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """What was encrypted; KeysLost where the key or what it is bound to is another one."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):
        raise KeysLost("a value does not open with its key: keyring and database differ") from None


def make(today: date) -> Keyring:
    return Keyring(new_key(), (Epoch(1, today, new_key()),))


def read(file: Path) -> Keyring:
    """The keyring of that file; KeysLost where it is missing or damaged."""
    try:
        content = msgspec.json.decode(file.read_bytes(), type=_File)
    except OSError as fault:
        why = fault.strerror or "unreadable"
        raise KeysLost(f"the keyring (ORGO_VAULT_KEYRING) cannot be read: {why}") from None
    except msgspec.MsgspecError:
        raise KeysLost("the keyring is damaged; put back its newest copy") from None
    keys = [content.index_key, *(epoch.key for epoch in content.epochs)]
    if len(keys) < 2 or any(len(key) != KEY_BYTES for key in keys):
        raise KeysLost("the keyring is damaged; put back its newest copy")
    return Keyring(content.index_key, content.epochs)


def write(file: Path, keyring: Keyring) -> None:
    """All of it or nothing; 0600 from the first byte."""
    content = _File(keyring.index_key, keyring.epochs)
    write_private(file, msgspec.json.encode(content).decode())
