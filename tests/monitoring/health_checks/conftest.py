"""What the tests of health checks share: a Valkey as `up` starts it, and servers that misbehave."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pytest_django import Settings
from redis import Redis

from monitoring.health_checks.base import Outcome
from monitoring.health_checks.models import CheckState, HealthCheckResult
from orgo_audit.embedded import paths, valkey
from tests.monitoring.delivery.servers import LOOPBACK, a_free_port

Kept = Callable[..., HealthCheckResult]


def told(outcome: Outcome) -> tuple[CheckState, str]:
    return outcome.state, outcome.detail


@pytest.fixture
def server(settings: Settings) -> Iterator[Redis]:
    """Broker and cache, as `up` starts them; the client is the test's own."""
    with tempfile.TemporaryDirectory(prefix="orgo-") as folder:
        home = Path(folder)
        at = paths.valkey_socket(home)
        at.parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(valkey.command(home), stdout=subprocess.DEVNULL)
        settings.REDIS_URL = f"unix://{at}?db=1"
        settings.CELERY_BROKER_URL = f"redis+socket://{at}?virtual_host=0"
        waiting = threading.Event()
        while process.poll() is None and not valkey.answers(home):
            waiting.wait(0.01)
        with Redis.from_url(f"unix://{at}?db=0") as client:
            yield client
        process.terminate()
        process.wait(10)


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    return f"{LOOPBACK}:{a_free_port()}"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        yield f"{LOOPBACK}:{listening.getsockname()[1]}"


@pytest.fixture
def kept(db: None) -> Kept:
    """Builds results of the past."""

    def kept(
        name: str, started_at: datetime, state: str = "ok", **facts: float
    ) -> HealthCheckResult:
        return HealthCheckResult.objects.create(
            name=name, state=state, started_at=started_at, duration_ms=1, detail=".", facts=facts
        )

    return kept
