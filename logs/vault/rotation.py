"""A new key-encryption key at most every 28 days, and the end of the old one.

GDPR Art. 12(3) gives a month: an erasure has reached every older backup once the epoch in which it
happened has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction

from logs.vault import keyring, keys
from logs.vault.models import WrappedKey

LONGEST_EPOCH = timedelta(days=28)
# The vault's process renews by itself a day before.
RENEWED_AFTER = LONGEST_EPOCH - timedelta(days=1)
BATCH = 5_000


def is_due(ring: keyring.Keyring, today: date) -> bool:
    """Whether the current epoch has lasted long enough, or another one was left half done."""
    return len(ring.epochs) > 1 or today - ring.current.since >= RENEWED_AFTER


def ensure_keyring(today: date) -> keyring.Keyring:
    """The keyring, made where nothing was ever encrypted; KeysLost where it is missing else."""
    file = settings.ORGO_VAULT_KEYRING
    if not file.exists() and not WrappedKey.objects.exists():
        keyring.write(file, keyring.make(today))
    return keyring.read(file)


def rotate(today: date, progress: Callable[[int], None] = lambda done: None) -> int:
    """Re-wraps every living key under a new epoch and destroys the old ones; how many keys.

    Killed at any point, the next call goes on: until the last step the old epochs are there.
    """
    file = settings.ORGO_VAULT_KEYRING
    with transaction.atomic():
        keys.take_lock(alone=True)
        ring = keyring.read(file)
        if len(ring.epochs) == 1:
            ring = ring.with_new_epoch(today)
            keyring.write(file, ring)
    done = 0
    while count := _rewrap_some(ring):
        done += count
        progress(done)
    with transaction.atomic():
        keys.take_lock(alone=True)
        if not WrappedKey.objects.exclude(epoch=ring.current.number).exists():
            keyring.write(file, ring.with_newest_only())
    return done


@transaction.atomic
def _rewrap_some(ring: keyring.Keyring) -> int:
    rows = list(WrappedKey.objects.exclude(epoch=ring.current.number).select_for_update()[:BATCH])
    for row in rows:
        key = ring.unwrap(bytes(row.wrapped), row.owner, row.epoch)
        row.epoch, row.wrapped = ring.wrap(key, row.owner)
    WrappedKey.objects.bulk_update(rows, ["epoch", "wrapped"])
    return len(rows)


def waiting(ring: keyring.Keyring) -> int:
    """How many keys the next call of `rotate` has to wrap."""
    half_done = len(ring.epochs) > 1
    rows = (
        WrappedKey.objects.exclude(epoch=ring.current.number) if half_done else WrappedKey.objects
    )
    return rows.count()
