"""Request bodies: read in bounds, and as objects of known fields.

Judges no value: what a field may say is the rooms' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from rest_framework.request import Request

from orgo_audit import strict_json
from orgo_audit.api import single_parameters
from orgo_audit.errors import BadInput

MAX_BODY_BYTES = 8 * 1024 * 1024
# A passkey's assertion, the largest of what an object may carry, has 16 KiB at most.
MAX_OBJECT_BYTES = 32 * 1024
_KINDS = {str: "a text", int: "a whole number", dict: "an object"}


def object_of(
    request: Request, needed: Mapping[str, type], optional: Mapping[str, type] | None = None
) -> dict[str, Any]:
    """A JSON object with these fields and no others; BadInput names the first that is wrong."""
    single_parameters(request, ())
    raw = raw_body(request)
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


def object_or_nothing(request: Request, optional: Mapping[str, type]) -> dict[str, Any]:
    """A JSON object of these fields, of which all may be absent, as the body may be."""
    if not raw_body(request).strip():
        single_parameters(request, ())
        return {}
    return object_of(request, {}, optional)


def require_none(request: Request) -> None:
    """No body, no parameter. An empty object says nothing, and so it is no fault."""
    single_parameters(request, ())
    raw = raw_body(request)
    if raw.strip() and strict_json.parse(raw) != {}:
        raise BadInput("this takes no body", code="unexpected_body")


# --- bytes --------------------------------------------------------------------------------------


def raw_body(request: Request) -> bytes:
    """The body as it came, of any type; BadInput where it is too large."""
    try:
        raw = _read(request)
    except RequestDataTooBig:
        raise too_large() from None
    if len(raw) > MAX_BODY_BYTES:
        raise too_large()
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


def too_large() -> BadInput:
    """What is refused for its size, packed or not."""
    return BadInput(
        f"the body has more than {MAX_BODY_BYTES // 1024 // 1024} MiB; send smaller batches",
        code="too_large",
    )
