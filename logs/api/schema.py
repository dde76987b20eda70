"""What the API's documentation says of each operation of the record, as data. Serves nothing."""

from __future__ import annotations

from logs.api import shapes
from logs.api.case_schema import CASE_COMPONENTS, CASE_OPERATIONS
from logs.api.examples import EXAMPLES
from logs.api.retention_schema import RETENTION_COMPONENTS, RETENTION_OPERATIONS
from logs.record.drafts import MAX_EVENTS
from logs.record.vocabulary import LogType, Outcome
from logs.record.wire import FILTER_FIELDS
from orgo_audit import api_schema
from orgo_audit.api_schema import (
    BAD_QUERY,
    BASE,
    JSON,
    NDJSON,
    PAGING,
    Documented,
    Json,
    Operation,
    answer,
    in_path,
    query,
    ref,
    refusal,
)

_KEPT = (
    "Events are kept for the periods of the policy, counted from `recorded_at`; older ones have"
    " been destroyed under it, unless a hold keeps them, and are in no answer and no file from the"
    " moment on at which their period was over."
)
_EVENT_ID = in_path("event_id", "The event's id, from a receipt or a list.", api_schema.UUID)
_FILTER_WORDS = {
    "action": "What happened, as sent; in error logs the error.",
    "status": "The status as sent.",
    "user": "Who acted.",
    "task_id": "One task.",
    "email_id": "One mail.",
    "ip_address": "IPv4 or IPv6, in any spelling.",
    "from": "Where a task came from.",
    "to": "Where a task goes.",
    "source": "The service that delivered it.",
    "outcome": "How it ended.",
}
_OUTCOME = {"type": "string", "enum": [outcome.value for outcome in Outcome]}
_TIMES = (
    query("since", "Not before this time, by `timestamp`.", api_schema.INSTANT),
    query("until", "Before this time, by `timestamp`.", api_schema.INSTANT),
)
_FILTERS = (
    *_TIMES,
    *(
        query(name, _FILTER_WORDS[name], _OUTCOME if name == "outcome" else api_schema.TEXT)
        for name in FILTER_FIELDS
    ),
    query("q", "Search; answers 400 until it is built.", api_schema.TEXT),
)
_MANNER = (
    shapes.FORM,
    query("time_zone", "The zone of a CSV's times, such as `Europe/Vienna`; UTC.", api_schema.TEXT),
    query("count", "`true`: the last line tells how many events there are.", {"type": "boolean"}),
)
_BODY_HEADERS: tuple[Json, ...] = (
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Your name for this batch: a retry with it gets the first receipt again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
    },
    {
        "name": "Content-Encoding",
        "in": "header",
        "description": "`gzip` where the body is packed.",
        "schema": {"enum": ["gzip", "identity"]},
    },
)


def _log_operations(name: str, log_type: LogType | None) -> dict[str, Operation]:
    """The four operations of one log, or of all three together."""
    slug = name.replace("-", "_")
    tag = name.replace("-", " ").capitalize() if log_type else "All logs"
    event = shapes.event_name(log_type) if log_type else "Event"
    path = f"{BASE}/{name}/"
    return {
        f"POST {path}": _delivery(slug, tag, event),
        f"GET {path}": Operation(
            f"list_{slug}",
            tag,
            "List events",
            "Newest first, by `timestamp`; pages go by key, so page 1,000 costs what page 1 does."
            f" {_KEPT}",
            {200: answer("One page.", ref(f"{event}Page")), **BAD_QUERY},
            EXAMPLES[f"list_{slug}"],
            (*_FILTERS, *PAGING),
        ),
        f"GET {path}export/": _export(slug, tag),
        f"GET {path}{{event_id}}/": Operation(
            f"get_{slug}",
            tag,
            "Read one event",
            "An id of another log type, or of another organization, is not here; nor is one whose"
            " period is over.",
            {200: answer("The event.", ref(event)), **BAD_QUERY},
            EXAMPLES[f"get_{slug}"],
            (_EVENT_ID,),
        ),
    }


def _delivery(slug: str, tag: str, event: str) -> Operation:
    receipt = ref("Receipt")
    mixed = " Each item says its `log_type`." if event == "Event" else ""
    content = {JSON: {"schema": ref(f"{event}Batch")}, NDJSON: {"schema": api_schema.TEXT}}
    return Operation(
        f"deliver_{slug}",
        tag,
        "Deliver events",
        f"One event, an array, or NDJSON; at most {MAX_EVENTS} events or 8 MiB a request.{mixed}"
        " The receipt has a verdict per item. Needs a token of scope `ingest`.",
        {
            201: answer("All stored.", receipt),
            202: answer("None refused, at least one sealed for the vault.", receipt),
            207: answer("Some refused; `rejected` says which and why.", receipt),
            400: refusal("None accepted, or the body cannot be used.", "NothingAccepted"),
            409: refusal("The same Idempotency-Key came with another body."),
            415: refusal("Neither JSON nor NDJSON, or packed otherwise than with gzip."),
        },
        EXAMPLES[f"deliver_{slug}"],
        _BODY_HEADERS,
        {"required": True, "content": content},
        ("token",),
    )


def _export(slug: str, tag: str) -> Operation:
    return Operation(
        f"export_{slug}",
        tag,
        "Export events",
        "Streams exactly the events that the list's filters select, in the same order. In CSV a"
        f" cell that a spreadsheet would take for a formula gets an apostrophe before it. {_KEPT}",
        {200: {"description": "The events, a line each.", "content": shapes.FILE}, **BAD_QUERY},
        EXAMPLES[f"export_{slug}"],
        (*_FILTERS, *_MANNER),
    )


_TRACE = Operation(
    "get_trace",
    "Traces",
    "Follow one task",
    "A task from e-mail to completion: its stages against the policy's deadlines, and its events"
    f" of all types in order. {_KEPT}",
    {200: answer("The trace.", ref("Trace")), **BAD_QUERY},
    EXAMPLES["get_trace"],
    (in_path("task_id", "The task; may hold slashes.", api_schema.TEXT | {"minLength": 1}),),
)

# --- the quarantine -----------------------------------------------------------------------------

_ITEM_ID = in_path("item_id", "The item's id, from the list.", api_schema.UUID)
_QUARANTINE_FILTERS = (
    query("since", "Not before this time, by `recorded_at`.", api_schema.INSTANT),
    query("until", "Before this time, by `recorded_at`.", api_schema.INSTANT),
    query("source", "The service that sent it.", api_schema.TEXT),
    query("log_type", "One log.", {"enum": [kind.value for kind in LogType]}),
    query("code", "Why it was refused.", api_schema.TEXT),
)
_QUARANTINE = {
    f"GET {BASE}/quarantine/": Operation(
        "list_quarantine",
        "Quarantine",
        "List refused items",
        "What was refused and why, newest first. For people with the role `admin`.",
        {200: answer("One page.", ref("QuarantinePage")), **BAD_QUERY},
        EXAMPLES["list_quarantine"],
        (*_QUARANTINE_FILTERS, *PAGING),
        security=("session",),
    ),
    f"POST {BASE}/quarantine/{{item_id}}/replay/": Operation(
        "replay_quarantined",
        "Quarantine",
        "Judge an item again",
        "A new verdict on the item as it was sent; accepted, it leaves the quarantine. No body.",
        {
            200: answer("The verdict.", ref("Verdict")),
            **BAD_QUERY,
            409: refusal("Only the item's beginning was kept."),
        },
        EXAMPLES["replay_quarantined"],
        (_ITEM_ID,),
        security=("session",),
    ),
    f"POST {BASE}/quarantine/{{item_id}}/discard/": Operation(
        "discard_quarantined",
        "Quarantine",
        "Discard an item",
        "Removes the item for good; the reason stays in the record.",
        {200: answer("It is gone.", ref("Discarded")), **BAD_QUERY},
        EXAMPLES["discard_quarantined"],
        (_ITEM_ID,),
        {"required": True, "content": {JSON: {"schema": ref("Reason")}}},
        ("session",),
    ),
}

OPERATIONS: dict[str, Operation] = {
    **_log_operations("activity-logs", LogType.ACTIVITY),
    **_log_operations("security-logs", LogType.SECURITY),
    **_log_operations("error-logs", LogType.ERROR),
    **_log_operations("logs", None),
    f"GET {BASE}/traces/{{task_id}}/": _TRACE,
    **_QUARANTINE,
    **RETENTION_OPERATIONS,
    **CASE_OPERATIONS,
}


class RecordSchema(Documented):
    """The record's part of the API's documentation."""

    def __init__(self) -> None:
        super().__init__(
            OPERATIONS, {**shapes.COMPONENTS, **CASE_COMPONENTS, **RETENTION_COMPONENTS}
        )
