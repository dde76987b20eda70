"""An example per operation of the restricted area, which a test sends. Data alone.

The test puts ids of its own into the places of `CASE_IDS`, and a real signature into an approval.
"""

from __future__ import annotations

import json
from typing import Any

from orgo_audit.api_schema import Example

_BASE = "/api/v1"
CASE_IDS = {
    "case": "7d2f6c1e-58a4-4f0b-9c3d-2e1a0b9f8c01",
    "pending": "7d2f6c1e-58a4-4f0b-9c3d-2e1a0b9f8c02",
    "granted": "7d2f6c1e-58a4-4f0b-9c3d-2e1a0b9f8c03",
}
PURPOSE = {"Purpose": "quarterly report to the works council"}
_EVENT = {
    "id": "7d2f6c1e-58a4-4f0b-9c3d-2e1a0b9f8c04",
    "timestamp": "2024-11-24T00:00:00Z",
    "action": "Report Filed",
    "case_id": CASE_IDS["case"],
    "workflow": "harassment",
    "organization": "default",
    "anonymized_fields": {"reporter": "Anon1", "reported_user": "Anon2"},
}
_CASE = {
    "code": CASE_IDS["case"],
    "workflow": "harassment",
    "organization": "default",
    "opened": "2024-11-24",
    "state": "open",
    "closed": None,
    "acknowledged": None,
    "answered": None,
    "age_days": 4,
    "deadlines": [
        {"step": "acknowledged", "due": "2024-12-01", "done": None, "state": "due"},
        {"step": "answered", "due": "2025-03-01", "done": None, "state": "due"},
    ],
    "destroyed_after": None,
}
ASKED = {"label": "Anon1", "field": "email", "minutes": 10, "views": 2}
REASON = "The reporter asked to be called back."
_REQUEST = {
    "state": "pending",
    **ASKED,
    "views_done": 0,
    "requester": "hr.anna",
    "asked_at": "2024-11-28T09:00:00.250000Z",
    "expires_at": "2024-12-05T09:00:00.250000Z",
    "decisions": [],
}
_DECISION = {"approved": True, "decided_at": "2024-11-28T09:05:00.250000Z", "is_void": False}
_CREDENTIAL = "q83vASNFZ4mrze8BI0VniQ"
ASSERTION = {
    "id": _CREDENTIAL,
    "rawId": _CREDENTIAL,
    "type": "public-key",
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
        "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ",
        "signature": "MEUCIQC0",
    },
}
_PETITION = {
    "act": "reveal",
    "case": CASE_IDS["case"],
    "expires_at": "2024-12-05T09:00:00.250000+00:00",
    "field": "email",
    "id": CASE_IDS["pending"],
    "label": "Anon1",
    "minutes": 10,
    "nonce": "3b" * 32,
    "organization": "default",
    "reason_digest": "5f" * 32,
    "requester": 7,
    "subject": "",
    "views": 2,
}
_OPTIONS = {
    "challenge": "1Kc7TqQ2bS0oZ8kq3vJm5cXo9b1y0n7w2u4t6s8r0p4",
    "timeout": 300000,
    "rpId": "localhost",
    "allowCredentials": [{"id": _CREDENTIAL, "type": "public-key"}],
    "userVerification": "required",
}
_REQUESTS = f"{_BASE}/cases/{CASE_IDS['case']}/reveal-requests"
_PENDING, _GRANTED = (f"{_REQUESTS}/{CASE_IDS[name]}" for name in ("pending", "granted"))


def _page(*results: dict[str, Any]) -> dict[str, Any]:
    return {"next": None, "previous": None, "results": list(results)}


def _one(
    title: str, path: str, answer: Any, body: Any = None, *, status: int = 200, looks: bool = True
) -> tuple[Example, ...]:
    headers = PURPOSE if looks else {}
    return (Example(title, path, status, answer, body, headers=headers, by_person=True),)


CASE_EXAMPLES: dict[str, tuple[Example, ...]] = {
    "list_anonymized_logs": _one(
        "Of one workflow", f"{_BASE}/anonymized-logs/?workflow=harassment", _page(_EVENT)
    ),
    "export_anonymized_logs": _one(
        "As NDJSON",
        f"{_BASE}/anonymized-logs/export/?workflow=harassment",
        f"{json.dumps(_EVENT, separators=(',', ':'))}\n",
    ),
    "list_cases": _one("Open ones", f"{_BASE}/cases/?state=open", _page(_CASE)),
    "get_case": _one(
        "By its code",
        f"{_BASE}/cases/{CASE_IDS['case']}/",
        {
            **_CASE,
            "participants": ["Anon1", "Anon2"],
            "notes": [],
            "events": [_EVENT],
            "events_next": None,
        },
    ),
    "list_reveal_requests": _one(
        "Of one case",
        f"{_REQUESTS}/",
        {
            "results": [
                {"id": CASE_IDS["pending"], **_REQUEST},
                {
                    "id": CASE_IDS["granted"],
                    **_REQUEST,
                    "state": "approved",
                    "decisions": [
                        {"custodian": name, **_DECISION} for name in ("maria", "custodian.tom")
                    ],
                },
            ]
        },
    ),
    "ask_reveal": _one(
        "A name, for ten minutes",
        f"{_REQUESTS}/",
        {"id": CASE_IDS["pending"], "state": "pending"},
        {**ASKED, "field": "name", "reason": REASON},
        status=201,
    ),
    "get_reveal_challenge": _one(
        "Before deciding",
        f"{_PENDING}/challenge/",
        {
            "petition": _PETITION,
            "reason": REASON,
            "requester": "hr.anna",
            "options": _OPTIONS,
            "approvals": [],
            "denials": [],
        },
        looks=False,
    ),
    "approve_reveal": _one(
        "The first of two",
        f"{_PENDING}/approve/",
        {"state": "pending"},
        {"assertion": ASSERTION},
        looks=False,
    ),
    "deny_reveal": _one(
        "With a reason",
        f"{_PENDING}/deny/",
        {"state": "denied"},
        {"why": "A call through the case's mailbox is enough."},
        looks=False,
    ),
    "view_reveal": _one("Once", f"{_GRANTED}/view/", {"value": "jane.roe@organization.com"}, {}),
}
