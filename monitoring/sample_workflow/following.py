"""Follows one mail by the portal's public API; it sees no more than an operator's token may see."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx

from monitoring.sample_workflow.service import task_id_of

STAGES = (
    "Email Received",
    "Email Parsed",
    "Task Created",
    "Task Routed",
    "Task Escalated",
    "Task Completed",
)
POLL_SECONDS = 0.5
TEST_MAIL = b"""\
From: Health Check <health-check@organization.com>
To: general@organization.com
Subject: Urgent: test mail of the pipeline
X-Orgo-Test: health_check
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

This mail follows the whole way, so that somebody learns where it gets lost.
"""


class NotAllowedToFollow(Exception):  # noqa: N818  # an answer, not a fault of ours
    """The portal does not accept the token."""


class Follower:
    """Asks the portal which stages of a mail it has on record."""

    def __init__(self, portal_url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{portal_url}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=10.0,
            trust_env=False,
        )

    def close(self) -> None:
        self._client.close()

    def follow(self, email_id: str, timeout_seconds: float) -> Iterator[str]:
        """Each stage as it is seen, in order; ends early if one does not come in time."""
        deadline = time.monotonic() + timeout_seconds
        waiting = list(STAGES)
        while waiting:
            seen = self._seen(email_id)
            while waiting and waiting[0] in seen:
                yield waiting.pop(0)
            if not waiting or time.monotonic() >= deadline:
                return
            time.sleep(POLL_SECONDS)

    def _seen(self, email_id: str) -> set[str]:
        """The trace once there is a task, the mail's own events before that."""
        trace = self._get(f"traces/{task_id_of(email_id)}/").get("events", [])
        events = trace or self._get(f"activity-logs/?email_id={email_id}").get("results", [])
        return {str(event.get("action")) for event in events}

    def _get(self, path: str) -> dict[str, list[dict[str, object]]]:
        """Nothing where somebody else answers at the portal's address."""
        try:
            answer = self._client.get(path)
            told = answer.json() if answer.is_success else {}
        except (httpx.TransportError, ValueError):
            return {}
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise NotAllowedToFollow
        return told if isinstance(told, dict) else {}
