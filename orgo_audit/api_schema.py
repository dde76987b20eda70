"""How an API door is documented: an operation as data, and what all of them share. Serves nothing.

Each app keeps one table of its operations; a view whose operation is in no table has no schema,
and a guard test fails.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from orgo_audit.api import PROBLEM_TYPE
from orgo_audit.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

Json = dict[str, Any]
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Example:
    """A request that a test really sends, and the answer it gets."""

    title: str
    path: str
    status: int
    answer: Any  # JSON, or the text of another media type
    body: Any = None  # JSON, or the text of another media type
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    by_person: bool = False  # with a session, else with a token of scopes `ingest` and `read`

    @property
    def text(self) -> str:
        return self.body if isinstance(self.body, str) else json.dumps(self.body)

    def as_curl(self, method: str) -> str:
        words = [f"curl '{settings.ORGO_PUBLIC_URL}{self.path}'"]
        if not self.by_person:
            words.append('-H "Authorization: Bearer $TOKEN"')
        else:
            words.append('-b "orgo_session=$SESSION; csrftoken=$CSRF"')
        if self.by_person and method == "POST":
            words.append('-H "X-CSRFToken: $CSRF"')
        words += [f"-H '{name}: {value}'" for name, value in self.headers.items()]
        if self.body is not None:
            words += [f"-H 'Content-Type: {self.media_type}'", f"--data-binary '{self.text}'"]
        elif method == "POST":
            words.append("-X POST")
        return " \\\n  ".join(words)


@dataclass(frozen=True, slots=True)
class Operation:
    """All that is said of one method at one address."""

    id: str
    tag: str
    summary: str
    description: str
    responses: Mapping[int, Json]
    examples: tuple[Example, ...]
    parameters: tuple[Json, ...] = ()
    body: Json | None = None
    security: tuple[str, ...] = ("token", "session")

    def as_openapi(self, method: str) -> Json:
        operation: Json = {
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "description": self.description,
            "parameters": list(self.parameters),
            "security": [{name: []} for name in self.security],
            "responses": {
                str(status): self._response(status, told)
                for status, told in sorted({**self.responses, **REFUSALS}.items())
            },
        }
        operation["x-codeSamples"] = [
            {"lang": "Shell", "label": example.title, "source": example.as_curl(method)}
            for example in self.examples
        ]
        if self.body is not None:
            operation["requestBody"] = self.body | {"content": self._body_content(self.body)}
        return operation

    def _response(self, status: int, told: Json) -> Json:
        content = {}
        for media_type, medium in told["content"].items():
            shown = {
                example.title: {"value": example.answer}
                for example in self.examples
                if example.status == status and answers_as(example, media_type)
            }
            content[media_type] = medium | ({"examples": shown} if shown else {})
        return told | {"content": content}

    def _body_content(self, body: Json) -> Json:
        content = {}
        for media_type, medium in body["content"].items():
            shown = {
                example.title: {"value": example.body}
                for example in self.examples
                if example.body is not None and example.media_type == media_type
            }
            content[media_type] = medium | ({"examples": shown} if shown else {})
        return content


def answers_as(example: Example, media_type: str) -> bool:
    """Whether the example's answer is of this media type: text is never JSON here, and CSV asks."""
    if isinstance(example.answer, str):
        return media_type == ("text/csv" if "format=csv" in example.path else NDJSON)
    return media_type in (JSON, PROBLEM_TYPE)


class Documented(AutoSchema):
    """Gives drf-spectacular, which finds the addresses, what an app's table says of them."""

    def __init__(self, operations: Mapping[str, Operation], components: Mapping[str, Json]) -> None:
        super().__init__()
        self.operations = operations
        self.components = components

    def get_operation(
        self,
        path: str,
        path_regex: str,
        path_prefix: str,
        method: str,
        registry: ComponentRegistry,
    ) -> Json | None:
        for name, schema in {**SHARED, **self.components}.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name, ResolvedComponent.SCHEMA, schema, name
            )
            registry.register_on_missing(component)
        operation = self.operations.get(f"{method} {path}")
        if operation is None:
            raise LookupError(f"{method} {path} is not documented")
        return operation.as_openapi(method)


# --- words for tables ---------------------------------------------------------------------------

NDJSON = "application/x-ndjson"


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def closed(properties: Json, optional: tuple[str, ...] = ()) -> Json:
    """An object with these keys and no others."""
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def query(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def in_path(name: str, description: str, schema: Json) -> Json:
    place = {"in": "path", "required": True}
    return {"name": name, **place, "description": description, "schema": schema}


def answer(description: str, schema: Json, media_type: str = JSON) -> Json:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def refusal(description: str, schema: str = "Problem", headers: Json | None = None) -> Json:
    told = answer(description, ref(schema), PROBLEM_TYPE)
    return told | ({"headers": headers} if headers else {})


PROBLEM = {
    "type": {"const": "about:blank"},
    "title": {"type": "string", "description": "The status in words."},
    "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "code": {"type": "string", "pattern": "^[a-z][a-z_]*$", "description": "Stable: branch on it."},
    "detail": {"type": "string", "description": "A sentence that says what would be accepted."},
    "path": {"type": "string", "description": "The field, parameter or header that is wrong."},
}
SHARED: dict[str, Json] = {
    "Problem": closed(PROBLEM, ("path",)) | {"description": "A refusal (RFC 9457)."}
}
_RETRY_AFTER: Json = {
    "description": "Seconds until the same request may be sent again.",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9]+$"},
}
_CHALLENGE = {"required": True, "schema": {"type": "string"}, "description": "`Bearer`."}
# What every operation may answer.
REFUSALS: dict[int, Json] = {
    401: refusal(
        "No credentials, or bad or expired ones.", headers={"WWW-Authenticate": _CHALLENGE}
    ),
    403: refusal("The token lacks the scope, or the caller may see this and not do it."),
    404: refusal("Nothing here, or nothing for this caller: the two are never told apart."),
    429: refusal("Too fast; nothing was stored.", headers={"Retry-After": _RETRY_AFTER}),
    503: refusal("A part that this needs is away; send the same request again."),
}
SECURITY_SCHEMES: Json = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A service's token, made with `manage.py create_token`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "orgo_session",
        "description": "A person who signed in; a POST also needs Django's X-CSRFToken header.",
    },
}

# --- shapes that all apps use -------------------------------------------------------------------

TEXT: Json = {"type": "string"}
NOT_EMPTY: Json = TEXT | {"minLength": 1}
COUNT: Json = {"type": "integer", "minimum": 0}
UUID: Json = {"type": "string", "format": "uuid"}
INSTANT: Json = {"type": "string", "format": "date-time"}
DAY: Json = {"type": "string", "format": "date"}
UTC_INSTANT: Json = INSTANT | {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$"}

BASE = "/api/v1"
BAD_QUERY = {400: refusal("An unknown, repeated or malformed parameter.")}
PAGING = (
    query("cursor", "Opaque: follow `next` and `previous` instead of making one.", TEXT),
    query(
        "page_size",
        f"Rows a page; {DEFAULT_PAGE_SIZE} where none is given.",
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE},
    ),
)


def nullable(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def page_of(item: Json) -> Json:
    link = nullable({"type": "string", "format": "uri"})
    return closed({"next": link, "previous": link, "results": {"type": "array", "items": item}})
