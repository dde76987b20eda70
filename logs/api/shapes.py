"""The record's shapes as JSON Schema, as strict as the doors and answers are. Checks nothing."""

from __future__ import annotations

from typing import Any

from logs.record.drafts import MAX_EVENTS, MAX_REASON_CHARACTERS, MAX_TEXT_CHARACTERS
from logs.record.export import Form
from logs.record.trace import StageState
from logs.record.vocabulary import LogType, Outcome, Stage
from logs.record.wire import ANSWER_FIELDS, action_key
from orgo_audit.api_schema import (
    COUNT,
    INSTANT,
    NDJSON,
    PROBLEM,
    TEXT,
    UTC_INSTANT,
    UUID,
    Json,
    closed,
    nullable,
    page_of,
    query,
    ref,
)

_OUTCOME: Json = {"type": "string", "enum": [outcome.value for outcome in Outcome]}
_LOG_TYPE: Json = {"type": "string", "enum": [kind.value for kind in LogType]}


# What operations share.
FORM = query("format", "NDJSON where none is given.", {"enum": [form.value for form in Form]})
FILE = {NDJSON: {"schema": TEXT}, "text/csv": {"schema": TEXT}}


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
    action = action_key(log_type)
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
        action_key(log_type): TEXT,
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


# --- answers ------------------------------------------------------------------------------------

_REJECTED = closed({"index": COUNT, "code": TEXT, "path": TEXT, "detail": TEXT})
_RECEIPT: dict[str, Any] = {
    "accepted": COUNT | {"description": "Stored and sealed together."},
    "sealed": COUNT | {"description": "Those that went to the vault."},
    "rejected": {"type": "array", "items": _REJECTED},
    "ids": {
        "type": "array",
        "items": nullable(UUID),
        "description": "One place per item; null where it was refused or sealed.",
    },
    "batch": TEXT,
}
_STAGE = closed(
    {
        "stage": {"type": "string", "enum": [stage.value for stage in Stage]},
        "state": {"type": "string", "enum": [state.value for state in StageState]},
        "due": nullable(UTC_INSTANT),
    }
)
_QUARANTINED = closed(
    {
        "id": UUID,
        "recorded_at": UTC_INSTANT,
        "organization": TEXT,
        "source": TEXT,
        "log_type": nullable(_LOG_TYPE),
        "code": TEXT,
        "path": TEXT,
        "detail": TEXT,
        "sent": {"description": "The item as sent; a text where it was cut or is no JSON."},
        "truncated": {"type": "boolean"},
    }
)
_ALL = tuple(LogType)

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
    "NothingAccepted": closed(PROBLEM | _RECEIPT, ("path",))
    | {"description": "With a receipt's keys; `rejected` is empty where no item could be read."},
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
    "Discarded": closed({"discarded": {"const": True}}),
    "Reason": closed({"reason": TEXT | {"minLength": 1, "maxLength": 500, "pattern": r"\S"}}),
}
