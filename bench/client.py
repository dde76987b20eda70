"""Services that deliver batches, or read an export, over HTTP. Know nothing of Django."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle, islice

from bench.events import EVENTS_PER_REQUEST, request_bodies, sensitive_event, wire_event

DISTINCT_BODIES = 20
BLOCK_BYTES = 64 * 1024


@lru_cache(maxsize=2)
def _bodies(sensitive: bool) -> list[bytes]:
    return list(request_bodies(DISTINCT_BODIES, sensitive_event if sensitive else wire_event))


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one client did in its window."""

    events: int
    seconds: float
    cpu_seconds: float
    latencies: tuple[float, ...]


def deliver(
    port: int, token: str, seconds: float, offset: int, *, sensitive: bool = False
) -> Delivery:
    """Posts batch after batch until the time is up; anything but a full receipt is an error."""
    bodies = cycle(islice(cycle(_bodies(sensitive)), offset, offset + DISTINCT_BODIES))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    expected = http.HTTPStatus.ACCEPTED if sensitive else http.HTTPStatus.CREATED
    latencies: list[float] = []
    unique = time.time_ns()
    cpu, began = time.process_time(), time.perf_counter()
    now = began
    while now - began < seconds:
        body = next(bodies)
        if sensitive:  # new cases each time, not ever more events in the same ones
            body = body.replace(b'"H-', b'"H-%d-%d-' % (unique, len(latencies)))
        connection.request("POST", "/api/v1/activity-logs/", body, headers)
        answer = connection.getresponse()
        receipt = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"{answer.status}: {receipt[:300]!r}")
        latencies.append(time.perf_counter() - now)
        now += latencies[-1]
    spent = time.process_time() - cpu
    connection.close()
    if json.loads(receipt)["accepted"] != EVENTS_PER_REQUEST:
        raise RuntimeError(f"not all events were accepted: {receipt[:300]!r}")
    return Delivery(len(latencies) * EVENTS_PER_REQUEST, now - began, spent, tuple(latencies))


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one export took."""

    lines: int
    size: int
    seconds: float
    cpu_seconds: float


def read_and_discard(port: int, token: str, address: str) -> Reading:
    """Takes an export to its end and counts its lines; anything but a whole answer is an error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    cpu, began = time.process_time(), time.perf_counter()
    connection.request("GET", address, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{answer.status}: {answer.read(300)!r}")
    lines = size = 0
    while block := answer.read1(BLOCK_BYTES):
        lines += block.count(b"\n")
        size += len(block)
    spent, seconds = time.process_time() - cpu, time.perf_counter() - began
    connection.close()
    return Reading(lines, size, seconds, spent)
