"""Simulates a task that waits too long, by the public API, and follows the alert about it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from monitoring.sample_workflow.following import NotAllowedToFollow
from monitoring.sample_workflow.service import utc_now, wire_time

# Longer than any escalation that somebody waits for.
WAITED = timedelta(days=400)
POLL_SECONDS = 1.0
ALERT = "Task Escalation Pending"


@dataclass(frozen=True, slots=True)
class Told:
    """One try to tell people about the alert."""

    receiver: str
    channel: str
    outcome: str
    detail: str

    def __str__(self) -> str:
        words = f"{self.receiver} by {self.channel}: {self.outcome}"
        return f"{words} ({self.detail})" if self.detail else words


class DelayedTask:
    """A task of a test, which was routed long ago and never completed."""

    def __init__(self, portal_url: str, ingest_token: str, read_token: str) -> None:
        self.task_id = f"validation-{uuid.uuid4()}"
        self._client = httpx.Client(base_url=f"{portal_url}/api/v1/", timeout=10.0, trust_env=False)
        self._ingest, self._read = (
            {"Authorization": f"Bearer {token}"} for token in (ingest_token, read_token)
        )

    def close(self) -> None:
        self._client.close()

    def begin(self) -> None:
        """The task waits from now on. NotAllowedToFollow where the portal takes no event."""
        self._send("Task Routed", wire_time(utc_now() - WAITED))

    def end(self) -> None:
        """The task is completed, and the alert has no cause any more."""
        self._send("Task Completed", wire_time(utc_now()))

    def alert_in(self, states: frozenset[str], seconds: float) -> dict[str, Any] | None:
        """The alert once it is in one of these states; None if that takes too long."""
        return next((one for one in self._seen(seconds) if one["state"] in states), None)

    def tries(self, seconds: float) -> list[Told]:
        """What was tried to tell people, until one of them was told."""
        told: list[Told] = []
        for alert in self._seen(seconds):
            fields = ("receiver", "channel", "outcome", "detail")
            told = [Told(*(one[name] for name in fields)) for one in alert["deliveries"]]
            if any(one.outcome == "sent" for one in told):
                break
        return told

    def _seen(self, seconds: float) -> Iterator[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self._asked(
                self._client.get("alerts/", params={"task_id": self.task_id}, headers=self._read)
            )
            for alert in answer.get("results", []):
                if alert["alert"] == ALERT:
                    yield alert
            time.sleep(POLL_SECONDS)

    def _send(self, action: str, timestamp: str) -> None:
        event = {
            "timestamp": timestamp,
            "action": action,
            "task_id": self.task_id,
            "status": "Success",
            "source": "health_check",
        }
        headers = self._ingest | {"Content-Type": "application/json"}
        self._asked(self._client.post("activity-logs/", content=json.dumps(event), headers=headers))

    @staticmethod
    def _asked(answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise NotAllowedToFollow
        body: dict[str, Any] = answer.json() if answer.is_success else {}
        return body
