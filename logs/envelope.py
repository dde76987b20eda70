"""Seals bytes to the vault's public key (HPKE, RFC 9180); cannot open them again.

Padded to a power of two of KiB, so that the length does not tell one report from another.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from orgo_audit.errors import Unavailable

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
INFO = b"orgo/inbox/v1|"
CHANNEL = "orgo_vault"  # where the vault hears that something waits
ANSWER_INFO = b"orgo/answer/v1|"
_KIB = 1024
_LENGTH_BYTES = 4


def seal(plain: bytes, *, public_key_pem: str, organization: str) -> bytes:
    """The envelope of `plain`; Unavailable where the vault's public key is missing or unusable."""
    return SUITE.encrypt(_padded(plain), _public_key(public_key_pem), INFO + organization.encode())


def _padded(plain: bytes) -> bytes:
    needed = _LENGTH_BYTES + len(plain)
    size = _KIB * (1 << max(0, (-(-needed // _KIB) - 1).bit_length()))
    return (len(plain).to_bytes(_LENGTH_BYTES, "big") + plain).ljust(size, b"\0")


@lru_cache(maxsize=2)
def _public_key(pem: str) -> X25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        key = None
    if not isinstance(key, X25519PublicKey):
        raise Unavailable(
            "sensitive events need the vault's public key (ORGO_VAULT_PUBLIC_KEY, X25519 in PEM)",
            code="vault_key_missing",
        )
    return key
