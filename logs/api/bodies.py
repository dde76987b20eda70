"""Bodies of deliveries: unpacked in bounds, as batches.

Judges no value: what a field may say is the rooms' business.
"""

from __future__ import annotations

import zlib

from rest_framework.request import Request

from logs.record.idempotency import IdempotencyKey
from orgo_audit.api_bodies import MAX_BODY_BYTES, raw_body, too_large
from orgo_audit.errors import BadInput, OrgoError

JSON = "application/json"
NDJSON = "application/x-ndjson"
MAX_KEY_LENGTH = 200
MAX_GZIP_MEMBERS = 100
GZIP_PIECE_BYTES = 64 * 1024


class UnsupportedMediaType(OrgoError):
    code = "unsupported_media_type"
    status = 415


# --- batches ------------------------------------------------------------------------------------


def batch_of(request: Request) -> tuple[bytes, bool]:
    """The body, unpacked, and whether it is NDJSON."""
    media_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type not in (JSON, NDJSON):
        raise UnsupportedMediaType(f"expected Content-Type {JSON} or {NDJSON}", path="Content-Type")
    return _unpacked(request, raw_body(request)), media_type == NDJSON


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
            raise too_large()
        if stream.eof:
            return packed[end - len(stream.unused_data) :]
    raise BadInput("the gzip body ends too early", code="bad_gzip")
