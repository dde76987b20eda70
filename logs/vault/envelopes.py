"""Opens what was sealed to the vault, and seals answers to a one-time key. Only the vault can."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings

from logs import envelope
from logs.vault.keyring import KeysLost
from orgo_audit.errors import BadInput

# Twice the largest request, padded.
MAX_ENVELOPE_BYTES = 17 * 1024 * 1024
_LENGTH_BYTES = 4


def private_key() -> X25519PrivateKey:
    """The vault's own; KeysLost where it is missing, unusable or not of the public key's pair."""
    key = _loaded(settings.ORGO_VAULT_KEY)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    if public.strip() != settings.ORGO_VAULT_PUBLIC_KEY.strip():
        raise KeysLost(
            "the vault's key does not open what is sealed to ORGO_VAULT_PUBLIC_KEY: the two are not"
            " one pair. Put back the key (ORGO_VAULT_KEY); until then everything waits in the inbox"
        )
    return key


@lru_cache(maxsize=2)
def _loaded(pem: str) -> X25519PrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, X25519PrivateKey):
        raise KeysLost("the vault's private key is missing or no X25519 key (ORGO_VAULT_KEY)")
    return key


def opened(sealed: bytes, organization: str) -> dict[str, Any]:
    """What an envelope holds; BadInput where it is none, or not one of ours."""
    if len(sealed) > MAX_ENVELOPE_BYTES:
        raise BadInput("the envelope is too large", code="bad_envelope")
    key = private_key()
    try:
        padded = envelope.SUITE.decrypt(sealed, key, envelope.INFO + organization.encode())
        length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
        content = msgspec.json.decode(padded[_LENGTH_BYTES : _LENGTH_BYTES + length])
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise BadInput("the envelope does not open", code="bad_envelope") from None
    if not isinstance(content, dict):
        raise BadInput("the envelope holds something else", code="bad_envelope")
    return content


def sealed_to_ourselves(content: dict[str, Any], organization: str) -> bytes:
    """An envelope like the door's, for what has to wait."""
    return envelope.seal(
        msgspec.json.encode(content),
        public_key_pem=settings.ORGO_VAULT_PUBLIC_KEY,
        organization=organization,
    )


def sealed_answer(content: dict[str, Any], public_key: bytes, errand: str) -> bytes:
    """For the one-time key of one errand: nothing else opens it."""
    return envelope.SUITE.encrypt(
        msgspec.json.encode(content),
        X25519PublicKey.from_public_bytes(public_key),
        envelope.ANSWER_INFO + errand.encode(),
    )
