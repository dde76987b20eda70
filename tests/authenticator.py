"""A passkey and its browser in software: honest unless a test says otherwise."""

from __future__ import annotations

import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class Flag(IntFlag):
    """Of authenticator data (WebAuthn, section 6.1)."""

    USER_PRESENT = 0x01
    USER_VERIFIED = 0x04
    BACKUP_ELIGIBLE = 0x08
    BACKED_UP = 0x10
    ATTESTED = 0x40


HONEST = Flag.USER_PRESENT | Flag.USER_VERIFIED


def es256() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Authenticator:
    """`count` is the next use's; `counts` False leaves it alone, as a synced passkey does.

    `client_data` is laid over what an honest browser writes, `rp_id` over what the page asks for.
    """

    origin: str = "http://localhost:8000"
    flags: Flag = HONEST
    count: int = 0
    counts: bool = True
    rp_id: str = ""
    client_data: dict[str, Any] = field(default_factory=dict)
    keys: dict[bytes, PrivateKey] = field(default_factory=dict)

    def create(self, options: Mapping[str, Any], key: PrivateKey | None = None) -> dict[str, Any]:
        """What `credentials.create()` gives, as its `toJSON()` writes it."""
        credential_id, key = os.urandom(32), key or es256()
        self.keys[credential_id] = key
        auth_data = self._auth_data(options["rp"]["id"], self.flags | Flag.ATTESTED)
        auth_data += bytes(16) + struct.pack(">H", len(credential_id)) + credential_id
        auth_data += cbor2.dumps(cose(key))
        attestation = {"fmt": "none", "attStmt": {}, "authData": auth_data}
        return self._answer(
            credential_id,
            clientDataJSON=self._client_data("webauthn.create", options),
            attestationObject=cbor2.dumps(attestation),
        )

    def made_before(self) -> tuple[bytes, bytes]:
        """A passkey that it has and has used: its id and its public key."""
        credential_id, key = os.urandom(32), es256()
        self.keys[credential_id] = key
        self.count = 2
        return credential_id, cbor2.dumps(cose(key))

    def get(self, options: Mapping[str, Any], credential_id: bytes | None = None) -> dict[str, Any]:
        """What `credentials.get()` gives, by the first allowed passkey that it has."""
        credential_id = credential_id or self._allowed(options)
        client_data = self._client_data("webauthn.get", options)
        auth_data = self._auth_data(options["rpId"], self.flags)
        signature = sign(self.keys[credential_id], auth_data + sha256(client_data).digest())
        return self._answer(
            credential_id,
            clientDataJSON=client_data,
            authenticatorData=auth_data,
            signature=signature,
        )

    def _allowed(self, options: Mapping[str, Any]) -> bytes:
        allowed = [from_base64url(each["id"]) for each in options["allowCredentials"]]
        return next(each for each in allowed if each in self.keys)

    def _auth_data(self, rp_id: str, flags: Flag) -> bytes:
        digest = sha256((self.rp_id or rp_id).encode()).digest()
        auth_data = digest + struct.pack(">BI", flags, self.count)
        self.count += self.counts
        return auth_data

    def _client_data(self, kind: str, options: Mapping[str, Any]) -> bytes:
        honest = {
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(honest | self.client_data).encode()

    def _answer(self, credential_id: bytes, **parts: bytes) -> dict[str, Any]:
        return {
            "id": base64url(credential_id),
            "rawId": base64url(credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {name: base64url(part) for name, part in parts.items()},
        }


def cose(key: PrivateKey) -> dict[int, Any]:
    """The public half, as CBOR is to hold it (RFC 9053)."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        x, y = (number.to_bytes(key.key_size // 8, "big") for number in (point.x, point.y))
        return {1: 2, 3: -7, -1: 1, -2: x, -3: y}
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {1: 1, 3: -8, -1: 6, -2: key.public_key().public_bytes_raw()}
    numbers = key.public_key().public_numbers()
    n = numbers.n.to_bytes(key.key_size // 8, "big")
    return {1: 3, 3: -257, -1: n, -2: numbers.e.to_bytes(3, "big")}


def sign(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(hashes.SHA256()))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    return key.sign(data, PKCS1v15(), hashes.SHA256())


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")
