"""The record's shapes as JSON Schema, as strict as the doors and answers are. Checks nothing."""

from __future__ import annotations

from typing import Any, get_args

from logs.cases.clock import DeadlineState
from logs.cases.models import CaseState, RequestState
from logs.record.drafts import (
    ANSWER_FIELDS,
    MAX_EVENTS,
    MAX_REASON_CHARACTERS,
    MAX_TEXT_CHARACTERS,
)
from logs.record.trace import StageState
from logs.record.vocabulary import LogType, Outcome, Stage
from orgo_audit.api_schema import PROBLEM, Json, closed, ref
from orgo_audit.policy.schema import CASE_STEPS

TEXT: Json = {"type": "string"}
NOT_EMPTY: Json = TEXT | {"minLength": 1}
COUNT: Json = {"type": "integer", "minimum": 0}
UUID: Json = {"type": "string", "format": "uuid"}
INSTANT: Json = {"type": "string", "format": "date-time"}
UTC_INSTANT: Json = INSTANT | {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$"}
_OUTCOME: Json = {"type": "string", "enum": [outcome.value for outcome in Outcome]}
_LOG_TYPE: Json = {"type": "string", "enum": [kind.value for kind in LogType]}


def _nullable(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _action_of(log_type: LogType) -> str:
    return "error" if log_type is LogType.ERROR else "action"


def event_name(log_type: LogType) -> str:
    return f"{log_type.value.title()}Event"


# --- events -------------------------------------------------------------------------------------

_KNOWN = {
    "user": "Who acted.",
    "task_id": "The task that it belongs to.",
    "email_id": "The mail that it belongs to.",
    "from": "Where a task came from.",
    "to": "Where a task goes.",
    "status": "How it ended, in the sender's words.",
    "reason": "Why.",
    "ip_address": "IPv4 or IPv6, kept in its usual spelling.",
    "workflow": "One of the policy's; an unknown one makes the event sensitive.",
}


def _sent_event(log_type: LogType, *, mixed: bool) -> Json:
    action = _action_of(log_type)
    short = TEXT | {"maxLength": MAX_TEXT_CHARACTERS}
    limits = {"reason": TEXT | {"maxLength": MAX_REASON_CHARACTERS}}
    address = {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}], "type": "string"}
    limits["ip_address"] = address
    known = {name: limits.get(name, short) | {"description": _KNOWN[name]} for name in _KNOWN}
    time = INSTANT | {"description": "The sender's clock, at most five minutes ahead of ours."}
    return {
        "type": "object",
        "description": "Keys beyond these are kept in `details`.",
        "properties": {
            "timestamp": time,
            action: short | {"minLength": 1, "description": "What happened."},
            **known,
            "log_type": {"const": log_type.value},
            "details": {"description": "Anything more, up to 64 KiB together with unknown keys."},
        },
        "required": ["timestamp", action, *(["log_type"] if mixed else [])],
        "additionalProperties": True,
    }


def _event(log_type: LogType) -> Json:
    properties = {
        "id": UUID,
        "log_type": {"const": log_type.value},
        "timestamp": UTC_INSTANT,
        _action_of(log_type): TEXT,
        **{name: TEXT | {"description": _KNOWN[name]} for name in ANSWER_FIELDS},
        "recorded_at": UTC_INSTANT | {"description": "Our clock."},
        "organization": TEXT,
        "source": TEXT | {"description": "The service whose token delivered it."},
        "outcome": _OUTCOME,
        "details": {"type": "object", "additionalProperties": True},
    }
    return closed(properties, tuple(ANSWER_FIELDS))


def _any_of_logs(prefix: str, log_types: tuple[LogType, ...]) -> Json:
    return {"oneOf": [ref(f"{prefix}{event_name(kind)}") for kind in log_types]}


def _batch(event: Json) -> Json:
    several = {"type": "array", "items": event, "minItems": 1, "maxItems": MAX_EVENTS}
    return {"anyOf": [event, several]}


def page_of(item: Json) -> Json:
    link = _nullable({"type": "string", "format": "uri"})
    return closed({"next": link, "previous": link, "results": {"type": "array", "items": item}})


# --- answers ------------------------------------------------------------------------------------

_REJECTED = closed({"index": COUNT, "code": TEXT, "path": TEXT, "detail": TEXT})
_RECEIPT: dict[str, Any] = {
    "accepted": COUNT | {"description": "Stored and sealed together."},
    "sealed": COUNT | {"description": "Those that went to the vault."},
    "rejected": {"type": "array", "items": _REJECTED},
    "ids": {
        "type": "array",
        "items": _nullable(UUID),
        "description": "One place per item; null where it was refused or sealed.",
    },
    "batch": TEXT,
}
_STAGE = closed(
    {
        "stage": {"type": "string", "enum": [stage.value for stage in Stage]},
        "state": {"type": "string", "enum": [state.value for state in StageState]},
        "due": _nullable(UTC_INSTANT),
    }
)
_QUARANTINED = closed(
    {
        "id": UUID,
        "recorded_at": UTC_INSTANT,
        "organization": TEXT,
        "source": TEXT,
        "log_type": _nullable(_LOG_TYPE),
        "code": TEXT,
        "path": TEXT,
        "detail": TEXT,
        "sent": {"description": "The item as sent; a text where it was cut or is no JSON."},
        "truncated": {"type": "boolean"},
    }
)
_ALL = tuple(LogType)

# --- the restricted area ------------------------------------------------------------------------

DAY: Json = {"type": "string", "format": "date"}
CASE_STATE: Json = {"type": "string", "enum": list(CaseState.values)}
_LABEL: Json = {"type": "string", "pattern": "^Anon[0-9]+$"}
_LABELS: Json = {"type": "array", "items": _LABEL}
_ANY_OBJECT: Json = {"type": "object", "additionalProperties": True}
_WORDS: Json = TEXT | {"minLength": 1, "maxLength": 2000, "pattern": r"\S"}
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
        "done": _nullable(DAY),
        "state": {"type": "string", "enum": list(get_args(DeadlineState))},
    }
)
_CASE: dict[str, Any] = {
    "code": _CODE,
    "workflow": TEXT,
    "organization": TEXT,
    "opened": DAY,
    "state": CASE_STATE,
    "closed": _nullable(DAY),
    "acknowledged": _nullable(DAY),
    "answered": _nullable(DAY),
    "age_days": COUNT,
    "deadlines": {"type": "array", "items": _DEADLINE},
    "destroyed_after": _nullable(DAY),
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
    "events_next": _nullable({"type": "string", "format": "uri"})
    | {"description": "Where the case goes on, if it does."},
}
_FIELD: Json = {"type": "string", "enum": ["identity", "name", "email", "phone", "address"]}
_ASKED: dict[str, Any] = {
    "label": _LABEL,
    "field": _FIELD,
    "minutes": _whole(1, 15) | {"description": "How long it may be seen, once approved."},
    "views": _whole(1, 3) | {"description": "How often."},
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
_CASE_COMPONENTS: dict[str, Json] = {
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
        {"value": _nullable(TEXT) | {"description": "Null where this field is not known."}}
    ),
}

COMPONENTS: dict[str, Json] = {
    **{event_name(kind): _event(kind) for kind in LogType},
    **{f"Sent{event_name(kind)}": _sent_event(kind, mixed=False) for kind in LogType},
    **{f"Mixed{event_name(kind)}": _sent_event(kind, mixed=True) for kind in LogType},
    "Event": _any_of_logs("", _ALL),
    "MixedEvent": _any_of_logs("Mixed", _ALL),
    **{f"{event_name(kind)}Batch": _batch(ref(f"Sent{event_name(kind)}")) for kind in LogType},
    "EventBatch": _batch(ref("MixedEvent")),
    **{f"{event_name(kind)}Page": page_of(ref(event_name(kind))) for kind in LogType},
    "EventPage": page_of(ref("Event")),
    "Receipt": closed(_RECEIPT),
    "NothingAccepted": closed(PROBLEM | _RECEIPT, ("path", *_RECEIPT))
    | {"description": "A refusal; with the receipt's keys where items were judged."},
    "Trace": closed(
        {
            "task_id": TEXT,
            "state": {"type": "string", "enum": ["open", "escalated", "completed"]},
            "stages": {"type": "array", "items": _STAGE},
            "events": {"type": "array", "items": ref("Event")},
            "erased": COUNT
            | {"minimum": 1, "description": "Events that went on a person's request, if any did."},
        },
        ("erased",),
    ),
    "QuarantinedItem": _QUARANTINED,
    "QuarantinePage": page_of(ref("QuarantinedItem")),
    "Verdict": {
        "oneOf": [
            closed({"verdict": {"const": "accepted"}}),
            closed({"verdict": {"const": "refused"}, "code": TEXT, "path": TEXT, "detail": TEXT}),
        ]
    },
    **_CASE_COMPONENTS,
    "Discarded": closed({"discarded": {"const": True}}),
    "Reason": closed({"reason": TEXT | {"minLength": 1, "maxLength": 500, "pattern": r"\S"}}),
}
