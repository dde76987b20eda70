"""Makes the vault's key pair, once; must never hand the private half to another process."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from orgo_audit.embedded import paths
from orgo_audit.embedded.secrets import keep_secret
from orgo_audit.errors import Unavailable

PRIVATE_KEY = "vault_key.pem"
PUBLIC_KEY = "vault_public_key.pem"


def keep_vault_keys(home: Path) -> None:
    """Both halves under `secrets/`: what is sealed to the public one, only the vault can open."""
    if paths.read_secret(home, PUBLIC_KEY) and not paths.read_secret(home, PRIVATE_KEY):
        folder = paths.secrets_folder(home)
        raise Unavailable(
            f"The vault's key {folder / PRIVATE_KEY} is missing: put its copy back. Without it,"
            " what waits in the vault's inbox can never be opened. If it is lost for good, move"
            f" {PUBLIC_KEY} away, and the next start makes a new pair."
        )
    private = keep_secret(home, PRIVATE_KEY, _new_private_key)
    keep_secret(home, PUBLIC_KEY, lambda: _public_half(private))


def _new_private_key() -> str:
    key = X25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_half(private: str) -> str:
    key = load_pem_private_key(private.encode(), password=None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
