"""Keys: bound to their owners, wrapped by epochs, and what is lost is told and never made anew."""

from __future__ import annotations

import stat
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from logs.vault import envelopes, keyring, keys, rotation
from logs.vault.keyring import KeysLost
from logs.vault.models import KeyKind, WrappedKey
from tests.builders import Vault
from tests.commands import run
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 26)


def test_a_wrapped_key_opens_for_its_owner_alone() -> None:
    ring, owner = keyring.make(TODAY), uuid4()
    key = keyring.new_key()
    epoch, wrapped = ring.wrap(key, owner)
    assert ring.unwrap(wrapped, owner, epoch) == key
    with pytest.raises(KeysLost):
        ring.unwrap(wrapped, uuid4(), epoch)


def test_a_missing_epoch_tells_whether_keyring_or_database_is_the_older_one() -> None:
    ring, owner = keyring.make(TODAY), uuid4()
    epoch, wrapped = ring.wrap(keyring.new_key(), owner)
    with pytest.raises(KeysLost, match="epoch 2.* put back the newest copy of the keyring file"):
        ring.unwrap(wrapped, owner, 2)
    newer = ring.with_new_epoch(TODAY).with_newest_only()
    with pytest.raises(KeysLost, match="epoch 1.* restore the newest copy of the schema `keys`"):
        newer.unwrap(wrapped, owner, epoch)


def test_the_keyring_file_is_private_and_read_as_it_was_written(vault_at_hand: VaultAtHand) -> None:
    made = keyring.make(TODAY)
    keyring.write(vault_at_hand.keyring, made)
    assert keyring.read(vault_at_hand.keyring) == made
    assert stat.S_IMODE(vault_at_hand.keyring.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", '{"index_key": "AAAA", "epochs": []}'])
def test_a_damaged_keyring_is_told(vault_at_hand: VaultAtHand, content: str) -> None:
    vault_at_hand.keyring.write_text(content)
    with pytest.raises(KeysLost, match="damaged"):
        keyring.read(vault_at_hand.keyring)


def a_key() -> tuple[bytes, bytes]:
    """Something under a new key."""
    with keys.session() as own:
        owner = uuid4()
        own.make(KeyKind.CASE, owner)
        return owner.bytes, own.encrypt(owner, b"secret", "test")


def opened(owner: bytes, sealed: bytes) -> bytes:
    with keys.session() as own:
        row = WrappedKey.objects.get(owner=owner.hex())
        return own.decrypt(row.owner, sealed, "test")


@pytest.mark.usefixtures("vault_at_hand")
def test_a_rotation_keeps_every_value_and_ends_the_old_epoch(vault_at_hand: VaultAtHand) -> None:
    with the_vaults_rights():
        values = [a_key() for _ in range(3)]
        old = keyring.read(vault_at_hand.keyring)
        assert rotation.rotate(TODAY) == 3
        new = keyring.read(vault_at_hand.keyring)
        assert [epoch.number for epoch in new.epochs] == [2]
        assert old.current.key != new.current.key
        assert {opened(*value) for value in values} == {b"secret"}
        row = WrappedKey.objects.first()
        assert row is not None
        with pytest.raises(KeysLost):
            old.unwrap(bytes(row.wrapped), row.owner, 1)


@pytest.mark.usefixtures("vault_at_hand")
def test_a_rotation_that_was_killed_goes_on(
    vault_at_hand: VaultAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    with the_vaults_rights():
        values = [a_key() for _ in range(5)]
        monkeypatch.setattr(rotation, "BATCH", 2)

        def killed(done: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            rotation.rotate(TODAY, killed)
        half = keyring.read(vault_at_hand.keyring)
        assert len(half.epochs) == 2
        assert rotation.is_due(half, TODAY)
        assert {opened(*value) for value in values} == {b"secret"}
        rotation.rotate(TODAY)
        assert len(keyring.read(vault_at_hand.keyring).epochs) == 1
        assert {opened(*value) for value in values} == {b"secret"}


def test_an_epoch_ends_before_28_days() -> None:
    ring = keyring.make(TODAY)
    assert not rotation.is_due(ring, TODAY + timedelta(days=26))
    assert rotation.is_due(ring, TODAY + timedelta(days=27))


def test_a_keyring_is_made_where_nothing_is_encrypted_and_never_instead_of_a_lost_one(
    vault_at_hand: VaultAtHand,
) -> None:
    vault_at_hand.keyring.unlink()
    with the_vaults_rights():
        made = rotation.ensure_keyring(TODAY)
        assert rotation.ensure_keyring(TODAY) == made
        a_key()
        vault_at_hand.keyring.unlink()
        with pytest.raises(KeysLost, match="cannot be read"):
            rotation.ensure_keyring(TODAY)
        assert not vault_at_hand.keyring.exists()


def test_the_command_says_what_it_did(vault_at_hand: VaultAtHand) -> None:
    with the_vaults_rights():
        a_key()
        assert "1 keys are under the new epoch" in run("rotate_keys")
    assert keyring.read(vault_at_hand.keyring).current.since == timezone.now().date()


def test_a_key_of_another_pair_is_refused_before_anything_is_taken(
    vault_at_hand: VaultAtHand, vault: Vault
) -> None:
    with pytest.raises(KeysLost, match="not one pair"):
        envelopes.private_key()
