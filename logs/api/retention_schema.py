"""What the API's documentation says of retention: its operations and shapes as data."""

from __future__ import annotations

from logs.api.retention_examples import RETENTION_EXAMPLES
from logs.retention.models import LONGEST, Means
from orgo_audit import api_schema
from orgo_audit.api_schema import (
    BAD_QUERY,
    BASE,
    JSON,
    PAGING,
    Json,
    Operation,
    answer,
    closed,
    in_path,
    nullable,
    ref,
    refusal,
)

_ADMINS = "For people with the role `admin`: their own organizations alone."
_HOLD_ID = in_path("hold_id", "The hold's id, from the list.", api_schema.UUID)


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
    return api_schema.TEXT | {"minLength": 1, "maxLength": longest, "pattern": r"\S"}


_AT: Json = {"at": api_schema.UTC_INSTANT}
_WHOSE: Json = {"organization": api_schema.TEXT}
_NAMES: Json = {"type": "array", "items": api_schema.TEXT}
_ROWS = api_schema.COUNT | {"description": "Of the caller's organizations alone."}
_DECISION: Json = {
    "oneOf": [
        closed({"what": {"const": "drop"}, **_AT, "organizations": _NAMES}),
        closed({"what": {"const": "remove"}, **_AT, **_WHOSE, "rows": api_schema.COUNT}),
        closed(
            {
                "what": {"const": "held"},
                **_WHOSE,
                "holds": {"type": "array", "items": api_schema.UUID},
                "rows": nullable(api_schema.COUNT)
                | {"description": "Null: all of a month that nobody counted yet."},
            }
        ),
        closed({"what": {"const": "wait"}, "until": api_schema.UTC_INSTANT}),
        closed({"what": {"const": "conflict"}, **_WHOSE}),
    ]
}
_PUBLISHED = closed(
    {
        "id": api_schema.UUID,
        "organization": nullable(api_schema.TEXT) | {"description": "Null: the whole segment."},
        "kind": {"type": "string", "enum": [Means.DROP.value, Means.REMOVE.value]},
        "period": api_schema.TEXT,
        "policy_version": api_schema.COUNT,
        "published_at": api_schema.UTC_INSTANT,
        "not_before": api_schema.UTC_INSTANT
        | {"description": "It happens at the first nightly run from then on."},
        "approved_by": _NAMES,
        "approvals_missing": api_schema.COUNT
        | {"description": "How many people's approval the policy still wants, on the page."},
    }
)
_SEGMENT = closed(
    {
        "segment": api_schema.TEXT,
        "rows": nullable(_ROWS) | {"description": "Null where nobody counted them yet."},
        "bytes": nullable(api_schema.COUNT)
        | {"description": "Of a segment that others share, the part of the caller's rows."},
        "decisions": {"type": "array", "items": _DECISION},
        "published": {"type": "array", "items": _PUBLISHED},
    }
)
_CERTIFICATE = closed(
    {
        "id": api_schema.UUID,
        "organization": nullable(api_schema.TEXT)
        | {"description": "Null: nobody had anything in that month."},
        "kind": {"type": "string", "enum": list(Means.values)},
        "segment": nullable(api_schema.TEXT) | {"description": "Null for a case."},
        "case": nullable(api_schema.UUID)
        | {"description": "A case's code, and nothing else of it."},
        "first_recorded_at": nullable(api_schema.UTC_INSTANT),
        "last_recorded_at": nullable(api_schema.UTC_INSTANT),
        "rows_at_closing": api_schema.COUNT,
        "rows_destroyed": api_schema.COUNT,
        "rows_held": api_schema.COUNT,
        "digest_at_closing": nullable(api_schema.TEXT)
        | {"description": "SHA-256 of the organization's rows, made when the month was over."},
        "policy_version": api_schema.COUNT,
        "period": nullable(api_schema.TEXT),
        "approved_by": _NAMES,
        "plan": nullable(api_schema.UUID),
        "announcement": nullable(api_schema.UUID) | {"description": "The event that announced it."},
        "destroyed_at": api_schema.UTC_INSTANT,
    }
)
_SEGMENT_NAME: Json = api_schema.TEXT | {
    "pattern": "^(activity|security|error)-[1-9][0-9]{3}-(0[1-9]|1[0-2])$"
}
_NAMED = _words(LONGEST["scope"])
_SCOPE: Json = {
    "oneOf": [
        closed({"task_id": _NAMED}),
        closed({"user": _NAMED | {"description": "Who acted, or sent or got a task."}}),
        closed({"segment": _SEGMENT_NAME}),
        closed({"case": api_schema.UUID | {"description": "A case by its code."}}),
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
        "id": api_schema.UUID,
        "organization": api_schema.TEXT,
        "state": {"type": "string", "enum": ["active", "release_asked", "released"]},
        **_SAID,
        **_OWNER,
        "placed_at": api_schema.UTC_INSTANT,
        "placed_by": api_schema.TEXT,
        "review_on": api_schema.DAY,
        "release_asked_by": nullable(api_schema.TEXT),
        "release_asked_at": nullable(api_schema.UTC_INSTANT),
        "released_by": nullable(api_schema.TEXT),
        "released_at": nullable(api_schema.UTC_INSTANT),
    }
)
_CHOICE: Json = {
    "owner": _OWNER["owner"] | {"description": "Who answers for it; the caller if absent."},
    "organization": api_schema.TEXT | {"description": "Needed by an admin of several."},
}
RETENTION_COMPONENTS: dict[str, Json] = {
    "RetentionPlan": closed(
        {
            "earliest": nullable(api_schema.UTC_INSTANT)
            | {"description": "The earliest next deletion."},
            "results": {"type": "array", "items": ref("RetentionSegment")},
        }
    ),
    "RetentionSegment": _SEGMENT,
    "Certificate": _CERTIFICATE,
    "CertificatePage": api_schema.page_of(ref("Certificate")),
    "LegalHold": _HOLD,
    "LegalHoldPage": api_schema.page_of(ref("LegalHold")),
    "LegalHoldWish": closed({**_SAID, **_CHOICE}, tuple(_CHOICE)),
}
