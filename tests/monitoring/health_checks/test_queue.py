"""The queue check on a real broker: what waits is counted, silence of the watch is no health."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from kombu import Connection
from pytest_django import Settings
from redis import Redis

from monitoring import watching
from monitoring.alerting.models import WatchMark
from monitoring.health_checks import queue
from monitoring.health_checks.models import CheckState, QueueSample
from monitoring.health_checks.queue import LONGEST_QUEUE, QUEUE, Queue
from tests.monitoring.health_checks.conftest import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]

NOW = datetime(2026, 11, 28, tzinfo=UTC)
AWAY = "the broker does not answer, or has no queue of ours"
FAILED, OK = CheckState.FAILED, CheckState.OK


def a_pass(ago: timedelta) -> None:
    WatchMark.objects.create(name=watching.MARK, finished_at=NOW - ago)


def waits(server: Redis, tasks: int) -> None:
    server.rpush(QUEUE, *(b"{}" for _ in range(tasks)))


def test_an_empty_queue_and_a_fresh_pass_are_well(server: Redis) -> None:
    a_pass(timedelta(seconds=20))
    outcome = Queue().run(NOW)
    assert told(outcome) == (OK, "0 tasks wait; work moves")
    assert outcome.facts == {"depth": 0, "watch_age_seconds": 20.0}


@pytest.mark.parametrize(("tasks", "state"), [(LONGEST_QUEUE, OK), (LONGEST_QUEUE + 1, FAILED)])
def test_a_long_queue_is_a_stuck_worker(server: Redis, tasks: int, state: CheckState) -> None:
    a_pass(timedelta(0))
    waits(server, tasks)
    assert told(Queue().run(NOW)) == (state, f"{tasks:,} tasks wait; work moves")


def test_asking_takes_no_task(server: Redis) -> None:
    waits(server, 3)
    Queue().run(NOW)
    assert server.llen(QUEUE) == 3


def test_a_broker_that_is_away(settings: Settings, nobody: str) -> None:
    a_pass(timedelta(0))
    settings.CELERY_BROKER_URL = f"redis://:hunter2@{nobody}/0"
    assert told(Queue().run(NOW)) == (FAILED, f"{AWAY}; work moves")
    settings.CELERY_BROKER_URL = f"amqp://orgo:hunter2@{nobody}//"
    assert told(Queue().run(NOW)) == (FAILED, f"{AWAY}; work moves")


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.long
def test_a_broker_that_hangs(
    settings: Settings, silent: str, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    a_pass(timedelta(0))
    monkeypatch.setattr(queue, "LIMIT_SECONDS", 1)
    settings.CELERY_BROKER_URL = f"{scheme}://{silent}/"
    assert told(Queue().run(NOW)) == (FAILED, f"{AWAY}; work moves")


def test_a_queue_of_another_kind_under_our_name(server: Redis) -> None:
    a_pass(timedelta(0))
    server.set(QUEUE, "no list")
    assert told(Queue().run(NOW)) == (FAILED, f"{AWAY}; work moves")


def test_no_pass_was_ever_made(server: Redis) -> None:
    expected = "no pass of the watch was ever made; 0 tasks wait"
    assert told(Queue().run(NOW)) == (FAILED, expected)


@pytest.mark.parametrize(("ago", "state"), [(0, OK), (1, FAILED)])
def test_silence_for_minutes(server: Redis, ago: int, state: CheckState) -> None:
    a_pass(queue.SILENT_AFTER + timedelta(seconds=ago))
    assert Queue().run(NOW).state == state


# --- samples ------------------------------------------------------------------------------------


def test_a_sample_keeps_what_waits(server: Redis) -> None:
    waits(server, 2)
    queue.sample(NOW)
    queue.sample(NOW)
    assert list(QueueSample.objects.values_list("measured_at", "waiting")) == [(NOW, 2)]


def test_old_samples_go_although_the_broker_is_away(settings: Settings, nobody: str) -> None:
    settings.CELERY_BROKER_URL = f"redis://{nobody}/0"
    for days in (31, 33):
        QueueSample.objects.create(measured_at=NOW - timedelta(days=days), waiting=1)
    queue.sample(NOW)
    (left,) = QueueSample.objects.all()
    assert left.measured_at == NOW - timedelta(days=31)


# --- the servers of an operator -----------------------------------------------------------------


@pytest.mark.service
@pytest.mark.parametrize("name", ["ORGO_TEST_REDIS_URL", "ORGO_TEST_BROKER_URL"])
def test_real_servers(settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name not in os.environ:
        pytest.skip(f"needs the servers of .ci/services; not set: {name}")
    a_pass(timedelta(0))
    monkeypatch.setattr(queue, "QUEUE", "orgo-health-check-test")
    settings.CELERY_BROKER_URL, settings.CELERY_BROKER_TRANSPORT_OPTIONS = os.environ[name], {}
    assert told(Queue().run(NOW)) == (OK, "0 tasks wait; work moves")
    with Connection(os.environ[name]) as broker, broker.SimpleQueue(queue.QUEUE) as sent:
        sent.put({})
        try:
            assert Queue().run(NOW).facts["depth"] == 1
        finally:
            sent.queue.delete()
