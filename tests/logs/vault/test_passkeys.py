"""A passkey's answer serves for one challenge, one key and one address, or for nothing."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any
from uuid import UUID

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import assume, example, given
from hypothesis import strategies as st

from logs.cases.acts import Act
from logs.vault.passkeys import (
    MAX_RESPONSE_BYTES,
    Passkey,
    check_assertion,
    creation_options,
    fingerprint,
    registered,
    request_options,
    rp_id_of,
    subject_of,
)
from logs.vault.petitions import Petition
from orgo_audit.errors import BadInput, Unavailable
from tests.authenticator import HONEST, Authenticator, Flag, PrivateKey, base64url, cose, es256
from tests.authenticator import from_base64url as decoded
from tests.logs.vault.test_petitions import ENROL, NOW, REVEAL

RP_ID = "localhost"
ORIGIN = "http://localhost:8000"
CHALLENGE = REVEAL.challenge()
CREATION = creation_options(b"handle", "carla", CHALLENGE, RP_ID, [])


def enrolled(browser: Authenticator, key: PrivateKey | None = None) -> Passkey:
    return register(browser.create(CREATION, key))


def register(response: object) -> Passkey:
    return registered(response, challenge=CHALLENGE, rp_id=RP_ID, origins=[ORIGIN])


def approve(
    browser: Authenticator, passkey: Passkey, challenge: bytes = CHALLENGE
) -> dict[str, Any]:
    return browser.get(request_options(challenge, RP_ID, [passkey.credential_id]))


def is_refused(response: object, passkey: Passkey, challenge: bytes = CHALLENGE) -> bool:
    return refuses(
        lambda: check_assertion(response, passkey=passkey, challenge=challenge), "bad_assertion"
    )


def is_refused_registration(response: object) -> bool:
    return refuses(lambda: register(response), "bad_registration")


def refuses(call: Callable[[], object], code: str) -> bool:
    """Told by our code alone: any other error passes through, and fails the test."""
    refusal: BadInput | None = None
    try:
        call()
    except BadInput as error:
        refusal = error
    assert refusal is None or (refusal.code, refusal.__cause__) == (code, None)
    return refusal is not None


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


BROWSER = Authenticator()
PASSKEY = enrolled(BROWSER)
APPROVAL = approve(BROWSER, PASSKEY)
REGISTRATION = BROWSER.create(CREATION)


def rsa_key() -> PrivateKey:
    return rsa.generate_private_key(65537, 2048)


# --- approving ----------------------------------------------------------------------------------


@pytest.mark.parametrize("new_key", [es256, ed25519.Ed25519PrivateKey.generate, rsa_key])
def test_an_enrolled_passkey_approves(new_key: Callable[[], PrivateKey]) -> None:
    browser = Authenticator(count=7)
    passkey = enrolled(browser, new_key())
    assert passkey.sign_count == 7
    assert check_assertion(approve(browser, passkey), passkey=passkey, challenge=CHALLENGE) == 8


CHANGES: list[dict[str, Any]] = [
    {"act": Act.ERASE, "case": None, "label": "", "field": "", "minutes": 0, "views": 0}
    | {"subject": "ef" * 32},
    {"act": Act.ENROL, "case": None, "label": "", "field": "", "minutes": 0, "views": 0}
    | {"subject": subject_of(PASSKEY)},
    {"id": UUID(int=9)},
    {"organization": "acne"},
    {"organization": "acme "},
    {"case": UUID(int=9)},
    {"case": UUID(int=2 << 64)},
    {"label": "Anon2"},
    {"label": "anon1"},
    {"label": "Anon1 "},
    {"field": "name"},
    {"field": "emai1"},
    {"reason_digest": "ab" * 31 + "ac"},
    {"minutes": 11},
    {"minutes": 1},
    {"views": 3},
    {"views": 1},
    {"requester": 12},
    {"requester": -11},
    {"nonce": "0a" * 31 + "0b"},
    {"expires_at": REVEAL.expires_at.replace(microsecond=90)},
    {"expires_at": NOW},
]


@pytest.mark.parametrize("change", CHANGES)
def test_an_approval_of_a_changed_petition_is_refused(change: dict[str, Any]) -> None:
    assert is_refused(APPROVAL, PASSKEY, replace(REVEAL, **change).challenge())
    assert not is_refused(APPROVAL, PASSKEY, REVEAL.challenge())


def test_every_field_of_a_petition_is_among_the_changes() -> None:
    assert {name for change in CHANGES for name in change} == set(Petition.__dataclass_fields__)


def test_a_signed_enrolment_is_no_approval_of_a_reveal() -> None:
    enrolment = replace(ENROL, subject=subject_of(PASSKEY))
    signed = approve(BROWSER, PASSKEY, enrolment.challenge())
    assert not is_refused(signed, PASSKEY, enrolment.challenge())
    assert is_refused(signed, PASSKEY, REVEAL.challenge())


@pytest.mark.parametrize(
    "hostile",
    [
        {"rp_id": "evil.example"},
        {"origin": "http://localhost:8001"},
        {"origin": "http://localhost"},
        {"origin": "https://localhost:8000"},
        {"origin": "http://evil.localhost:8000"},
        {"origin": "http://localhost:8000/"},
        {"flags": Flag.USER_PRESENT},
        {"flags": Flag.USER_VERIFIED},
        {"flags": HONEST | Flag.BACKUP_ELIGIBLE},
        {"flags": HONEST | Flag.BACKED_UP},
        {"client_data": {"crossOrigin": True}},
        {"client_data": {"crossOrigin": "false"}},
        {"client_data": {"crossOrigin": None}},
        {"client_data": {"topOrigin": "https://evil.example"}},
        {"client_data": {"topOrigin": ORIGIN}},
        {"client_data": {"topOrigin": None}},
        {"client_data": {"type": "webauthn.create"}},
        {"client_data": {"type": "payment.get"}},
        {"client_data": {"challenge": ""}},
        {"client_data": {"challenge": base64url(CHALLENGE[:-1])}},
        {"client_data": {"origin": [ORIGIN]}},
        {"client_data": {"deep": nested(500)}},
    ],
)
def test_what_the_right_key_signed_elsewhere_is_refused(hostile: dict[str, Any]) -> None:
    assert is_refused(approve(replace(BROWSER, count=9, **hostile), PASSKEY), PASSKEY)
    assert not is_refused(approve(replace(BROWSER, count=9), PASSKEY), PASSKEY)


def test_a_passkey_that_stops_being_copyable_is_refused() -> None:
    browser = Authenticator(flags=HONEST | Flag.BACKUP_ELIGIBLE | Flag.BACKED_UP)
    passkey = enrolled(browser)
    assert passkey.backup_eligible
    assert not is_refused(approve(browser, passkey), passkey)
    assert not is_refused(
        approve(replace(browser, flags=HONEST | Flag.BACKUP_ELIGIBLE), passkey), passkey
    )
    assert is_refused(approve(replace(browser, flags=HONEST), passkey), passkey)


def test_another_key_under_the_same_id_is_refused() -> None:
    thief = Authenticator(count=9, keys={PASSKEY.credential_id: es256()})
    assert is_refused(approve(thief, PASSKEY), PASSKEY)


def test_another_id_over_the_right_signature_is_refused() -> None:
    other = base64url(os.urandom(32))
    assert is_refused(APPROVAL | {"id": other, "rawId": other}, PASSKEY)
    assert is_refused(APPROVAL | {"id": other}, PASSKEY)
    assert is_refused(APPROVAL | {"rawId": other}, PASSKEY)


def test_another_custodians_passkey_is_refused() -> None:
    browser = Authenticator()
    other = enrolled(browser)
    assert is_refused(approve(browser, other), PASSKEY)


@pytest.mark.parametrize(
    ("stored", "sent", "refused"),
    [(0, 0, False), (0, 1, False), (5, 6, False), (5, 5, True), (5, 4, True), (5, 0, True)],
)
def test_a_counter_goes_on_or_stands_at_zero(stored: int, sent: int, *, refused: bool) -> None:
    response = approve(replace(BROWSER, count=sent), PASSKEY)
    assert is_refused(response, replace(PASSKEY, sign_count=stored)) is refused


def test_a_used_answer_is_refused_once_its_count_is_stored() -> None:
    count = check_assertion(APPROVAL, passkey=PASSKEY, challenge=CHALLENGE)
    assert count > 0
    assert is_refused(APPROVAL, replace(PASSKEY, sign_count=count))


def test_a_synced_passkey_counts_nothing_so_that_its_answer_could_be_sent_again() -> None:
    browser = Authenticator(counts=False)
    passkey = enrolled(browser)
    response = approve(browser, passkey)
    assert [check_assertion(response, passkey=passkey, challenge=CHALLENGE) for _ in range(2)] == [
        0,
        0,
    ]


# --- hostile shapes -----------------------------------------------------------------------------

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
PLACES = [("id",), ("rawId",), ("type",), ("response",)]
ASSERTION_PARTS = ["clientDataJSON", "authenticatorData", "signature"]
REGISTRATION_PARTS = ["clientDataJSON", "attestationObject"]


def with_value(response: dict[str, Any], place: tuple[str, ...], value: object) -> dict[str, Any]:
    first, *rest = place
    return response | {first: with_value(response[first], tuple(rest), value) if rest else value}


def with_part(response: dict[str, Any], part: str, data: bytes) -> dict[str, Any]:
    return with_value(response, ("response", part), base64url(data))


@pytest.mark.parametrize(
    "response",
    [
        None,
        True,
        "",
        json.dumps(APPROVAL),
        [APPROVAL],
        {},
        {1: 2},
        APPROVAL | {"response": None},
        APPROVAL | {"response": []},
        APPROVAL | {"type": "password"},
        APPROVAL | {"type": ["public-key"]},
        APPROVAL | {"type": "\ud800"},
        APPROVAL | {"\ud800": 1},
        APPROVAL | {"id": APPROVAL["id"] + "=", "rawId": APPROVAL["id"] + "="},
        APPROVAL | {"junk": "x" * MAX_RESPONSE_BYTES},
        APPROVAL | {"junk": object()},
        APPROVAL | {"junk": nested(100_000)},
        APPROVAL | {"junk": 10**5000},
        with_value(APPROVAL, ("response", "signature"), "a"),
        with_value(APPROVAL, ("response", "signature"), "\ud800"),
        with_value(APPROVAL, ("response", "signature"), APPROVAL["response"]["signature"] + "\n"),
        with_value(APPROVAL, ("response", "clientDataJSON"), "a"),
        with_part(APPROVAL, "clientDataJSON", b"[]"),
        with_part(APPROVAL, "clientDataJSON", b"null"),
        with_part(APPROVAL, "clientDataJSON", b"[" * 9000),
        with_part(APPROVAL, "clientDataJSON", json.dumps({}).encode("utf-16")),
        with_part(APPROVAL, "authenticatorData", b"\0"),
        with_part(APPROVAL, "authenticatorData", bytes(37)),
    ],
)
def test_what_no_browser_sends_is_refused(response: object) -> None:
    assert is_refused(response, PASSKEY)
    assert is_refused_registration(response)


def test_an_answer_of_the_greatest_size_is_read_and_one_more_byte_is_not() -> None:
    room = MAX_RESPONSE_BYTES - len(json.dumps(APPROVAL | {"junk": ""}))
    assert not is_refused(APPROVAL | {"junk": "x" * room}, PASSKEY)
    assert is_refused(APPROVAL | {"junk": "x" * (room + 1)}, PASSKEY)


@given(JSON_VALUES)
def test_no_json_breaks_either_reader(response: object) -> None:
    assert is_refused(response, PASSKEY)
    assert is_refused_registration(response)


@given(st.sampled_from([*PLACES, *(("response", part) for part in ASSERTION_PARTS)]), JSON_VALUES)
def test_no_json_in_a_place_of_an_approval_is_believed(
    place: tuple[str, ...], value: object
) -> None:
    assume(value != reduce(lambda inner, key: inner[key], place, APPROVAL))
    assert is_refused(with_value(APPROVAL, place, value), PASSKEY)


@given(
    st.sampled_from([*PLACES, *(("response", part) for part in REGISTRATION_PARTS)]), JSON_VALUES
)
def test_no_json_in_a_place_of_a_registration_is_believed(
    place: tuple[str, ...], value: object
) -> None:
    assume(value != reduce(lambda inner, key: inner[key], place, REGISTRATION))
    assert is_refused_registration(with_value(REGISTRATION, place, value))


@given(st.sampled_from(ASSERTION_PARTS), st.data())
def test_no_changed_byte_of_an_approval_is_believed(part: str, data: st.DataObject) -> None:
    signed = bytearray(decoded(APPROVAL["response"][part]))
    place = data.draw(st.integers(0, len(signed) - 1))
    signed[place] ^= data.draw(st.integers(1, 255))
    assert is_refused(with_part(APPROVAL, part, bytes(signed)), PASSKEY)


@given(st.sampled_from(ASSERTION_PARTS), st.binary(max_size=200))
@example("clientDataJSON", b'{"type":"webauthn.get","challenge":"","origin":""}')
def test_no_bytes_in_a_part_of_an_approval_are_believed(part: str, data: bytes) -> None:
    assert is_refused(with_part(APPROVAL, part, data), PASSKEY)


# --- enrolling ----------------------------------------------------------------------------------


def test_a_registration_gives_the_passkey_that_the_device_made() -> None:
    browser, key = Authenticator(count=3), es256()
    passkey = enrolled(browser, key)
    assert browser.keys == {passkey.credential_id: key}
    assert passkey == Passkey(
        credential_id=passkey.credential_id,
        public_key=cbor2.dumps(cose(key)),
        sign_count=3,
        rp_id=RP_ID,
        origins=(ORIGIN,),
        backup_eligible=False,
    )


@pytest.mark.parametrize(
    "hostile",
    [
        {"rp_id": "evil.example"},
        {"origin": "http://localhost:8001"},
        {"flags": Flag.USER_PRESENT},
        {"flags": Flag.USER_VERIFIED},
        {"flags": HONEST | Flag.BACKED_UP},
        {"client_data": {"crossOrigin": True}},
        {"client_data": {"topOrigin": "https://evil.example"}},
        {"client_data": {"type": "webauthn.get"}},
        {"client_data": {"challenge": base64url(os.urandom(32))}},
    ],
)
def test_a_registration_made_elsewhere_or_unverified_is_refused(hostile: dict[str, Any]) -> None:
    assert is_refused_registration(replace(BROWSER, **hostile).create(CREATION))
    assert not is_refused_registration(BROWSER.create(CREATION))


def with_attestation(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    attestation = cbor2.loads(decoded(REGISTRATION["response"]["attestationObject"]))
    return with_part(REGISTRATION, "attestationObject", cbor2.dumps(change(attestation)))


def with_key(key: object, credential_id: bytes = decoded(REGISTRATION["id"])) -> dict[str, Any]:
    length = struct.pack(">H", len(credential_id))
    encoded = key if isinstance(key, bytes) else cbor2.dumps(key)

    def change(attestation: dict[str, Any]) -> dict[str, Any]:
        head = attestation["authData"][: 37 + 16]
        return attestation | {"authData": head + length + credential_id + encoded}

    text = base64url(credential_id)
    return with_attestation(change) | {"id": text, "rawId": text}


EC = cose(es256())
ED25519 = cose(ed25519.Ed25519PrivateKey.generate())
RSA = cose(rsa_key())


@pytest.mark.parametrize("key", [EC, ED25519, RSA])
def test_the_three_offered_kinds_of_key_are_taken(key: dict[int, Any]) -> None:
    assert register(with_key(key)).public_key == cbor2.dumps(key)


@pytest.mark.parametrize(
    "key",
    [
        {},
        [],
        1,
        "text",
        b"",
        b"\x04" + bytes(64),
        {1: 2},
        EC | {3: -8},
        EC | {3: -65535},
        EC | {-1: 2},
        EC | {-2: bytes(32)},
        EC | {-2: "x" * 32},
        EC | {-3: 7},
        EC | {-2: b""},
        EC | {1: 2**40_000},
        EC | {1: float("nan")},
        cose(ec.generate_private_key(ec.SECP384R1())),
        ED25519 | {-2: bytes(31)},
        ED25519 | {-1: 7},
        RSA | {-1: RSA[-1][:128]},
        RSA | {-1: RSA[-1] * 3},
        RSA | {-2: b"\0"},
        RSA | {-2: b""},
        RSA | {3: -65535},
        {1: 4, 3: -7, -1: b"secret"},
    ],
)
def test_a_key_of_another_kind_is_refused(key: object) -> None:
    assert is_refused_registration(with_key(key))


def test_an_id_that_the_device_did_not_give_is_refused() -> None:
    other = base64url(os.urandom(32))
    assert is_refused_registration(REGISTRATION | {"id": other, "rawId": other})


def test_an_id_longer_than_the_standard_allows_is_refused() -> None:
    assert is_refused_registration(with_key(EC, bytes(1024)))
    assert is_refused_registration(with_key(EC, b""))
    assert register(with_key(EC, bytes(1023))).credential_id == bytes(1023)


@pytest.mark.parametrize(
    "change",
    [
        lambda attestation: {},
        lambda attestation: [attestation],
        lambda attestation: attestation["authData"],
        lambda attestation: attestation | {"authData": None},
        lambda attestation: attestation | {"authData": "text"},
        lambda attestation: attestation | {"authData": b""},
        lambda attestation: attestation | {"authData": attestation["authData"][:37]},
        lambda attestation: attestation | {"authData": attestation["authData"][:60]},
        lambda attestation: attestation | {"authData": attestation["authData"] + b"\0"},
        lambda attestation: attestation | {"authData": bytes(37)},
    ],
)
def test_a_forged_shape_of_registration_is_refused(
    change: Callable[[dict[str, Any]], object],
) -> None:
    assert is_refused_registration(with_attestation(change))


@pytest.mark.parametrize(
    "statement",
    [
        {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"", "x5c": [b"no certificate"]}},
        {"fmt": "tpm", "attStmt": {"ver": "2.0"}},
        {"fmt": 7, "attStmt": 7},
    ],
)
def test_what_a_device_says_about_itself_is_not_read(statement: dict[str, Any]) -> None:
    response = with_attestation(lambda attestation: attestation | statement)
    assert base64url(register(response).credential_id) == REGISTRATION["id"]


@given(st.binary(max_size=300))
@example(b"\x9b\x00\x00\x01\x00\x00\x00\x00\x00")
@example(b"\x81" * 9000)
@example(b"\xa0" + b"\0" * 50)
def test_no_bytes_for_an_attestation_are_believed(data: bytes) -> None:
    assert is_refused_registration(with_part(REGISTRATION, "attestationObject", data))


@given(st.binary(max_size=120))
@example(b"\xd8\x1c\x81\xd8\x1d\x00")  # a list that holds itself
def test_no_bytes_for_a_key_are_believed(data: bytes) -> None:
    assert is_refused_registration(with_key(data))


@given(st.data())
def test_a_changed_byte_of_a_registration_breaks_nothing(data: st.DataObject) -> None:
    """The statement is unsigned, so it may be believed; then the passkey is one that we can use."""
    sent = bytearray(decoded(REGISTRATION["response"]["attestationObject"]))
    sent[data.draw(st.integers(0, len(sent) - 1))] ^= data.draw(st.integers(1, 255))
    response = with_part(REGISTRATION, "attestationObject", bytes(sent))
    if not is_refused_registration(response):
        assert fingerprint(register(response))


# --- telling people and browsers ----------------------------------------------------------------

# A test key of RFC 9500. Its digest is by `openssl pkey -pubin -outform DER | sha256sum`.
KNOWN_INFO = bytes.fromhex(
    "3059301306072a8648ce3d020106082a8648ce3d0301070342000442254"
    "8f88fb782ffb5eca3744452c72a1e558fbd6f73be5e48e93232cc45c5b16c4cd10c4cb8d5b8a17139e94882c899"
    "2572993425f41419ab7e90a42a494272"
)
EXPECTED_FINGERPRINT = (
    "b2b0 4340 cfae e616 ec9c 2c62 d261 b208 e54b b197 498d f52e 8cad ede2 3ac0 ba5e"
)


def test_a_fingerprint_is_that_of_the_public_key_info_by_fours() -> None:
    known = load_der_public_key(KNOWN_INFO)
    assert isinstance(known, ec.EllipticCurvePublicKey)
    point = known.public_numbers()
    key = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
    assert fingerprint(replace(PASSKEY, public_key=cbor2.dumps(key))) == EXPECTED_FINGERPRINT


def test_a_subject_names_the_passkey_by_id_and_key() -> None:
    subject = subject_of(PASSKEY)
    assert subject == f"{base64url(PASSKEY.credential_id)} {fingerprint(PASSKEY)}"
    assert subject_of(replace(PASSKEY, credential_id=b"other")) != subject
    assert subject_of(replace(PASSKEY, public_key=cbor2.dumps(EC))) != subject
    longest = replace(PASSKEY, credential_id=bytes(1023))
    assert replace(ENROL, subject=subject_of(longest)).subject


def test_the_options_for_a_new_passkey_are_what_a_browser_parses() -> None:
    options = creation_options(b"\xff\xfe", "carla", b"\0" * 32, "audit.example", [b"known"])
    assert json.loads(json.dumps(options)) == {
        "rp": {"id": "audit.example", "name": "Orgo Audit"},
        "user": {"id": "__4", "name": "carla", "displayName": "carla"},
        "challenge": "A" * 43,
        "pubKeyCredParams": [
            {"type": "public-key", "alg": -7},
            {"type": "public-key", "alg": -8},
            {"type": "public-key", "alg": -257},
        ],
        "timeout": 300_000,
        "excludeCredentials": [{"type": "public-key", "id": "a25vd24"}],
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "attestation": "none",
    }


def test_the_options_for_an_approval_are_what_a_browser_parses() -> None:
    options = request_options(b"\0" * 32, "audit.example", [b"known"])
    assert json.loads(json.dumps(options)) == {
        "challenge": "A" * 43,
        "rpId": "audit.example",
        "allowCredentials": [{"type": "public-key", "id": "a25vd24"}],
        "timeout": 300_000,
        "userVerification": "required",
    }


@pytest.mark.parametrize(
    ("url", "rp_id", "origin"),
    [
        ("http://localhost:8000", "localhost", "http://localhost:8000"),
        ("http://localhost:80/", "localhost", "http://localhost"),
        ("http://orgo.localhost:8000", "orgo.localhost", "http://orgo.localhost:8000"),
        ("https://Audit.Example", "audit.example", "https://audit.example"),
        ("https://audit.example:443/x", "audit.example", "https://audit.example"),
        ("HTTPS://audit.example:8443", "audit.example", "https://audit.example:8443"),
        ("https://xn--bcher-kva.example", "xn--bcher-kva.example")
        + ("https://xn--bcher-kva.example",),
    ],
)
def test_a_portals_address_gives_rp_id_and_origin(url: str, rp_id: str, origin: str) -> None:
    assert rp_id_of(url) == (rp_id, (origin,))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "http://",
        "http://127.0.0.1:8000",
        "https://127.1",
        "https://0x7f000001",
        "https://2130706433",
        "https://10.0.0.1.",
        "https://[::1]:8000",
        "https://[",
        "https://audit.example:port",
        "https://audit.example:99999",
        "http://audit.example",
        "http://evillocalhost",
        "ftp://localhost",
        "https://bücher.example",
        "https://audit example",
    ],
)
def test_an_address_on_which_browsers_give_no_passkeys_is_refused(url: str) -> None:
    with pytest.raises(Unavailable) as refusal:
        rp_id_of(url)
    assert refusal.value.code == "passkeys_unavailable"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "[::1]"])
def test_an_ip_address_is_called_one(host: str) -> None:
    with pytest.raises(Unavailable, match="IP address"):
        rp_id_of(f"https://{host}:8000")


@given(st.text())
def test_no_address_breaks_the_reader(text: str) -> None:
    try:
        rp_id, origins = rp_id_of(f"https://{text}")
    except Unavailable:
        return
    assert rp_id in origins[0]
