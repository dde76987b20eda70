"""What the API's documentation says of HR's world: its operations and shapes as data."""

from __future__ import annotations

from typing import Any, get_args

from logs.api import shapes
from logs.api.case_examples import CASE_EXAMPLES
from logs.cases.acts import LONGEST_TEXT, MAX_MINUTES, MAX_VIEWS
from logs.cases.clock import DeadlineState
from logs.cases.looks import PURPOSE_LENGTH
from logs.cases.models import CaseState, RequestState
from orgo_audit import api_schema
from orgo_audit.api_schema import (
    BAD_QUERY,
    BASE,
    COUNT,
    DAY,
    JSON,
    PAGING,
    TEXT,
    UTC_INSTANT,
    UUID,
    Json,
    Operation,
    answer,
    closed,
    in_path,
    nullable,
    page_of,
    query,
    ref,
    refusal,
)
from orgo_audit.policy.schema import CASE_STEPS

_CASE_STATE: Json = {"type": "string", "enum": list(CaseState.values)}
_HR = "For HR managers: their own cases alone, as far as the policy shows them."
_PURPOSE: Json = {
    "name": "Purpose",
    "in": "header",
    "description": "What this look is for; it is kept in the restricted access log. UTF-8.",
    "schema": {"type": "string", "maxLength": PURPOSE_LENGTH},
}
_MOMENT = {"anyOf": [api_schema.INSTANT, DAY]}
_CODE_IN_PATH = in_path("code", "The case's code, from the list.", api_schema.UUID)
_REQUEST_ID = in_path("request_id", "The request's id.", api_schema.UUID)
_EVENT_FILTERS = (
    query("workflow", "One sensitive workflow.", api_schema.NOT_EMPTY),
    query("case", "One case, by its code.", api_schema.UUID),
    query("action", "What happened, as it is shown.", api_schema.NOT_EMPTY),
    query("status", "The status as it is shown.", api_schema.NOT_EMPTY),
    query("since", "Not before this day or time, by `timestamp`.", _MOMENT),
    query("until", "Before this day or time, by `timestamp`.", _MOMENT),
)
_CASE_FILTERS = (
    query("workflow", "One sensitive workflow.", api_schema.NOT_EMPTY),
    query("state", "Open or closed ones.", _CASE_STATE),
    query("since", "Opened on this day or later.", _MOMENT),
    query("until", "Opened before this day.", _MOMENT),
)
_PLACE = {"type": "integer", "minimum": 0, "maximum": 999_999_999}


def _restricted(
    identifier: str,
    tag: str,
    summary: str,
    description: str,
    answered: dict[int, Json],
    *parameters: Json,
    body: str = "",
) -> Operation:
    refused = {409: refusal("Not as things stand: look at the request again.")} if body else {}
    return Operation(
        identifier,
        tag,
        summary,
        description,
        {**answered, **BAD_QUERY, **refused},
        CASE_EXAMPLES[identifier],
        (*parameters, _PURPOSE),
        {"required": True, "content": {JSON: {"schema": ref(body)}}} if body else None,
        ("session",),
    )


_EVENTS, _CASES, _REVEALS = "Anonymized logs", "Cases", "Reveal requests"
_REQUESTS = f"{BASE}/cases/{{code}}/reveal-requests/"
CASE_OPERATIONS: dict[str, Operation] = {
    f"GET {BASE}/anonymized-logs/": _restricted(
        "list_anonymized_logs",
        _EVENTS,
        "List anonymized events",
        f"The latest day first, each case in its order. {_HR}",
        {200: answer("One page.", ref("AnonymizedEventPage"))},
        *_EVENT_FILTERS,
        *PAGING,
    ),
    f"GET {BASE}/anonymized-logs/export/": _restricted(
        "export_anonymized_logs",
        _EVENTS,
        "Export anonymized events",
        f"Exactly the events that the list's filters select. {_HR}",
        {200: {"description": "The events, a line each.", "content": shapes.FILE}},
        *_EVENT_FILTERS,
        shapes.FORM,
    ),
    f"GET {BASE}/cases/": _restricted(
        "list_cases",
        _CASES,
        "List cases",
        f"The latest opened first, each with its clock. {_HR}",
        {200: answer("One page.", ref("CasePage"))},
        *_CASE_FILTERS,
        *PAGING,
    ),
    f"GET {BASE}/cases/{{code}}/": _restricted(
        "get_case",
        _CASES,
        "Read one case",
        f"Its clock, its participants by label, its events in order, its notes. {_HR}",
        {200: answer("The case.", ref("Case"))},
        _CODE_IN_PATH,
        query("after", "Events behind this place alone; see `events_next`.", _PLACE),
    ),
    f"GET {_REQUESTS}": _restricted(
        "list_reveal_requests",
        _REVEALS,
        "List a case's requests",
        "The own ones for HR managers; all for custodians, auditors and data protection officers.",
        {200: answer("The requests, open ones first.", ref("RevealRequests"))},
        _CODE_IN_PATH,
    ),
    f"POST {_REQUESTS}": _restricted(
        "ask_reveal",
        _REVEALS,
        "Ask for a reveal",
        "Asks two custodians to reveal one field behind one label. For HR managers of the case.",
        {201: answer("It waits for custodians.", ref("RevealAsked"))},
        _CODE_IN_PATH,
        body="RevealWish",
    ),
    f"GET {_REQUESTS}{{request_id}}/challenge/": _restricted(
        "get_reveal_challenge",
        _REVEALS,
        "Read what is to be signed",
        "All that a custodian needs to decide, and the options for the passkey.",
        {
            200: answer("The challenge.", ref("Challenge")),
            409: refusal("Decided already, or the custodian has no passkey."),
        },
        _CODE_IN_PATH,
        _REQUEST_ID,
    ),
    f"POST {_REQUESTS}{{request_id}}/approve/": _restricted(
        "approve_reveal",
        _REVEALS,
        "Approve",
        "By a custodian, with a passkey's signature over exactly this request; two grant it.",
        {200: answer("The request's state.", ref("RequestState"))},
        _CODE_IN_PATH,
        _REQUEST_ID,
        body="Approval",
    ),
    f"POST {_REQUESTS}{{request_id}}/deny/": _restricted(
        "deny_reveal",
        _REVEALS,
        "Deny",
        "By a custodian. One denial ends the request, and stays visible.",
        {200: answer("The request's state.", ref("RequestState"))},
        _CODE_IN_PATH,
        _REQUEST_ID,
        body="Denial",
    ),
    f"POST {_REQUESTS}{{request_id}}/view/": _restricted(
        "view_reveal",
        _REVEALS,
        "See the value",
        "By whoever asked, as often and as long as was granted; each time is on record first.",
        {200: answer("The value.", ref("RevealedValue"))},
        _CODE_IN_PATH,
        _REQUEST_ID,
        body="Nothing",
    ),
}

# --- shapes -------------------------------------------------------------------------------------

_LABEL: Json = {"type": "string", "pattern": "^Anon[0-9]+$"}
_LABELS: Json = {"type": "array", "items": _LABEL}
_ANY_OBJECT: Json = {"type": "object", "additionalProperties": True}
_WORDS: Json = TEXT | {"minLength": 1, "maxLength": LONGEST_TEXT, "pattern": r"\S"}
_CODE: Json = UUID | {"description": "Our own code of the case, made by chance."}


def _whole(least: int, most: int) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most}


_ANONYMIZED = closed(
    {
        "id": UUID,
        "timestamp": UTC_INSTANT | {"description": "The day, or the hour where the policy says."},
        "action": TEXT,
        "status": TEXT,
        "case_id": _CODE,
        "workflow": TEXT,
        "organization": TEXT,
        "anonymized_fields": {
            "type": "object",
            "additionalProperties": {"anyOf": [_LABEL, _LABELS]},
            "description": "Who had which part, by the labels of this case.",
        },
        "released_text": TEXT | {"description": "What a custodian released of the text."},
    },
    ("status", "released_text"),
)
_DEADLINE = closed(
    {
        "step": {"type": "string", "enum": list(CASE_STEPS)},
        "due": DAY,
        "done": nullable(DAY),
        "state": {"type": "string", "enum": list(get_args(DeadlineState))},
    }
)
_CASE: dict[str, Any] = {
    "code": _CODE,
    "workflow": TEXT,
    "organization": TEXT,
    "opened": DAY,
    "state": _CASE_STATE,
    "closed": nullable(DAY),
    "acknowledged": nullable(DAY),
    "answered": nullable(DAY),
    "age_days": COUNT,
    "deadlines": {"type": "array", "items": _DEADLINE},
    "destroyed_after": nullable(DAY),
}
_WHOLE_CASE: dict[str, Any] = {
    **_CASE,
    "participants": _LABELS,
    "notes": {
        "type": "array",
        "items": closed({"written_at": UTC_INSTANT, "by": TEXT, "text": TEXT}),
    },
    "events": {
        "type": "array",
        "items": ref("AnonymizedEvent"),
        "description": "In their order, at most 500.",
    },
    "events_next": nullable({"type": "string", "format": "uri"})
    | {"description": "Where the case goes on, if it does."},
}
_FIELD: Json = {"type": "string", "enum": ["identity", "name", "email", "phone", "address"]}
_ASKED: dict[str, Any] = {
    "label": _LABEL,
    "field": _FIELD,
    "minutes": _whole(1, MAX_MINUTES) | {"description": "How long it may be seen, once approved."},
    "views": _whole(1, MAX_VIEWS) | {"description": "How often."},
}
_REQUEST_STATE: Json = {"type": "string", "enum": list(RequestState.values)}
_DECISION = closed(
    {
        "custodian": TEXT,
        "approved": {"type": "boolean"},
        "decided_at": UTC_INSTANT,
        "is_void": {"type": "boolean"},
    }
)
_REVEAL_REQUEST = closed(
    {
        "id": UUID,
        "state": _REQUEST_STATE,
        **_ASKED,
        "views_done": COUNT,
        "requester": TEXT,
        "asked_at": UTC_INSTANT,
        "expires_at": UTC_INSTANT,
        "decisions": {"type": "array", "items": _DECISION},
    }
)
_CHALLENGE = closed(
    {
        "petition": _ANY_OBJECT
        | {
            "description": "What is asked for. The challenge is the SHA-256 of this as JSON, its"
            " keys sorted, in ASCII, without spaces."
        },
        "reason": TEXT,
        "requester": TEXT,
        "options": _ANY_OBJECT
        | {"description": "For `navigator.credentials.get({publicKey: …})`, as JSON."},
        "approvals": {"type": "array", "items": _ANY_OBJECT},
        "denials": {
            "type": "array",
            "items": _ANY_OBJECT,
            "description": "Of earlier requests for this label too.",
        },
    }
)
CASE_COMPONENTS: dict[str, Json] = {
    "AnonymizedEvent": _ANONYMIZED,
    "AnonymizedEventPage": page_of(ref("AnonymizedEvent")),
    "CaseInList": closed(_CASE),
    "CasePage": page_of(ref("CaseInList")),
    "Case": closed(_WHOLE_CASE),
    "RevealWish": closed({**_ASKED, "reason": _WORDS}),
    "RevealAsked": closed({"id": UUID, "state": {"const": "pending"}}),
    "RevealRequest": _REVEAL_REQUEST,
    "RevealRequests": closed({"results": {"type": "array", "items": ref("RevealRequest")}}),
    "Challenge": _CHALLENGE,
    "Approval": closed(
        {"assertion": _ANY_OBJECT | {"description": "What the passkey gave, by `toJSON()`."}}
    ),
    "Denial": closed({"why": _WORDS}),
    "RequestState": closed({"state": _REQUEST_STATE}),
    "Nothing": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    "RevealedValue": closed(
        {"value": nullable(TEXT) | {"description": "Null where this field is not known."}}
    ),
}
