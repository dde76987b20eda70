"""Blueprint 9.5, through the whole portal: a delayed task, a mail server that is switched off."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.monitoring.delivery.servers import LOOPBACK, Receiver, a_free_port, a_receiver
from tests.portal import Portal

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CHANNELS = "escalation: {channels: [email, webhook], webhook: '%s'}\n"
PATIENCE_SECONDS = 120.0

pytestmark = pytest.mark.stack


def with_dead_mail(portal: Portal, tmp_path: Path, receiver: Receiver) -> None:
    """Mail goes to a port where nobody listens; the webhook is the second channel."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(CHANNELS % receiver.url)
    portal.settings |= {
        "ORGO_POLICY": str(policy),
        "EMAIL_URL": f"smtp://{LOOPBACK}:{a_free_port()}",
        "ORGO_WEBHOOK_SECRET": SECRET,
        "ORGO_WEBHOOK_PRIVATE": "1",
    }
    portal.start_until_ready()


def alerts_told(receiver: Receiver, name: str) -> list[dict[str, object]]:
    """Those of this name that have arrived, waiting for the first."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < limit:
        bodies = [json.loads(request.body) for request in receiver.requests]
        found = [one for body in bodies for one in body["data"]["alerts"] if one["alert"] == name]
        if found:
            return found
        time.sleep(0.5)
    return []


def test_a_delayed_task_and_a_dead_mail_server_are_told_on_another_channel(
    portal: Portal, tmp_path: Path
) -> None:
    with a_receiver() as receiver:
        with_dead_mail(portal, tmp_path, receiver)
        said = portal.run("validate_pipeline", "--alerts").splitlines()
        assert any(line.startswith("people were told after ") for line in said)
        assert said[-1] == "Task Escalation Pending: resolved"
        by_mail = [line for line in said if line.startswith("told admin by email: ")]
        assert by_mail
        assert not any(line.endswith(": sent") for line in by_mail)
        assert "told admin by webhook: sent" in said
        [delayed, *_] = alerts_told(receiver, "Task Escalation Pending")
        assert list(delayed)[:3] == ["alert", "task_id", "escalation_time"]
        assert delayed["escalation_time"] == "2 hours"
        portal.run("run_health_checks", "mail", exit_code=1)
        assert alerts_told(receiver, "Health Check Failed")
