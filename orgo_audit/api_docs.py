"""The API's documentation: OpenAPI as JSON, and the same as a page without JavaScript. Open to all.

It tells shapes and never data, so nobody needs credentials to read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from orgo_audit.api_schema import SECURITY_SCHEMES, Json

OPENAPI_TYPE = "application/vnd.oai.openapi+json"
VERSION = "v1"
_DESCRIPTION = (
    "Services deliver events and read them back. Errors are `application/problem+json` with a"
    " stable `code`; unknown query parameters are refused; every list pages by key: follow `next`."
)
# Status, its codes, what a caller does about it.
ERRORS = (
    (
        400,
        (
            "malformed_json",
            "duplicate_key",
            "nul_character",
            "lone_surrogate",
            "number_too_large",
            "too_deep",
            "broken_body",
            "bad_gzip",
            "empty_batch",
            "too_many_events",
            "too_large",
            "nothing_accepted",
            "missing_field",
            "wrong_type",
            "too_long",
            "wrong_log_type",
            "bad_timestamp",
            "timestamp_in_future",
            "bad_ip_address",
            "bad_idempotency_key",
            "unexpected_body",
            "bad_reason",
            "unknown_parameter",
            "repeated_parameter",
            "unknown_outcome",
            "unknown_format",
            "unknown_time_zone",
            "bad_page_size",
            "bad_cursor",
            "empty_range",
            "search_not_available",
            "missing_value",
            "bad_case_code",
            "unknown_state",
            "bad_place",
            "bad_purpose",
            "unknown_field",
            "wrong_length",
            "bad_petition",
            "bad_assertion",
            "bad_scope",
            "unknown_value",
            "bad_until",
            "bad_period",
            "unknown_version",
            "bad_status",
            "bad_fingerprint",
            "bad_text",
            "too_many",
            "unknown_organization",
            "bad_request",
            "bad_input",
        ),
        "Mend the request; `path` says where. Sending it again changes nothing.",
    ),
    (
        401,
        ("not_authenticated", "second_factor_needed"),
        "Send a token that is valid; a person finishes the sign-in first.",
    ),
    (
        403,
        ("scope_missing", "token_needed", "person_needed", "own_request", "not_allowed"),
        "Ask an operator for a token with the scope.",
    ),
    (404, ("not_found",), "Nothing here, or nothing for you."),
    (405, ("method_not_allowed",), "`Allow` names the methods."),
    (
        409,
        ("idempotency_key_reused",),
        "Another body has this key: choose a new key.",
    ),
    (
        409,
        (
            "not_approved",
            "reveal_over",
            "not_open",
            "asked_already",
            "decided_already",
            "no_passkey",
            "truncated",
            "already_so",
            "conflict",
        ),
        "Not as things stand: look at it again.",
    ),
    (415, ("unsupported_media_type",), "Send JSON or NDJSON, packed with gzip or not at all."),
    (429, ("too_fast",), "Wait for `Retry-After` seconds; then the same request again."),
    (500, ("server_error",), "Our fault, and in our log; try the same request again later."),
    (
        503,
        ("database_away", "vault_key_missing", "passkeys_unavailable", "unavailable"),
        "Wait for `Retry-After` seconds, or try later; the same request again.",
    ),
)


@cache
def document() -> Json:
    """The OpenAPI document of all API addresses; made once a process."""
    generator = SchemaGenerator(api_version=VERSION)  # type: ignore[no-untyped-call]
    made: Json = generator.get_schema(public=True)  # type: ignore[no-untyped-call]
    components = made["components"] | {"securitySchemes": SECURITY_SCHEMES}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Orgo Audit", "version": VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": made["paths"],
        "components": components,
    }


@cache
def _schema_body() -> bytes:
    return json.dumps(document(), ensure_ascii=False).encode()


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_schema_body(), content_type=OPENAPI_TYPE)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "orgo_audit/api_docs.html",
        {"resources": resources(), "shapes": shapes(), "errors": _errors()},
    )


# --- the page -----------------------------------------------------------------------------------


@cache
def resources() -> dict[str, list[Json]]:
    """The operations as the page shows them, by the heading they stand under."""
    found: dict[str, list[Json]] = {}
    for path, methods in sorted(document()["paths"].items(), key=_resource_order):
        for method, operation in sorted(methods.items(), reverse=True):
            shown = _shown(path, method.upper(), operation)
            found.setdefault(operation["tags"][0], []).append(shown)
    return found


def _errors() -> list[tuple[int, tuple[str, ...], SafeString]]:
    return [(status, codes, _marked(advice)) for status, codes, advice in ERRORS]


# After the single logs.
_LATER = (
    "/api/v1/logs/",
    "/api/v1/traces/",
    "/api/v1/quarantine/",
    "/api/v1/anonymized-logs/",
    "/api/v1/cases/",
    "/api/v1/alerts/",
    "/api/v1/health-checks/",
)


def _resource_order(place: tuple[str, Json]) -> tuple[int, str]:
    path = place[0]
    later = [number for number, start in enumerate(_LATER, 1) if path.startswith(start)]
    return sum(later), path


def _marked(text: str) -> SafeString:
    """The text with what stands between backticks as code."""
    words = enumerate(text.split("`"))
    return format_html_join(
        "",
        "{}",
        ((format_html("<code>{}</code>", word) if at % 2 else word,) for at, word in words),
    )


def _shown(path: str, method: str, operation: Json) -> Json:
    return {
        "id": operation["operationId"],
        "method": method,
        "path": path,
        "summary": operation["summary"],
        "description": _marked(operation["description"]),
        "who": " or ".join(name for way in operation["security"] for name in way),
        "parameters": [_parameter(one) for one in operation["parameters"]],
        "body": _media(operation.get("requestBody", {})),
        "answers": [_answer(*one) for one in operation["responses"].items()],
        "examples": [_example(operation, sample) for sample in operation["x-codeSamples"]],
    }


def _parameter(parameter: Json) -> Json:
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "description": _marked(parameter["description"]),
        "kind": _kind(parameter["schema"]),
    }


def _kind(schema: Json) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = str(schema.get("format") or schema.get("type", "any"))
    return f"{kind}, 1 to {schema['maximum']}" if "maximum" in schema else kind


def _answer(status: str, told: Json) -> Json:
    return {"status": status, "description": _marked(told["description"]), "media": _media(told)}


def _media(told: Json) -> list[Json]:
    return [
        {"type": media_type, "shape": _shape(medium["schema"])}
        for media_type, medium in told.get("content", {}).items()
    ]


def _shape(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _example(operation: Json, sample: Json) -> Json:
    status, value = next(_answers_named(sample["label"], operation))
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return sample | {"status": status, "answer": text}


def _answers_named(title: str, operation: Json) -> Iterator[tuple[str, Any]]:
    for status, told in operation["responses"].items():
        for medium in told["content"].values():
            if title in medium.get("examples", {}):
                yield status, medium["examples"][title]["value"]


@cache
def shapes() -> dict[str, list[Json]]:
    """The objects that requests and answers are made of, a row per key."""
    return {
        name: [_row(key, value, schema) for key, value in schema["properties"].items()]
        for name, schema in document()["components"]["schemas"].items()
        if "properties" in schema
    }


def _row(key: str, value: Json, schema: Json) -> Json:
    needed = key in schema["required"]
    return {
        "key": key,
        "kind": _said(value),
        "needed": needed,
        "about": _marked(value.get("description", "")),
    }


def _said(schema: Json) -> str:
    """A type in a few words."""
    if "const" in schema:
        return json.dumps(schema["const"])
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_said(one) for one in several)
    if schema.get("type") == "array":
        return f"array of {_said(schema['items'])}"
    return _shape(schema) or _kind(schema)
