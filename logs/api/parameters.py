"""From a request to what the rooms understand: parameters, body, caller. Decides nothing."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import cast

from django.core.exceptions import RequestDataTooBig
from rest_framework.request import Request

from logs.record.access import Viewer
from logs.record.drafts import FIELD_OF_WIRE, MAX_BODY_BYTES
from logs.record.export import UTC, Form, Manner, chosen_form, zone_named
from logs.record.filters import TIMES, query_from
from logs.record.idempotency import IdempotencyKey
from logs.record.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Cursor
from logs.record.reading import EventQuery
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import ServiceToken, User
from orgo_audit.api import single_parameters
from orgo_audit.errors import BadInput, OrgoError
from orgo_audit.requests import address_of

JSON = "application/json"
NDJSON = "application/x-ndjson"
FILTERS = frozenset({*FIELD_OF_WIRE, *TIMES, "q"})
PAGING = frozenset({"cursor", "page_size"})
MANNER = frozenset({"format", "time_zone", "count"})
MAX_KEY_LENGTH = 200
MAX_GZIP_MEMBERS = 100
GZIP_PIECE_BYTES = 64 * 1024


class UnsupportedMediaType(OrgoError):
    code = "unsupported_media_type"
    status = 415


def viewer_of(request: Request) -> Viewer:
    identity = cast("User | ServiceToken", request.user)
    return Viewer(identity, address_of(request))


# --- queries ------------------------------------------------------------------------------------


def query_of(
    request: Request, log_types: Iterable[LogType], *, beside: frozenset[str] = PAGING
) -> EventQuery:
    """The filters of a list; BadInput for anything unknown, repeated or malformed."""
    given = single_parameters(request, FILTERS | beside)
    if "q" in given:
        raise BadInput(
            "search is not available yet; use the filters by name",
            path="q",
            code="search_not_available",
        )
    return query_from(given, log_types)


def page_of(request: Request) -> tuple[Cursor | None, int]:
    """Where the page begins and how many rows it may have."""
    given = request.query_params
    cursor = Cursor.from_text(given["cursor"]) if "cursor" in given else None
    return cursor, _page_size(given["page_size"]) if "page_size" in given else DEFAULT_PAGE_SIZE


def _page_size(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_PAGE_SIZE:
        return int(text)
    raise BadInput(
        f"expected a whole number from 1 to {MAX_PAGE_SIZE}", path="page_size", code="bad_page_size"
    )


def manner_of(request: Request) -> Manner:
    """How an export is wanted: `format`, the `time_zone` of a CSV, whether its `count` ends it."""
    given = request.query_params
    form, zone = chosen_form(given.get("format", "")), given.get("time_zone", UTC.key)
    if form is not Form.CSV and zone != UTC.key:
        raise BadInput("NDJSON is always in UTC", path="time_zone", code="unknown_time_zone")
    told = given.get("count", "false")
    if told not in ("true", "false"):
        raise BadInput("expected true or false", path="count", code="wrong_type")
    return Manner(form, zone_named(zone), with_count=told == "true")


# --- bodies -------------------------------------------------------------------------------------


def body_of(request: Request) -> tuple[bytes, bool]:
    """The body, unpacked, and whether it is NDJSON."""
    media_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type not in (JSON, NDJSON):
        raise UnsupportedMediaType(f"expected Content-Type {JSON} or {NDJSON}", path="Content-Type")
    return _unpacked(request, raw_body_of(request)), media_type == NDJSON


def raw_body_of(request: Request) -> bytes:
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
