"""What the API's documentation says of retention: its operations and shapes as data."""

from __future__ import annotations

from logs.api import shapes
from logs.api.retention_examples import RETENTION_EXAMPLES
from logs.api.shapes import BAD_QUERY, BASE, PAGING, nullable
from logs.retention.models import LONGEST, Means
from orgo_audit.api_schema import (
    JSON,
    Json,
    Operation,
    answer,
    closed,
    in_path,
    ref,
    refusal,
)

_ADMINS = "For people with the role `admin`: their own organizations alone."
_HOLD_ID = in_path("hold_id", "The hold's id, from the list.", shapes.UUID)


def _operation(
    identifier: str,
    summary: str,
    description: str,
    answered: dict[int, Json],
    *parameters: Json,
    body: str = "",
) -> Operation:
    tag = "Legal holds" if identifier.endswith(("hold", "holds")) else "Retention"
    return Operation(
        identifier,
        tag,
        summary,
        f"{description} {_ADMINS}",
        {**answered, **BAD_QUERY},
        RETENTION_EXAMPLES[identifier],
        parameters,
        {"required": True, "content": {JSON: {"schema": ref(body)}}} if body else None,
        ("session",),
    )


RETENTION_OPERATIONS: dict[str, Operation] = {
    f"GET {BASE}/retention/plan/": _operation(
        "get_retention_plan",
        "Read the plan",
        "What will be destroyed and when, what a hold keeps, which conflict nobody has resolved,"
        " segment by segment; nothing is destroyed that was not `published` before.",
        {200: answer("The plan of this moment.", ref("RetentionPlan"))},
    ),
    f"GET {BASE}/retention/certificates/": _operation(
        "list_certificates",
        "List certificates",
        "What was destroyed, the newest first.",
        {200: answer("One page.", ref("CertificatePage"))},
        *PAGING,
    ),
    f"GET {BASE}/legal-holds/": _operation(
        "list_legal_holds",
        "List legal holds",
        "The newest first, released ones too.",
        {200: answer("One page.", ref("LegalHoldPage"))},
        *PAGING,
    ),
    f"POST {BASE}/legal-holds/": _operation(
        "place_legal_hold",
        "Place a legal hold",
        "From now on nothing that the scope covers is destroyed, however old it is.",
        {201: answer("The hold.", ref("LegalHold"))},
        body="LegalHoldWish",
    ),
    f"POST {BASE}/legal-holds/{{hold_id}}/release/": _operation(
        "release_legal_hold",
        "Release a legal hold",
        "The first call asks for the release, and the hold still holds; a second person's call"
        " releases. `state` says which it was. No body.",
        {
            200: answer("The hold, `release_asked` or `released`.", ref("LegalHold")),
            409: refusal("Released before, or the second call is by the first person."),
        },
        _HOLD_ID,
    ),
}

# --- shapes -------------------------------------------------------------------------------------


def _words(longest: int) -> Json:
    return shapes.TEXT | {"minLength": 1, "maxLength": longest, "pattern": r"\S"}


_AT: Json = {"at": shapes.UTC_INSTANT}
_WHOSE: Json = {"organization": shapes.TEXT}
_NAMES: Json = {"type": "array", "items": shapes.TEXT}
_ROWS = shapes.COUNT | {"description": "Of the caller's organizations alone."}
_DECISION: Json = {
    "oneOf": [
        closed({"what": {"const": "drop"}, **_AT, "organizations": _NAMES}),
        closed({"what": {"const": "remove"}, **_AT, **_WHOSE, "rows": shapes.COUNT}),
        closed(
            {
                "what": {"const": "held"},
                **_WHOSE,
                "holds": {"type": "array", "items": shapes.UUID},
                "rows": nullable(shapes.COUNT)
                | {"description": "Null: all of a month that nobody counted yet."},
            }
        ),
        closed({"what": {"const": "wait"}, "until": shapes.UTC_INSTANT}),
        closed({"what": {"const": "conflict"}, **_WHOSE}),
    ]
}
_PUBLISHED = closed(
    {
        "id": shapes.UUID,
        "organization": nullable(shapes.TEXT) | {"description": "Null: the whole segment."},
        "kind": {"type": "string", "enum": [Means.DROP.value, Means.REMOVE.value]},
        "period": shapes.TEXT,
        "policy_version": shapes.COUNT,
        "published_at": shapes.UTC_INSTANT,
        "not_before": shapes.UTC_INSTANT
        | {"description": "It happens at the first nightly run from then on."},
        "approved_by": _NAMES,
        "approvals_missing": shapes.COUNT
        | {"description": "How many people's approval the policy still wants, on the page."},
    }
)
_SEGMENT = closed(
    {
        "segment": shapes.TEXT,
        "rows": nullable(_ROWS) | {"description": "Null where nobody counted them yet."},
        "bytes": nullable(shapes.COUNT)
        | {"description": "Of a segment that others share, the part of the caller's rows."},
        "decisions": {"type": "array", "items": _DECISION},
        "published": {"type": "array", "items": _PUBLISHED},
    }
)
_CERTIFICATE = closed(
    {
        "id": shapes.UUID,
        "organization": nullable(shapes.TEXT)
        | {"description": "Null: nobody had anything in that month."},
        "kind": {"type": "string", "enum": list(Means.values)},
        "segment": nullable(shapes.TEXT) | {"description": "Null for a case."},
        "case": nullable(shapes.UUID) | {"description": "A case's code, and nothing else of it."},
        "first_recorded_at": nullable(shapes.UTC_INSTANT),
        "last_recorded_at": nullable(shapes.UTC_INSTANT),
        "rows_at_closing": shapes.COUNT,
        "rows_destroyed": shapes.COUNT,
        "rows_held": shapes.COUNT,
        "digest_at_closing": nullable(shapes.TEXT)
        | {"description": "SHA-256 of the organization's rows, made when the month was over."},
        "policy_version": shapes.COUNT,
        "period": nullable(shapes.TEXT),
        "approved_by": _NAMES,
        "plan": nullable(shapes.UUID),
        "announcement": nullable(shapes.UUID) | {"description": "The event that announced it."},
        "destroyed_at": shapes.UTC_INSTANT,
    }
)
_SEGMENT_NAME: Json = shapes.TEXT | {
    "pattern": "^(activity|security|error)-[1-9][0-9]{3}-(0[1-9]|1[0-2])$"
}
_NAMED = _words(LONGEST["scope"])
_SCOPE: Json = {
    "oneOf": [
        closed({"task_id": _NAMED}),
        closed({"user": _NAMED | {"description": "Who acted, or sent or got a task."}}),
        closed({"segment": _SEGMENT_NAME}),
        closed({"case": shapes.UUID | {"description": "A case by its code."}}),
    ]
}
_SAID: Json = {
    "matter": _words(LONGEST["matter"]),
    "reason": _words(LONGEST["reason"]),
    "scope": _SCOPE,
}
_OWNER: Json = {"owner": _words(LONGEST["owner"]) | {"description": "Who answers for it."}}
_HOLD = closed(
    {
        "id": shapes.UUID,
        "organization": shapes.TEXT,
        "state": {"type": "string", "enum": ["active", "release_asked", "released"]},
        **_SAID,
        **_OWNER,
        "placed_at": shapes.UTC_INSTANT,
        "placed_by": shapes.TEXT,
        "review_on": shapes.DAY,
        "release_asked_by": nullable(shapes.TEXT),
        "release_asked_at": nullable(shapes.UTC_INSTANT),
        "released_by": nullable(shapes.TEXT),
        "released_at": nullable(shapes.UTC_INSTANT),
    }
)
_CHOICE: Json = {
    "owner": _OWNER["owner"] | {"description": "Who answers for it; the caller if absent."},
    "organization": shapes.TEXT | {"description": "Needed by an admin of several."},
}
RETENTION_COMPONENTS: dict[str, Json] = {
    "RetentionPlan": closed(
        {
            "earliest": nullable(shapes.UTC_INSTANT)
            | {"description": "The earliest next deletion."},
            "results": {"type": "array", "items": ref("RetentionSegment")},
        }
    ),
    "RetentionSegment": _SEGMENT,
    "Certificate": _CERTIFICATE,
    "CertificatePage": shapes.page_of(ref("Certificate")),
    "LegalHold": _HOLD,
    "LegalHoldPage": shapes.page_of(ref("LegalHold")),
    "LegalHoldWish": closed({**_SAID, **_CHOICE}, tuple(_CHOICE)),
}
