"""Request bodies: read and unpacked in bounds, as batches or as objects of known fields.

Judges no value: what a field may say is the rooms' business.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from rest_framework.request import Request

from logs.record import strict_json
from logs.record.drafts import MAX_BODY_BYTES
from logs.record.idempotency import IdempotencyKey
from orgo_audit.api import single_parameters
from orgo_audit.errors import BadInput, OrgoError

JSON = "application/json"
NDJSON = "application/x-ndjson"
MAX_KEY_LENGTH = 200
MAX_GZIP_MEMBERS = 100
GZIP_PIECE_BYTES = 64 * 1024
# A passkey's assertion, the largest of what an object may carry, has 16 KiB at most.
MAX_OBJECT_BYTES = 32 * 1024
_KINDS = {str: "a text", int: "a whole number", dict: "an object"}


class UnsupportedMediaType(OrgoError):
    code = "unsupported_media_type"
    status = 415


# --- objects ------------------------------------------------------------------------------------


def object_of(
    request: Request, needed: Mapping[str, type], optional: Mapping[str, type] | None = None
) -> dict[str, Any]:
    """A JSON object with these fields and no others; BadInput names the first that is wrong."""
    single_parameters(request, ())
    raw = _raw(request)
    if len(raw) > MAX_OBJECT_BYTES:
        raise BadInput(f"the body has more than {MAX_OBJECT_BYTES // 1024} KiB", code="too_large")
    body = strict_json.parse(raw)
    if not isinstance(body, dict):
        raise BadInput("expected an object", code="wrong_type")
    kinds = {**needed, **(optional or {})}
    if unknown := body.keys() - kinds.keys():
        sentence = f"unknown field; known: {', '.join(kinds)}"
        path = min(unknown)[: strict_json.MAX_PATH]
        raise BadInput(sentence, path=path, code="unknown_field")
    for name, kind in needed.items():
        if body.get(name) is None:
            raise BadInput(f"expected {_KINDS[kind]}", path=name, code="missing_field")
    for name, value in body.items():
        if type(value) is not kinds[name]:
            raise BadInput(f"expected {_KINDS[kinds[name]]}", path=name, code="wrong_type")
    return body


def require_none(request: Request) -> None:
    """No body, no parameter. An empty object says nothing, and so it is no fault."""
    single_parameters(request, ())
    raw = _raw(request)
    if raw.strip() and strict_json.parse(raw) != {}:
        raise BadInput("this takes no body", code="unexpected_body")


# --- batches ------------------------------------------------------------------------------------


def batch_of(request: Request) -> tuple[bytes, bool]:
    """The body, unpacked, and whether it is NDJSON."""
    media_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type not in (JSON, NDJSON):
        raise UnsupportedMediaType(f"expected Content-Type {JSON} or {NDJSON}", path="Content-Type")
    return _unpacked(request, _raw(request)), media_type == NDJSON


def idempotency_key_of(request: Request, body: bytes) -> IdempotencyKey | None:
    """The caller's name for this batch, tied to the path and the bytes it was sent with."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise BadInput(
            f"expected 1 to {MAX_KEY_LENGTH} printable ASCII characters",
            path="Idempotency-Key",
            code="bad_idempotency_key",
        )
    return IdempotencyKey.of(key, request.path, body)


# --- bytes --------------------------------------------------------------------------------------


def _raw(request: Request) -> bytes:
    """The body as it came, of any type; BadInput where it is too large."""
    try:
        raw = _read(request)
    except RequestDataTooBig:
        raise _too_large() from None
    if len(raw) > MAX_BODY_BYTES:
        raise _too_large()
    return raw


def _read(request: Request) -> bytes:
    try:
        if request.META.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked":
            # The web server takes the chunks apart; Django would see a body without a length as
            # empty.
            body: bytes = request.META["wsgi.input"].read(MAX_BODY_BYTES + 1)
            return body
        body = request._request.body  # REST framework's own would parse it
    except OSError:
        raise _broken_off() from None
    if len(body) < int(request.META.get("CONTENT_LENGTH") or 0):
        raise _broken_off()  # what came of NDJSON is whole lines, and would be stored
    return body


def _broken_off() -> BadInput:
    return BadInput(
        "the body ends before its announced end, or its chunks are broken; send it again",
        code="broken_body",
    )


def _unpacked(request: Request, raw: bytes) -> bytes:
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding == "identity":
        return raw
    if encoding != "gzip":
        raise UnsupportedMediaType(
            "expected Content-Encoding gzip, or none", path="Content-Encoding"
        )
    return _gunzipped(raw)


def _gunzipped(raw: bytes) -> bytes:
    """Stops as soon as the limit is passed: a small body may unpack to terabytes."""
    unpacked = bytearray()
    rest = memoryview(raw)
    try:
        for _ in range(MAX_GZIP_MEMBERS + 1):
            if not rest:
                return bytes(unpacked)
            rest = _one_member(rest, unpacked)
    except zlib.error:
        raise BadInput(
            "the body is not gzip as its Content-Encoding says", code="bad_gzip"
        ) from None
    raise BadInput(f"the gzip body has more than {MAX_GZIP_MEMBERS} members", code="bad_gzip")


def _one_member(packed: memoryview, unpacked: bytearray) -> memoryview:
    """Unpacks the first member; what follows it. By pieces: zlib copies what it leaves over."""
    stream = zlib.decompressobj(wbits=31)
    for start in range(0, len(packed), GZIP_PIECE_BYTES):
        end = min(start + GZIP_PIECE_BYTES, len(packed))
        unpacked += stream.decompress(packed[start:end], MAX_BODY_BYTES + 1 - len(unpacked))
        if len(unpacked) > MAX_BODY_BYTES:
            raise _too_large()
        if stream.eof:
            return packed[end - len(stream.unused_data) :]
    raise BadInput("the gzip body ends too early", code="bad_gzip")


def _too_large() -> BadInput:
    return BadInput(
        f"the body has more than {MAX_BODY_BYTES // 1024 // 1024} MiB; send smaller batches",
        code="too_large",
    )
