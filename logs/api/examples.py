"""An example per operation, which the documentation shows and a test sends. Data alone.

The test puts ids of its own into the places of `IDS`.
"""

from __future__ import annotations

import json
from typing import Any

from logs.api.case_examples import CASE_EXAMPLES
from logs.record.vocabulary import LogType
from orgo_audit.api_schema import Example

BASE = "/api/v1"
_RECORDED = "2026-11-24T10:45:01.250000Z"
IDS = {
    "activity": "019abc52-6f1e-7a31-8f0c-0d4e5b6a7c01",
    "security": "019abc52-6f1e-7a31-8f0c-0d4e5b6a7c02",
    "error": "019abc52-6f1e-7a31-8f0c-0d4e5b6a7c03",
    "item": "019abc52-6f1e-7a31-8f0c-0d4e5b6a7c04",
}
SENT: dict[LogType, dict[str, Any]] = {
    LogType.ACTIVITY: {
        "timestamp": "2024-11-24T10:45:00Z",
        "action": "Task Routed",
        "task_id": "12345",
        "from": "email_parser",
        "to": "maintenance_queue",
        "status": "Success",
    },
    LogType.SECURITY: {
        "timestamp": "2024-11-24T12:00:00Z",
        "user": "admin@organization.com",
        "action": "Failed Login Attempt",
        "ip_address": "192.168.1.1",
    },
    LogType.ERROR: {
        "timestamp": "2024-11-24T14:30:00Z",
        "error": "Email Parsing Failed",
        "email_id": "67890",
        "reason": "Malformed Header",
    },
}
_OUTCOMES = {LogType.ACTIVITY: "success", LogType.SECURITY: "failure", LogType.ERROR: "failure"}
_NARROW = {
    LogType.ACTIVITY: "task_id=12345",
    LogType.SECURITY: "user=admin%40organization.com",
    LogType.ERROR: "email_id=67890",
}
# A value that an operation refuses, item by item.
REFUSED_ITEM = {
    "timestamp": "2024-11-24T10:46:00Z",
    "action": "Task Routed",
    "status": "Success",
    "task_id": 12345,
}
_REFUSAL = {
    "code": "wrong_type",
    "path": "task_id",
    "detail": "expected a text; leave the key out where there is no value",
}


def _answered(log_type: LogType) -> dict[str, Any]:
    return {
        "id": IDS[log_type.value],
        "log_type": log_type.value,
        **SENT[log_type],
        "recorded_at": _RECORDED,
        "organization": "default",
        "source": "email_parser",
        "outcome": _OUTCOMES[log_type],
        "details": {},
    }


def _receipt(*ids: str | None, rejected: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "accepted": len(ids) - len(rejected),
        "sealed": 0,
        "rejected": list(rejected),
        "ids": list(ids),
        "batch": "019abc52-6f1e-7a31-8f0c-0d4e5b6a7c99",
    }


def _page(*results: dict[str, Any]) -> dict[str, Any]:
    return {"next": None, "previous": None, "results": list(results)}


def _problem(status: int, title: str, **more: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, **more}


_UNKNOWN_PARAMETER = _problem(
    400,
    "Bad Request",
    code="unknown_parameter",
    detail="unknown parameter; known: action, cursor, email_id, …",
    path="taskid",
)


def _log_examples(log_type: LogType) -> dict[str, tuple[Example, ...]]:
    name, slug = f"{log_type.value}-logs", f"{log_type.value}_logs"
    path, own = f"{BASE}/{name}/", IDS[log_type.value]
    answered = _answered(log_type)
    key = {"Idempotency-Key": f"{log_type.value}-batch-1"}
    return {
        f"deliver_{slug}": (
            Example("One event", path, 201, _receipt(own), SENT[log_type], headers=key),
        ),
        f"list_{slug}": (
            Example("By filter", f"{path}?{_NARROW[log_type]}&page_size=50", 200, _page(answered)),
            Example("A misspelt filter", f"{path}?taskid=12345", 400, _UNKNOWN_PARAMETER),
        ),
        f"get_{slug}": (Example("By id", f"{path}{own}/", 200, answered),),
        f"export_{slug}": _exports(path, f"{_NARROW[log_type]}&", answered),
    }


def _exports(path: str, narrow: str, answered: dict[str, Any]) -> tuple[Example, ...]:
    action = "error" if "error" in answered else "action"
    columns = ["id", "log_type", "timestamp", action, "user", "task_id", "email_id", "from", "to"]
    columns += ["status", "reason", "ip_address", "workflow", "recorded_at", "organization"]
    columns += ["source", "outcome", "details"]
    cells = [str(answered.get(name, "")) for name in columns]
    csv = f"{','.join(columns)}\n{','.join(cells)}\n"
    end = '{"count":1,"time_zone":"UTC"}\n'
    line = f"{_compact(answered)}\n{end}"
    return (
        Example("As NDJSON, counted", f"{path}export/?{narrow}count=true", 200, line),
        Example("As CSV", f"{path}export/?{narrow}format=csv", 200, csv),
    )


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


_MIXED = [{"log_type": kind.value, **SENT[kind]} for kind in (LogType.ACTIVITY, LogType.SECURITY)]
_QUARANTINED = {
    "id": IDS["item"],
    "recorded_at": _RECORDED,
    "organization": "default",
    "source": "email_parser",
    "log_type": "activity",
    **_REFUSAL,
    "sent": REFUSED_ITEM,
    "truncated": False,
}

EXAMPLES: dict[str, tuple[Example, ...]] = {
    **_log_examples(LogType.ACTIVITY),
    **_log_examples(LogType.SECURITY),
    **_log_examples(LogType.ERROR),
    "deliver_logs": (
        Example(
            "Two logs in one batch",
            f"{BASE}/logs/",
            201,
            _receipt(IDS["activity"], IDS["security"]),
            _MIXED,
        ),
        Example(
            "One of two refused",
            f"{BASE}/logs/",
            207,
            _receipt(IDS["activity"], None, rejected=({"index": 1, **_REFUSAL},)),
            [_MIXED[0], {"log_type": "activity", **REFUSED_ITEM}],
        ),
        Example(
            "NDJSON",
            f"{BASE}/logs/",
            201,
            _receipt(IDS["activity"], IDS["security"]),
            "".join(f"{_compact(event)}\n" for event in _MIXED),
            media_type="application/x-ndjson",
        ),
    ),
    "list_logs": (
        Example(
            "Failures of all logs",
            f"{BASE}/logs/?outcome=failure&source=email_parser",
            200,
            _page(_answered(LogType.ERROR), _answered(LogType.SECURITY)),
        ),
    ),
    "get_logs": (
        Example("By id", f"{BASE}/logs/{IDS['activity']}/", 200, _answered(LogType.ACTIVITY)),
    ),
    "export_logs": (
        Example(
            "As NDJSON, counted",
            f"{BASE}/logs/export/?task_id=12345&count=true",
            200,
            f'{_compact(_answered(LogType.ACTIVITY))}\n{{"count":1,"time_zone":"UTC"}}\n',
        ),
    ),
    "get_trace": (
        Example(
            "A task that was only routed",
            f"{BASE}/traces/12345/",
            200,
            {
                "task_id": "12345",
                "state": "open",
                "stages": [
                    {"stage": "received", "state": "missing", "due": None},
                    {"stage": "parsed", "state": "missing", "due": None},
                    {"stage": "created", "state": "missing", "due": None},
                    {"stage": "routed", "state": "done", "due": None},
                    {"stage": "completed", "state": "due", "due": None},
                ],
                "events": [_answered(LogType.ACTIVITY)],
            },
        ),
    ),
    "list_quarantine": (
        Example(
            "By code",
            f"{BASE}/quarantine/?code=wrong_type",
            200,
            _page(_QUARANTINED),
            by_person=True,
        ),
    ),
    "replay_quarantined": (
        Example(
            "Still refused",
            f"{BASE}/quarantine/{IDS['item']}/replay/",
            200,
            {"verdict": "refused", **_REFUSAL},
            by_person=True,
        ),
    ),
    "discard_quarantined": (
        Example(
            "With a reason",
            f"{BASE}/quarantine/{IDS['item']}/discard/",
            200,
            {"discarded": True},
            {"reason": "a test of the sender, see ticket 17"},
            by_person=True,
        ),
    ),
    **CASE_EXAMPLES,
}
