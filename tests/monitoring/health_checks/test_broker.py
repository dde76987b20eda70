"""The check of RabbitMQ: what its management says, and what somebody else says at its address."""

from __future__ import annotations

import logging
import os

import pytest
from pytest_django import Settings

from monitoring.health_checks import broker, running
from monitoring.health_checks.broker import Broker
from monitoring.health_checks.models import CheckState
from orgo_audit.log_lines import LogLine
from tests.monitoring.health_checks.answers import an_http_server
from tests.monitoring.health_checks.conftest import told
from tests.monitoring.health_checks.test_mail import NOW

FAILED, OK, SKIPPED = CheckState.FAILED, CheckState.OK, CheckState.SKIPPED
SECRET = "hunter2"
ALARMS, QUEUES = "/api/health/checks/alarms", "/api/queues"
FINE = (200, b'{"status": "ok"}')
WRONG_ANSWER = "RabbitMQ's management gave an answer that none of its versions gives"


@pytest.fixture(autouse=True)
def _rabbitmq(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = f"amqp://orgo:{SECRET}@127.0.0.1:1//"


def asked(settings: Settings, alarms: tuple[int, bytes], queues: tuple[int, bytes]) -> str:
    with an_http_server({ALARMS: alarms, QUEUES: queues}) as server:
        settings.RABBITMQ_MANAGEMENT_URL = server.replace("//", f"//orgo:{SECRET}@")
        outcome = Broker().run(NOW)
    return f"{outcome.state}: {outcome.detail}"


@pytest.mark.parametrize("url", ["redis://h:1/0", "rediss://h:1/0", "redis+socket:///x"])
def test_another_broker_is_the_caches_check(settings: Settings, url: str) -> None:
    settings.CELERY_BROKER_URL = url
    assert told(Broker().run(NOW)) == (SKIPPED, "the broker is Redis or Valkey, as the cache is")


def test_a_rabbitmq_that_cannot_be_asked_has_failed(settings: Settings) -> None:
    settings.RABBITMQ_MANAGEMENT_URL = ""
    expected = "RabbitMQ cannot be asked (RABBITMQ_MANAGEMENT_URL)"
    assert told(Broker().run(NOW)) == (FAILED, expected)


def test_waiting_messages_are_counted_but_those_of_workers_own_queues(settings: Settings) -> None:
    queues = (
        b'[{"name": "celery", "messages": 1200, "consumers": 1, "type": "classic"},'
        b' {"name": "born just now"}, {"name": "celeryev.1", "messages": 3},'
        b' {"name": "celery@host.celery.pidbox", "messages": 4}]'
    )
    assert asked(settings, FINE, (200, queues)) == (
        "ok: RabbitMQ has no alarm; 1,200 messages wait in 2 queues"
    )


def test_an_alarm_is_a_failure(settings: Settings) -> None:
    alarmed = (503, b'{"status": "failed", "reason": "alarms"}')
    assert asked(settings, alarmed, (200, b"[]")).startswith(
        "failed: RabbitMQ has an alarm: memory or disk is short"
    )


def test_messages_that_nobody_takes_are_a_failure(settings: Settings) -> None:
    queues = b'[{"name": "a", "messages": 1, "consumers": 0}, {"name": "b", "messages": 2}]'
    assert asked(settings, FINE, (200, queues)).startswith("failed: nobody takes from 2 queues")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"{}",
        b"null",
        b"[1]",
        b'["a"]',
        b"[[]]",
        b'[{"messages": 1}]',
        b'[{"name": null}]',
        b'[{"name": "a", "messages": "many"}]',
        b"[" * 100_000,
    ],
)
def test_other_shapes_are_a_failure_in_our_words(settings: Settings, body: bytes) -> None:
    assert asked(settings, FINE, (200, body)) == f"failed: {WRONG_ANSWER}"


@pytest.mark.parametrize("status", [301, 401, 404, 500])
def test_refusals_are_told_by_their_number(settings: Settings, status: int) -> None:
    expected = f"failed: RabbitMQ's management refused us with {status}"
    assert asked(settings, (status, b""), (200, b"[]")) == expected
    assert asked(settings, FINE, (status, b"")) == expected


def test_nobody_and_silence_at_its_address(
    settings: Settings, nobody: str, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "LIMIT_SECONDS", 0.2)
    for address, why in ((nobody, "ConnectError"), (silent, "ReadTimeout")):
        settings.RABBITMQ_MANAGEMENT_URL = f"http://orgo:{SECRET}@{address}"
        expected = f"RabbitMQ's management does not answer ({why})"
        assert told(Broker().run(NOW)) == (FAILED, expected)


@pytest.mark.django_db
def test_no_log_line_holds_the_password(
    as_worker: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def breaks(*_: object) -> None:
        raise ValueError(settings.RABBITMQ_MANAGEMENT_URL)

    settings.RABBITMQ_MANAGEMENT_URL = f"http://orgo:{SECRET}@127.0.0.1:1"
    monkeypatch.setattr(broker, "_alarms", breaks)
    with caplog.at_level(logging.INFO):
        result = running.run("broker")
    assert result is not None
    assert (result.state, result.detail) == ("failed", "the check itself broke (ValueError)")
    lines = [LogLine("{message}", style="{").format(record) for record in caplog.records]
    assert any("a health check broke" in line and "check=broker" in line for line in lines)
    assert not any(SECRET in line for line in lines)


@pytest.mark.service
def test_a_real_rabbitmq(settings: Settings) -> None:
    needed = ("ORGO_TEST_BROKER_URL", "ORGO_TEST_RABBITMQ_MANAGEMENT_URL")
    if missing := [name for name in needed if name not in os.environ]:
        pytest.skip(f"needs the servers of .ci/services; not set: {', '.join(missing)}")
    settings.CELERY_BROKER_URL, settings.RABBITMQ_MANAGEMENT_URL = (os.environ[n] for n in needed)
    outcome = Broker().run(NOW)
    # Other tests leave queues there, with messages or without.
    assert "RabbitMQ has no alarm" in outcome.detail
    assert outcome.facts.keys() == {"messages", "queues"}
