"""The vault in the test's own process and transaction, with the vault's rights and no others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from logs.cases.models import Errand
from logs.vault import answering, erasure, inbox, keyring
from tests.database import VAULT_ROLE


@contextmanager
def the_vaults_rights() -> Iterator[None]:
    """What follows sees the database as the vault does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user = 'orgo_web', current_setting('role')")
        is_web, before = cursor.fetchone()
        if is_web:
            cursor.execute(f"SET ROLE {VAULT_ROLE}")
        try:
            yield
        finally:
            if is_web and not connection.needs_rollback:
                cursor.execute("SELECT set_config('role', %s, false)", [before])


def a_key_pair() -> tuple[str, str]:
    """A vault's private and public key, as its settings want them."""
    key = X25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


class VaultAtHand:
    """Keys in a folder of the test's own; drains and answers when it is told to."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        settings.ORGO_VAULT_KEY, settings.ORGO_VAULT_PUBLIC_KEY = a_key_pair()
        settings.ORGO_VAULT_KEYRING = self.keyring = folder / "vault_keyring.json"
        keyring.write(self.keyring, keyring.make(timezone.now().date()))
        self.is_away = False

    def drain(self) -> int:
        """Takes everything out of the inbox; how many envelopes there were."""
        count = 0
        with the_vaults_rights():
            while taken := inbox.drain():
                count += taken
        return count

    def answer(self, errand: Errand) -> None:
        """Answers it, unless the test has sent the vault away."""
        if not self.is_away:
            with the_vaults_rights():
                answering.answer(errand)
                erasure.carry_out_granted()
