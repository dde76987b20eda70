"""The cache check on a real Valkey: speed, evictions since the last run, servers that misbehave."""

from __future__ import annotations

import itertools
import os
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from monitoring.health_checks import cache, running
from monitoring.health_checks.cache import Cache
from monitoring.health_checks.models import CheckState, HealthCheckResult
from tests.monitoring.health_checks.conftest import Kept, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]

FAILED, OK = CheckState.FAILED, CheckState.OK
EVICTED = "keys were evicted since the last check: memory is short"


@pytest.fixture(autouse=True)
def _any_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may be busy."""
    monkeypatch.setattr(cache, "SLOWEST_MS", 60_000)


def evict(server: Redis) -> None:
    """Some keys, by a memory that is too small for them."""
    before = server.info("stats")["evicted_keys"]
    used = server.info("memory")["used_memory"]
    server.config_set("maxmemory-policy", "allkeys-lru")
    server.config_set("maxmemory", used + 300_000)
    numbers = itertools.count()
    while server.info("stats")["evicted_keys"] == before:
        server.set(f"filler:{next(numbers)}", b"x" * 10_000)
    server.flushall()
    server.config_set("maxmemory", 0)


def run() -> HealthCheckResult:
    result = running.run("cache")
    assert result is not None
    return result


def test_a_cache_that_answers_is_well_and_keeps_nothing_of_ours(
    server: Redis, settings: Settings
) -> None:
    outcome = Cache().run(timezone.now())
    assert outcome.state == OK
    assert outcome.detail.endswith("; nothing was evicted")
    measured = {"round_trip_ms", "slow_round_trip_ms", "evicted_keys", "used_memory_bytes"}
    assert outcome.facts.keys() == measured | {"connected_clients", "hit_ratio"}
    assert outcome.facts["hit_ratio"] == 1.0
    with Redis.from_url(settings.REDIS_URL) as own:
        assert own.dbsize() == 0


def test_slow_round_trips_are_a_failure(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SLOWEST_MS", 0)
    outcome = Cache().run(timezone.now())
    assert outcome.state == FAILED
    assert outcome.detail.startswith("a round trip takes ")


def test_evictions_are_told_once(server: Redis) -> None:
    assert run().state == "ok"
    evict(server)
    told_first, told_later = run(), run()
    assert (told_first.state, told_first.detail.partition(";")[0]) == ("failed", EVICTED)
    assert told_later.state == "ok"
    evict(server)
    assert run().state == "failed"


def test_a_run_that_could_not_see_it_forgets_no_evictions(server: Redis, kept: Kept) -> None:
    evict(server)
    assert run().state == "failed"
    kept("cache", timezone.now(), "failed")
    assert run().state == "ok"


def test_a_server_that_began_anew_counts_from_zero(server: Redis, kept: Kept) -> None:
    kept("cache", timezone.now() - timedelta(days=7), evicted_keys=1_000_000)
    evict(server)
    assert run().state == "failed"


def test_a_full_cache_that_evicts_nothing_has_failed(server: Redis) -> None:
    server.config_set("maxmemory", 1)
    outcome = Cache().run(timezone.now())
    assert told(outcome) == (FAILED, "the cache does not answer (OutOfMemoryError)")


def test_somebody_elses_value_is_no_answer(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redis, "get", lambda *_: b"another")
    outcome = Cache().run(timezone.now())
    assert told(outcome) == (FAILED, "the cache does not answer (RedisError)")


def test_a_cache_that_is_away(settings: Settings, nobody: str) -> None:
    settings.REDIS_URL = f"redis://:hunter2@{nobody}/1"
    outcome = Cache().run(timezone.now())
    assert told(outcome) == (FAILED, "the cache does not answer (ConnectionError)")


@pytest.mark.long
def test_a_cache_that_hangs(
    settings: Settings, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "LIMIT_SECONDS", 0.2)
    settings.REDIS_URL = f"redis://{silent}/1"
    outcome = Cache().run(timezone.now())
    assert told(outcome) == (FAILED, "the cache does not answer (TimeoutError)")


def test_a_refused_login(settings: Settings, server: Redis) -> None:
    at = server.connection_pool.connection_kwargs["path"]
    settings.REDIS_URL = f"unix://portal:hunter2@{at}?db=1"
    outcome = Cache().run(timezone.now())
    assert told(outcome) == (FAILED, "the cache does not answer (AuthenticationError)")


@pytest.mark.service
def test_a_real_redis(settings: Settings) -> None:
    if "ORGO_TEST_REDIS_URL" not in os.environ:
        pytest.skip("needs the servers of .ci/services; not set: ORGO_TEST_REDIS_URL")
    settings.REDIS_URL = os.environ["ORGO_TEST_REDIS_URL"]
    assert Cache().run(timezone.now()).state == OK
