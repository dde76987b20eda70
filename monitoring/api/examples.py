"""An example per operation of monitoring, which a test sends. Data alone.

The test puts an id of its own into the place of `ALERT_ID`.
"""

from __future__ import annotations

from typing import Any

from orgo_audit.api_schema import BASE, Example

ALERT_ID = "5c1e7b90-2d4f-4a63-8e17-9f0a3b6c2d01"
TASK_ID = "56789"
REASON = "the router is restarted"
_ALERTS = f"{BASE}/alerts"
_ALERT = f"{_ALERTS}/{ALERT_ID}"
_FIRED = {"state": "firing", "at": "2024-11-24T12:45:00Z", "by": "system:alerting", "reason": ""}
SHOWN_ALERT: dict[str, Any] = {
    "alert": "Task Escalation Pending",
    "task_id": TASK_ID,
    "escalation_time": "2 hours",
    "id": ALERT_ID,
    "organization": "default",
    "state": "firing",
    "rule": "escalation_pending",
    "severity": "critical",
    "fired_at": "2024-11-24T12:45:00Z",
    "resolved_at": None,
    "silenced_until": None,
    "facts": {"escalation_time": "2 hours"},
    "history": [_FIRED],
    "deliveries": [
        {
            "at": "2024-11-24T12:45:01.250000Z",
            "receiver": "admin",
            "channel": "email",
            "outcome": "sent",
            "detail": "",
        }
    ],
}


def _after(state: str, reason: str = "", **changed: Any) -> dict[str, Any]:
    step = {"state": state, "at": "2024-11-24T12:50:00.250000Z", "by": "service:email_parser"}
    return SHOWN_ALERT | {
        "state": state,
        "history": [_FIRED, {**step, "reason": reason}],
        **changed,
    }


WEBHOOK: dict[str, Any] = {
    "version": "4",
    "status": "firing",
    "receiver": "portal",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "DiskFull", "severity": "critical", "instance": "db-1"},
            "annotations": {"summary": "the disk is full"},
            "startsAt": "2024-11-24T12:45:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "7b2d31369d8d1e7f",
        },
        {
            "status": "firing",
            "labels": {"alertname": "ErrorRateHigh", "orgo": "portal"},
            "annotations": {},
            "startsAt": "2024-11-24T12:45:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "0c5f9a44b1e2d378",
        },
    ],
}
_NEVER: dict[str, Any] = {
    "state": "never",
    "every": "daily",
    "last_run": None,
    "detail": "",
    "duration_ms": None,
}
_DONE: dict[str, Any] = {
    "state": "ok",
    "every": "daily",
    "last_run": "2024-11-24T03:10:00.250000Z",
    "detail": "91 % of the disk is free",
    "duration_ms": 12,
}
_OTHERS = {"mail": "daily", "queue": "daily", "cache": "weekly", "database": "monthly"}
_CHECKS: list[dict[str, Any]] = [
    *({"name": name, **_NEVER, "every": every} for name, every in _OTHERS.items()),
    {"name": "broker", **_NEVER},
    {"name": "disk", **_DONE},
    {"name": "clock", **_NEVER},
    {"name": "beat", **_NEVER},
]

MONITORING_EXAMPLES: dict[str, tuple[Example, ...]] = {
    "list_alerts": (
        Example(
            "Of one task",
            f"{_ALERTS}/?task_id={TASK_ID}&state=firing",
            200,
            {"next": None, "previous": None, "results": [SHOWN_ALERT]},
        ),
    ),
    "get_alert": (Example("By id", f"{_ALERT}/", 200, SHOWN_ALERT),),
    "acknowledge_alert": (
        Example(
            "With a reason",
            f"{_ALERT}/acknowledge/",
            200,
            _after("acknowledged", REASON),
            {"reason": REASON},
        ),
    ),
    "resolve_alert": (
        Example(
            "Without a word",
            f"{_ALERT}/resolve/",
            200,
            _after("resolved", resolved_at="2024-11-24T12:50:00.250000Z"),
        ),
    ),
    "silence_alert": (
        Example(
            "For two hours",
            f"{_ALERT}/silence/",
            200,
            _after("silenced", REASON, silenced_until="2024-11-24T14:50:00.250000Z"),
            {"for": "2 hours", "reason": REASON},
        ),
    ),
    "take_in_alerts": (
        Example(
            "One of theirs, one of ours",
            f"{_ALERTS}/alertmanager/",
            200,
            {"accepted": 1, "dropped": 1},
            WEBHOOK,
        ),
    ),
    "list_health_checks": (
        Example("All of them", f"{BASE}/health-checks/", 200, {"results": _CHECKS}),
    ),
    "run_health_check": (
        Example(
            "The disk",
            f"{BASE}/health-checks/disk/run/",
            202,
            {"name": "disk", **_DONE, "asked": True},
        ),
    ),
}
