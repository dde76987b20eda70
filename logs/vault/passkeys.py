"""Custodians' passkeys (WebAuthn): judges what a browser sent. Stores nothing, trusts nothing sent.

The library verifies the signature and most of what is signed; what it leaves out is done here.
Every refusal is a BadInput in our own words, whatever was sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn import (
    base64url_to_bytes,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    bytes_to_base64url,
    encode_cbor,
    parse_authenticator_data,
    parse_cbor,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import CredentialDeviceType

from orgo_audit import strict_json
from orgo_audit.errors import BadInput, Unavailable

MAX_RESPONSE_BYTES = 16 * 1024
MAX_CREDENTIAL_ID_BYTES = 1023  # the standard's own limit
RSA_BITS = range(2048, 4096 + 1)
TIMEOUT_MILLISECONDS = 5 * 60 * 1000
RELYING_PARTY_NAME = "Orgo Audit"
ALGORITHMS = (-7, -8, -257)  # ES256, EdDSA, RS256

_PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
_Base64Url = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]+\Z")]
_DEFAULT_PORT = {"http": 80, "https": 443}
# What browsers read as an IPv4 address ends so, `127.1` and `0x7f000001` included.
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?\Z")
_HOST_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Passkey:
    """A custodian's key as it was enrolled. `public_key` is in COSE form."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    rp_id: str
    origins: tuple[str, ...]
    backup_eligible: bool


class _AssertionData(msgspec.Struct):
    client_data_json: _Base64Url = msgspec.field(name="clientDataJSON")
    authenticator_data: _Base64Url = msgspec.field(name="authenticatorData")
    signature: _Base64Url


class _Assertion(msgspec.Struct, rename="camel"):
    id: _Base64Url
    raw_id: _Base64Url
    type: Literal["public-key"]
    response: _AssertionData


class _RegistrationData(msgspec.Struct):
    client_data_json: _Base64Url = msgspec.field(name="clientDataJSON")
    attestation_object: _Base64Url = msgspec.field(name="attestationObject")


class _Registration(msgspec.Struct, rename="camel"):
    id: _Base64Url
    raw_id: _Base64Url
    type: Literal["public-key"]
    response: _RegistrationData


class _ClientData(msgspec.Struct, rename="camel"):
    type: str
    challenge: str
    origin: str
    cross_origin: bool = False
    top_origin: object = msgspec.UNSET


_Sent = TypeVar("_Sent", _Assertion, _Registration)


@contextmanager
def _refused_as(code: str, sentence: str) -> Iterator[None]:
    """The library's errors, and ours of every kind, under one code."""
    try:
        yield
    except WebAuthnException:
        raise BadInput(sentence, code=code) from None
    except BadInput as refusal:
        raise BadInput(refusal.sentence, code=code) from None


# --- enrolling ----------------------------------------------------------------------------------


@_refused_as(
    "bad_registration",
    "this is not a new passkey for this challenge, made on this portal's address by a device"
    " that verified its user",
)
def registered(
    response: object, *, challenge: bytes, rp_id: str, origins: Sequence[str]
) -> Passkey:
    """The new passkey; BadInput (`bad_registration`) for anything else.

    It proves nothing yet: anybody can make up a registration. The key has to sign next.
    """
    sent = _read(response, _Registration)
    _refuse_foreign_frame(sent.response.client_data_json)
    sent.response.attestation_object = _without_attestation(sent.response.attestation_object)
    verified = verify_registration_response(
        credential=msgspec.to_builtins(sent),
        expected_challenge=challenge,
        expected_rp_id=rp_id,
        expected_origin=list(origins),
        require_user_verification=True,
    )
    if sent.id != bytes_to_base64url(verified.credential_id):
        raise BadInput("the passkey's id is not the one that its device gave it")
    return Passkey(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        rp_id=rp_id,
        origins=tuple(origins),
        backup_eligible=_is_backup_eligible(verified.credential_device_type),
    )


def _without_attestation(sent: str) -> str:
    """The same object without its device's statement about itself.

    We ask for none, and its many formats are a wide door for hostile certificates.
    """
    attestation = parse_cbor(_decoded(sent))
    auth_data = attestation.get("authData") if isinstance(attestation, dict) else None
    if not isinstance(auth_data, bytes):
        raise BadInput("the registration has no data of an authenticator")
    attested = parse_authenticator_data(auth_data).attested_credential_data
    if attested is None or len(attested.credential_id) > MAX_CREDENTIAL_ID_BYTES:
        raise BadInput("the registration has no key, or an id that is too long")
    _loaded(attested.credential_public_key)
    return bytes_to_base64url(encode_cbor({"fmt": "none", "attStmt": {}, "authData": auth_data}))


# --- approving ----------------------------------------------------------------------------------


@_refused_as(
    "bad_assertion",
    "this is not an approval of exactly this request: it must be signed by the enrolled passkey,"
    " used anew on this portal's address, by a device that verified its user",
)
def check_assertion(response: object, *, passkey: Passkey, challenge: bytes) -> int:
    """The passkey's new sign count, to be stored; BadInput (`bad_assertion`) for anything else.

    Synced passkeys count nothing, so the count is no guard against replay: accept a challenge once.
    """
    sent = _read(response, _Assertion)
    if sent.id != bytes_to_base64url(passkey.credential_id):
        raise BadInput("another passkey answered than the one that was asked")
    _refuse_foreign_frame(sent.response.client_data_json)
    verified = verify_authentication_response(
        credential=msgspec.to_builtins(sent),
        expected_challenge=challenge,
        expected_rp_id=passkey.rp_id,
        expected_origin=list(passkey.origins),
        credential_public_key=passkey.public_key,
        credential_current_sign_count=passkey.sign_count,
        require_user_verification=True,
    )
    if _is_backup_eligible(verified.credential_device_type) is not passkey.backup_eligible:
        raise BadInput("the passkey has changed whether it can be copied: enrol it anew")
    return verified.new_sign_count


def _is_backup_eligible(device: CredentialDeviceType) -> bool:
    return device is CredentialDeviceType.MULTI_DEVICE


# --- reading what was sent ----------------------------------------------------------------------


def _read(response: object, kind: type[_Sent]) -> _Sent:
    try:
        size = len(json.dumps(response))
    except (TypeError, ValueError, RecursionError):
        raise BadInput("a passkey's answer must be a JSON object") from None
    if size > MAX_RESPONSE_BYTES:
        raise BadInput(f"a passkey's answer must not be larger than {MAX_RESPONSE_BYTES} bytes")
    try:
        return msgspec.convert(response, type=kind)
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise BadInput(
            "a passkey's answer must be what the browser's toJSON() gives, with its parts in"
            " base64url without padding"
        ) from None


def _decoded(text: str) -> bytes:
    try:
        return base64url_to_bytes(text)
    except ValueError:
        raise BadInput("a part of the passkey's answer is not base64url") from None


def _refuse_foreign_frame(client_data_json: str) -> None:
    """Also all that the library would read differently from us, or fail at."""
    try:
        client_data = msgspec.convert(
            strict_json.parse(_decoded(client_data_json)), type=_ClientData
        )
    except msgspec.ValidationError:
        raise BadInput("the browser's part of the answer lacks type, challenge or origin") from None
    if client_data.cross_origin or client_data.top_origin is not msgspec.UNSET:
        raise BadInput("the passkey was used inside another site's page")


def _loaded(cose: bytes) -> _PublicKey:
    """Only forms that we offered, each with its one curve; the library takes more."""
    try:
        match parse_cbor(cose):
            case {1: 2, 3: -7, -1: 1, -2: bytes(x), -3: bytes(y)}:
                return _p256(x, y)
            case {1: 1, 3: -8, -1: 6, -2: bytes(x)}:
                return ed25519.Ed25519PublicKey.from_public_bytes(x)
            case {1: 3, 3: -257, -1: bytes(n), -2: bytes(e)}:
                return _rsa(n, e)
    except ValueError:
        pass
    raise BadInput("the passkey's key must be P-256, Ed25519, or RSA of 2048 to 4096 bits")


def _p256(x: bytes, y: bytes) -> ec.EllipticCurvePublicKey:
    numbers = (int.from_bytes(x, "big"), int.from_bytes(y, "big"))
    return ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()


def _rsa(n: bytes, e: bytes) -> rsa.RSAPublicKey:
    modulus = int.from_bytes(n, "big")
    if modulus.bit_length() not in RSA_BITS:
        raise ValueError("too short to be safe, or too long to be checked in time")
    return rsa.RSAPublicNumbers(int.from_bytes(e, "big"), modulus).public_key()


# --- telling people and browsers ----------------------------------------------------------------


def fingerprint(passkey: Passkey) -> str:
    """SHA-256 of the SubjectPublicKeyInfo, by fours, to be compared aloud."""
    info = _loaded(passkey.public_key).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.sha256(info).hexdigest()
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))


def subject_of(passkey: Passkey) -> str:
    """By what an enrolment's petition names its passkey."""
    return f"{bytes_to_base64url(passkey.credential_id)} {fingerprint(passkey)}"


def creation_options(
    user_id: bytes, user_name: str, challenge: bytes, rp_id: str, exclude: Iterable[bytes]
) -> dict[str, object]:
    """For `PublicKeyCredential.parseCreationOptionsFromJSON`. `user_id` must name nobody."""
    return {
        "rp": {"id": rp_id, "name": RELYING_PARTY_NAME},
        "user": {
            "id": bytes_to_base64url(user_id),
            "name": user_name,
            "displayName": user_name,
        },
        "challenge": bytes_to_base64url(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in ALGORITHMS],
        "timeout": TIMEOUT_MILLISECONDS,
        "excludeCredentials": _descriptors(exclude),
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "attestation": "none",
    }


def request_options(
    challenge: bytes, rp_id: str, credential_ids: Iterable[bytes]
) -> dict[str, object]:
    """For `PublicKeyCredential.parseRequestOptionsFromJSON`."""
    return {
        "challenge": bytes_to_base64url(challenge),
        "rpId": rp_id,
        "allowCredentials": _descriptors(credential_ids),
        "timeout": TIMEOUT_MILLISECONDS,
        "userVerification": "required",
    }


def _descriptors(credential_ids: Iterable[bytes]) -> list[dict[str, str]]:
    return [{"type": "public-key", "id": bytes_to_base64url(each)} for each in credential_ids]


def rp_id_of(public_url: str) -> tuple[str, tuple[str, ...]]:
    """The RP ID and the origins of a portal; Unavailable where browsers would give no passkeys."""
    try:
        url = urlsplit(public_url)
        host, origin = url.hostname or "", _origin(url)
    except ValueError:
        raise _no_passkeys("it is no address") from None
    if ":" in host or _ENDS_IN_NUMBER.search(host):
        raise _no_passkeys("browsers refuse passkeys on an IP address; give a host name")
    if not _HOST_NAME.fullmatch(host):
        raise _no_passkeys("it needs a host name in ASCII (xn--… for other letters)")
    is_local = host == "localhost" or host.endswith(".localhost")
    if url.scheme != "https" and not (url.scheme == "http" and is_local):
        raise _no_passkeys("browsers give passkeys to https:// and http://localhost only")
    return host, (origin,)


def _origin(url: SplitResult) -> str:
    """As a browser writes it: lower case, and no port where it is the scheme's own."""
    has_own_port = url.port is not None and url.port != _DEFAULT_PORT.get(url.scheme)
    return f"{url.scheme}://{url.hostname}" + (f":{url.port}" if has_own_port else "")


def _no_passkeys(why: str) -> Unavailable:
    return Unavailable(
        f"passkeys cannot be used on ORGO_PUBLIC_URL: {why}", code="passkeys_unavailable"
    )
