"""Too fast: 429 with Retry-After, nothing of it stored, nothing lost, and no counter in the way."""

from __future__ import annotations

import logging
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from redis import ConnectionError as CacheAway
from redis import Redis

from logs.record.models import Event, QuarantinedEvent
from logs.record.vocabulary import LogType
from monitoring.sample_workflow.reporter import ACTIVITY, Reporter
from orgo_audit import operator_settings, throttling
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.embedded import paths, valkey
from tests.builders import PATH_OF, Caller, Service, a_token, a_user, an_organization

pytestmark = pytest.mark.django_db

START = datetime.now(UTC).replace(second=12, microsecond=0)
EVENT = b'{"timestamp": "2024-11-24T10:45:00Z", "action": "Task Routed"}'
PATH = PATH_OF[LogType.ACTIVITY]


@pytest.fixture
def north() -> Organization:
    return an_organization("north")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The cache's counters, in memory."""
    counts: Counter[str] = Counter()

    def incremented(key: str) -> int:
        counts[key] += 1
        return counts[key]

    monkeypatch.setattr(throttling, "_incremented", incremented)
    monkeypatch.setattr(throttling, "counter", throttling.Counter())
    return counts


@pytest.fixture
def at_most_two(settings: Settings, counts: Counter[str]) -> None:
    settings.ORGO_REQUESTS_PER_MINUTE = 2


@pytest.mark.usefixtures("at_most_two")
def test_a_request_too_many_is_refused_until_the_minute_ends(
    north: Organization, clock: time_machine.Traveller
) -> None:
    service = Service(north)
    assert [service.deliver({}).status for _ in range(3)] == [400, 400, 429]
    answer = service.post(PATH, EVENT)
    assert answer.media_type == "application/problem+json"
    assert (answer.json["code"], answer.json["status"]) == ("too_fast", 429)
    assert answer.headers["Retry-After"] == "48"
    clock.shift(timedelta(seconds=47.5))
    assert service.post(PATH, EVENT).headers["Retry-After"] == "1"
    clock.shift(timedelta(seconds=0.5))
    assert service.post(PATH, EVENT).status == 201


@pytest.mark.usefixtures("at_most_two", "clock")
def test_nothing_of_a_refused_request_is_judged_or_stored(north: Organization) -> None:
    service = Service(north)
    for _ in range(2):
        service.get("/api/v1/logs/")
    assert service.post(PATH, EVENT).status == 429
    assert service.post(PATH, b"no JSON at all").status == 429
    assert not Event.objects.filter(source=service.name).exists()
    assert not QuarantinedEvent.objects.exists()


@pytest.mark.usefixtures("at_most_two", "clock")
def test_a_key_that_was_refused_is_as_good_as_new(
    north: Organization, clock: time_machine.Traveller
) -> None:
    service = Service(north)
    key = {"Idempotency-Key": "k-1"}
    first = service.post(PATH, EVENT, headers=key)
    service.get("/api/v1/logs/")
    assert service.post(PATH, EVENT, headers=key).status == 429
    clock.shift(timedelta(minutes=1))
    again = service.post(PATH, EVENT, headers=key)
    assert (again.status, again.json["ids"]) == (201, first.json["ids"])


@pytest.mark.usefixtures("at_most_two", "clock")
def test_each_token_has_a_minute_of_its_own(north: Organization) -> None:
    fast, slow = Service(north), Service(north)
    assert [fast.get(PATH).status for _ in range(3)] == [200, 200, 429]
    assert slow.get(PATH).status == 200


@pytest.mark.usefixtures("at_most_two", "clock")
def test_people_and_strangers_are_not_counted(north: Organization, counts: Counter[str]) -> None:
    person = Caller(user=a_user(Role.ADMIN, north))
    assert {person.get(PATH).status for _ in range(4)} == {200}
    assert {Caller(token="orgo_x").get(PATH).status for _ in range(4)} == {401}
    assert not counts


@pytest.mark.usefixtures("at_most_two", "clock")
def test_a_service_that_is_too_fast_is_told_on_record_once(north: Organization) -> None:
    service = Service(north)
    for _ in range(2):
        service.get(PATH)
    for path in (PATH, "/api/v1/logs/", PATH):
        assert service.get(path).status == 429
    (event,) = Event.objects.filter(organization=north, action="Rate Limited")
    assert (event.code, event.outcome) == ("rate.limited", "denied")
    assert event.actor is not None
    assert service.name in event.actor
    assert not Event.objects.filter(action="Access Denied").exists()


@pytest.mark.usefixtures("clock")
def test_a_limit_of_nothing_is_no_limit(
    north: Organization, settings: Settings, counts: Counter[str]
) -> None:
    settings.ORGO_REQUESTS_PER_MINUTE = 0
    service = Service(north)
    assert {service.get(PATH).status for _ in range(5)} == {200}
    assert not counts


# --- the cache ------------------------------------------------------------------------------------


def test_events_go_through_while_the_cache_is_away(
    north: Organization,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.ORGO_REQUESTS_PER_MINUTE = 1
    tries = []

    def away(key: str) -> int:
        tries.append(key)
        raise CacheAway

    monkeypatch.setattr(throttling, "_incremented", away)
    monkeypatch.setattr(throttling, "counter", throttling.Counter())
    service = Service(north)
    with caplog.at_level(logging.WARNING, throttling.__name__):
        assert {service.post(PATH, EVENT).status for _ in range(5)} == {201}
    assert len(tries) == 1, "a cache that hangs costs one request a minute, not each"
    assert len([record for record in caplog.records if record.name == throttling.__name__]) == 1


@pytest.fixture
def cache_server(settings: Settings) -> Iterator[str]:
    """A Valkey as `up` starts it; `settings.REDIS_URL` is its address."""
    with tempfile.TemporaryDirectory(prefix="orgo-") as folder:
        home = Path(folder)
        paths.valkey_socket(home).parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(valkey.command(home), stdout=subprocess.DEVNULL)
        settings.REDIS_URL = f"unix://{paths.valkey_socket(home)}?db=1"
        waiting = threading.Event()
        while process.poll() is None and not valkey.answers(home):
            waiting.wait(0.01)
        throttling._cache.cache_clear()
        yield settings.REDIS_URL
        throttling._cache().close()
        throttling._cache.cache_clear()
        process.terminate()
        process.wait(10)


def test_several_processes_share_one_count_that_forgets_itself(cache_server: str) -> None:
    one, other = throttling.Counter(), throttling.Counter()
    now = START.timestamp()
    assert [one.count(7, now), other.count(7, now), one.count(8, now)] == [1, 2, 1]
    throttling._cache().connection_pool.disconnect()
    assert one.count(7, now) == 3, "a connection that was closed is opened again"
    assert one.count(7, now + throttling.WINDOW_SECONDS) == 1
    with Redis.from_url(cache_server) as server:
        assert all(0 < left <= 120 for left in map(server.ttl, server.scan_iter()))


# --- our own client -------------------------------------------------------------------------------


class Waits(threading.Event):
    """Nobody asks this process to stop; whoever waits finds that the time has passed."""

    def __init__(self, clock: time_machine.Traveller) -> None:
        super().__init__()
        self.clock = clock
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        assert len(self.waited) < 20, "it waits for something that does not come"
        self.clock.shift(timedelta(seconds=timeout or 0.0))
        return False


def through_django(request: httpx.Request) -> httpx.Response:
    names = ("Authorization", "Idempotency-Key")
    headers = {name: request.headers[name] for name in names}
    answer = Caller().call(request.method, request.url.path, request.content, headers=headers)
    return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.content)


@pytest.mark.usefixtures("at_most_two")
def test_our_own_client_waits_and_loses_and_doubles_nothing(
    north: Organization, clock: time_machine.Traveller
) -> None:
    waits = Waits(clock)
    reporter = Reporter("http://localhost", a_token(north), waits)
    reporter.close()
    reporter._client = httpx.Client(
        transport=httpx.MockTransport(through_django),
        base_url="http://localhost/api/v1/",
        headers=reporter._client.headers,
    )
    for number in range(7):
        body = EVENT.replace(b"}", b', "task_id": "T%d"}' % number)
        assert not reporter.deliver(ACTIVITY, body, f"key-{number}").refusal
    reporter.close()
    stored = Event.objects.filter(source="email_parser")
    assert sorted(str(event.task_id) for event in stored) == [f"T{n}" for n in range(7)]
    assert len(waits.waited) == 3
    assert waits.waited[0] >= 48


# --- the setting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("told", ["-1", "many", "1.5", "", " 5", "1000000000", "٣"])
def test_a_limit_that_is_no_number_is_refused_at_the_start(
    told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORGO_REQUESTS_PER_MINUTE", told)
    with pytest.raises(ImproperlyConfigured, match="ORGO_REQUESTS_PER_MINUTE: .*whole number"):
        operator_settings.number("ORGO_REQUESTS_PER_MINUTE", 6000)


def test_a_limit_is_what_is_told_or_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    with suppress(KeyError):
        monkeypatch.delenv("ORGO_REQUESTS_PER_MINUTE")
    assert operator_settings.number("ORGO_REQUESTS_PER_MINUTE", 6000) == 6000
    monkeypatch.setenv("ORGO_REQUESTS_PER_MINUTE", "0")
    assert operator_settings.number("ORGO_REQUESTS_PER_MINUTE", 6000) == 0
