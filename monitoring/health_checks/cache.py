"""How fast Redis or Valkey is, what it holds, and whether it throws things away."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from statistics import median

from django.conf import settings
from redis import Redis, RedisError

from monitoring.health_checks.base import Finding, Outcome, outcome_of
from monitoring.health_checks.models import HealthCheckResult

ROUNDS = 100
LIMIT_SECONDS = 5
# A request counts itself there each time, and may not wait for it.
SLOWEST_MS = 50
KEY = "orgo:health_check"
UPTIME_IS_ROUNDED = timedelta(seconds=2)


class Cache:
    name = "cache"
    verifies = "Redis or Valkey answers quickly, and evicts nothing of ours"

    def run(self, now: datetime) -> Outcome:
        client = Redis.from_url(
            settings.REDIS_URL, socket_timeout=LIMIT_SECONDS, socket_connect_timeout=LIMIT_SECONDS
        )
        try:
            with client:
                times, told = _round_trips(client), client.info()
        except RedisError as error:
            return outcome_of(
                [Finding(f"the cache does not answer ({type(error).__name__})", is_well=False)]
            )
        return outcome_of([_speed(times), _memory(told, now)])


def _round_trips(client: Redis) -> list[float]:
    """In milliseconds: a value is written, read and compared, so that an answer is a right one."""
    times = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        client.set(KEY, number, ex=60)
        if client.get(KEY) != str(number).encode():
            raise RedisError("what was written was not read back")
        times.append(1000 * (time.perf_counter() - began))
    client.delete(KEY)
    return sorted(times)


def _speed(times: list[float]) -> Finding:
    usual, slow = median(times), times[len(times) * 99 // 100 - 1]
    facts = {"round_trip_ms": round(usual, 3), "slow_round_trip_ms": round(slow, 3)}
    told = f"a round trip takes {usual:.1f} ms, at worst {slow:.1f} ms"
    return Finding(told, is_well=slow <= SLOWEST_MS, facts=facts)


def _memory(told: dict[str, int], now: datetime) -> Finding:
    hits, misses = told["keyspace_hits"], told["keyspace_misses"]
    began_at = now - timedelta(seconds=told["uptime_in_seconds"]) - UPTIME_IS_ROUNDED
    facts: dict[str, int | float] = {
        "evicted_keys": told["evicted_keys"],
        "used_memory_bytes": told["used_memory"],
        "connected_clients": told["connected_clients"],
    }
    if hits + misses:
        facts["hit_ratio"] = round(hits / (hits + misses), 4)
    if told["evicted_keys"] > _evicted_before(began_at):
        return Finding("keys were evicted since the last check: memory is short", False, facts)
    return Finding("nothing was evicted", facts=facts)


def _evicted_before(began_at: datetime) -> int:
    """As of the last run that could see it; a server that began anew since counts from 0."""
    seen = HealthCheckResult.objects.filter(
        name="cache", started_at__gte=began_at, facts__has_key="evicted_keys"
    )
    last = seen.order_by("-started_at").first()
    return int(last.facts["evicted_keys"]) if last else 0
