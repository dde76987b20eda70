"""A real Alertmanager takes the portal's alerts; what it sends back is read, and dropped."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from monitoring.delivery import alertmanager
from monitoring.delivery.base import ToldAlert
from tests.monitoring.delivery.servers import LOOPBACK, Receiver, a_free_port, a_receiver

pytestmark = pytest.mark.service

PORTAL = "http://localhost:8000"
PATIENCE_SECONDS = 30.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        receiver.status = 200
        yield receiver


@pytest.fixture
def server(settings: Settings, tmp_path: Path, receiver: Receiver) -> Iterator[str]:
    """It posts each second what it has to the receiver."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.skip("needs Alertmanager: .ci/services install brings it")
    told = {
        "route": {"receiver": "portal", "group_wait": "1s", "group_interval": "1s"},
        "receivers": [{"name": "portal", "webhook_configs": [{"url": receiver.url}]}],
    }
    (tmp_path / "alertmanager.yml").write_text(json.dumps(told))
    address = f"{LOOPBACK}:{a_free_port()}"
    words = (
        f"--config.file={tmp_path / 'alertmanager.yml'}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    )
    process = subprocess.Popen([program, *words], stderr=subprocess.DEVNULL)
    settings.ALERTMANAGER_URL = f"http://{address}"
    try:
        until(lambda: is_ready(settings.ALERTMANAGER_URL))
        yield settings.ALERTMANAGER_URL
    finally:
        process.terminate()
        process.wait()


def is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/-/ready").is_success
    except httpx.TransportError:
        return False


def until(found: Callable[[], Any]) -> Any:
    limit = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < limit:
        if value := found():
            return value
        time.sleep(0.1)
    pytest.fail("waited in vain")


def an_alert(**changed: Any) -> ToldAlert:
    told: dict[str, Any] = {
        "id": "6f1e7a31-8f0c-4d4e-9b6a-7c0519abc526",
        "organization": "north",
        "name": "Task Escalation Pending",
        "rule": "escalation_pending",
        "subject": "56789",
        "severity": "critical",
        "state": "firing",
        "fired_at": datetime.now(UTC) - timedelta(minutes=1),
        "task_id": "56789",
        "facts": {"escalation_time": "2 hours"},
    }
    return ToldAlert(**told | changed)


def listed(server: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{server}/api/v2/alerts").json()
    return found


def test_our_alerts_arrive_and_what_comes_back_is_dropped(server: str, receiver: Receiver) -> None:
    alertmanager.post([an_alert()], PORTAL, datetime.now(UTC))
    [shown] = listed(server)
    assert shown["labels"]["alertname"] == "TaskEscalationPending"
    assert shown["annotations"] == {
        "alert": "Task Escalation Pending",
        "escalation_time": "2 hours",
    }
    [request, *_] = until(lambda: receiver.requests)
    read = alertmanager.parse_webhook(request.body)
    assert (read.alerts, read.dropped) == ((), 1)


def test_what_is_over_is_over_there_too(server: str, receiver: Receiver) -> None:
    alertmanager.post([an_alert()], PORTAL, datetime.now(UTC))
    until(lambda: receiver.requests)
    over = an_alert(state="resolved", resolved_at=datetime.now(UTC))
    alertmanager.post([over], PORTAL, datetime.now(UTC))
    until(lambda: any(b'"status":"resolved"' in one.body for one in receiver.requests))


def test_an_alert_of_somebody_elses_is_read(server: str, receiver: Receiver) -> None:
    theirs = {"labels": {"alertname": "DiskFull", "severity": "critical"}, "annotations": {}}
    httpx.post(f"{server}/api/v2/alerts", json=[theirs]).raise_for_status()
    [request, *_] = until(lambda: receiver.requests)
    [read] = alertmanager.parse_webhook(request.body).alerts
    assert (read.name, read.severity, read.is_firing) == ("DiskFull", "critical", True)


def test_thousands_are_taken(server: str) -> None:
    many = [an_alert(subject=f"{number}", task_id=f"{number}") for number in range(2_000)]
    alertmanager.post(many, PORTAL, datetime.now(UTC))
    assert len(listed(server)) == 2_000
