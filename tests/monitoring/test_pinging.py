"""The ping to an outside watchman: only while the watch goes on, and its URL is in no log line."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from monitoring import pinging, tasks, watching
from monitoring.alerting.models import WatchMark
from orgo_audit.log_lines import LogLine
from tests.monitoring.delivery.servers import a_free_port
from tests.monitoring.health_checks.answers import an_http_server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]

SECRET = "5f0c-secret-of-the-check"


@pytest.fixture
def pinged(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that were called."""
    settings.ORGO_PING_URL = f"https://watchman.example/{SECRET}"
    called: list[str] = []
    monkeypatch.setattr(pinging, "ping", called.append)
    return called


def a_pass(ago: timedelta) -> None:
    WatchMark.objects.create(name=watching.MARK, finished_at=timezone.now() - ago)


def test_while_the_watch_goes_on(pinged: list[str], settings: Settings) -> None:
    a_pass(timedelta(minutes=2))
    tasks.ping()
    assert pinged == [settings.ORGO_PING_URL]


def test_not_when_the_watch_stands_still(pinged: list[str]) -> None:
    tasks.ping()
    a_pass(watching.STALE_AFTER)
    tasks.ping()
    assert pinged == []


def test_not_where_there_is_no_watchman(pinged: list[str], settings: Settings) -> None:
    settings.ORGO_PING_URL = ""
    a_pass(timedelta(0))
    tasks.ping()
    assert pinged == []


@pytest.mark.parametrize("status", [200, 302, 404, 500, None])
def test_no_log_line_holds_the_url(status: int | None, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), an_http_server({"": (status or 200, b"")}) as server:
        address = server if status else f"http://127.0.0.1:{a_free_port()}"
        # As our logging is set: httpx itself tells every URL at INFO.
        caplog.set_level(logging.WARNING, "httpx")
        pinging.ping(f"{address}/{SECRET}")
    lines = [LogLine("{message}", style="{").format(record) for record in caplog.records]
    assert bool(lines) == (status != 200)
    assert not any(SECRET in line for line in lines)


def test_our_logging_keeps_httpx_quiet(settings: Settings) -> None:
    assert settings.LOGGING["loggers"]["httpx"] == {"level": "WARNING"}
