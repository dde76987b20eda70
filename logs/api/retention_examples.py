"""An example per operation of retention, which a test sends. Data alone.

The test puts ids of its own into the places of `RETENTION_IDS`.
"""

from __future__ import annotations

from typing import Any

from orgo_audit.api_schema import Example

_BASE = "/api/v1"
RETENTION_IDS = {
    "hold": "2b8e4a60-3c1d-4f7a-9e25-6d0c1b7a8f01",
    "certificate": "2b8e4a60-3c1d-4f7a-9e25-6d0c1b7a8f02",
    "plan": "2b8e4a60-3c1d-4f7a-9e25-6d0c1b7a8f03",
    "announcement": "019abc52-6f1e-7a31-8f0c-0d4e5b6a7c05",
}
HOLD_WISH: dict[str, Any] = {
    "matter": "Roe against the organization",
    "reason": "a claim is expected",
    "scope": {"task_id": "12345"},
}
_HOLD = {
    "id": RETENTION_IDS["hold"],
    "organization": "default",
    "state": "active",
    **HOLD_WISH,
    "owner": "ada",
    "placed_at": "2026-11-24T10:45:01.250000Z",
    "placed_by": "ada",
    "review_on": "2027-02-22",
    "release_asked_by": None,
    "release_asked_at": None,
    "released_by": None,
    "released_at": None,
}
_ASKED = {
    **_HOLD,
    "state": "release_asked",
    "release_asked_by": "ada",
    "release_asked_at": "2026-11-25T09:00:00.250000Z",
}
_CERTIFICATE: dict[str, Any] = {
    "id": RETENTION_IDS["certificate"],
    "organization": "default",
    "kind": "drop",
    "segment": "activity-2026-03",
    "case": None,
    "first_recorded_at": "2026-03-01T12:00:00Z",
    "last_recorded_at": "2026-03-01T12:00:00Z",
    "rows_at_closing": 1,
    "rows_destroyed": 1,
    "rows_held": 0,
    "digest_at_closing": "5f" * 32,
    "policy_version": 1,
    "period": "6 months",
    "approved_by": [],
    "plan": RETENTION_IDS["plan"],
    "announcement": RETENTION_IDS["announcement"],
    "destroyed_at": "2026-10-02T01:00:00.250000Z",
}


def _segment(name: str, **decision: Any) -> dict[str, Any]:
    told = {"segment": name, "rows": None, "bytes": 65536}
    return {**told, "decisions": [decision], "published": []}


_PLAN = {
    "earliest": "2027-12-01T00:00:00Z",
    "results": [
        _segment(
            "activity-2026-11",
            what="held",
            organization="default",
            holds=[RETENTION_IDS["hold"]],
            rows=1,
        ),
        _segment("error-2026-11", what="wait", until="2027-12-01T00:00:00Z"),
        _segment("security-2026-11", what="wait", until="2028-12-01T00:00:00Z"),
    ],
}


def _page(*results: dict[str, Any]) -> dict[str, Any]:
    return {"next": None, "previous": None, "results": list(results)}


def _one(
    title: str, path: str, answer: Any, body: Any = None, *, status: int = 200
) -> tuple[Example, ...]:
    return (Example(title, f"{_BASE}{path}", status, answer, body, by_person=True),)


RETENTION_EXAMPLES: dict[str, tuple[Example, ...]] = {
    "get_retention_plan": _one("Of this moment", "/retention/plan/", _PLAN),
    "list_certificates": _one("The newest", "/retention/certificates/", _page(_CERTIFICATE)),
    "list_legal_holds": _one("The newest", "/legal-holds/", _page(_HOLD)),
    "place_legal_hold": _one("On a task", "/legal-holds/", _HOLD, HOLD_WISH, status=201),
    "release_legal_hold": _one(
        "The first of two people", f"/legal-holds/{RETENTION_IDS['hold']}/release/", _ASKED
    ),
}
