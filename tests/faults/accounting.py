"""Well-behaved services that post batches, and what each of them was promised by its receipts.

They must never give a batch up, change its bytes or its key, or take an answer for a receipt that
is none: then a fault would hide behind its own witness.
"""

from __future__ import annotations

import gzip
import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

WRITERS = 8
CLIENT_TIMEOUT_SECONDS = 30.0
GIVE_UP_SECONDS = 120
RECEIPTS = frozenset({201, 202, 207})
# What a service may be told while something is broken: later, or nothing at all.
NOT_NOW = frozenset({429, 503})
LOST = "connection lost"
LONGEST_BACKOFF_SECONDS = 1.0


class Fate(StrEnum):
    """What must become of an item."""

    STORED = "stored"
    REFUSED = "refused"
    SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class Batch:
    """A request that is sent until it has a receipt. Each item has a task of its own."""

    key: str
    path: str
    body: bytes
    headers: dict[str, str]
    fates: dict[str, Fate]  # of each task, in the batch's order


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A batch, the receipt it got, and how long its service had to wait for that."""

    batch: Batch
    answer: Answer
    waited_seconds: float
    tries: int

    @property
    def receipt(self) -> dict[str, Any]:
        receipt: dict[str, Any] = json.loads(self.answer.body)
        return receipt


# --- what is sent -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shape:
    """How a batch looks. The refused and sealed items are its first ones."""

    path: str
    size: int
    lines: bool = False
    refused: int = 0
    sealed: int = 0


SHAPES = (
    Shape("/api/v1/activity-logs/", 1),
    Shape("/api/v1/security-logs/", 50),
    Shape("/api/v1/activity-logs/", 1000, lines=True),
    Shape("/api/v1/error-logs/", 50, lines=True, refused=1),
    Shape("/api/v1/logs/", 50, sealed=2),
    Shape("/api/v1/logs/", 20, refused=1, sealed=1),
)


def batch_of(source: str, name: str, shape: Shape) -> Batch:
    special = [Fate.REFUSED] * shape.refused + [Fate.SEALED] * shape.sealed
    fates = special + [Fate.STORED] * (shape.size - len(special))
    tasks = [f"{source}-{name}-{place}" for place in range(shape.size)]
    items = [
        _item(task, fate, shape.path, place)
        for place, (task, fate) in enumerate(zip(tasks, fates, strict=True))
    ]
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"{source}-{name}"}
    body = json.dumps(items).encode()
    if shape.lines:
        headers |= {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        body = gzip.compress("\n".join(map(json.dumps, items)).encode(), mtime=0)
    return Batch(
        headers["Idempotency-Key"], shape.path, body, headers, dict(zip(tasks, fates, strict=True))
    )


def _item(task: str, fate: Fate, path: str, place: int) -> dict[str, Any]:
    log_type = "activity"
    if path.endswith("/logs/"):
        log_type = ("activity", "security", "error")[place % 3]
    elif path.endswith("/error-logs/"):
        log_type = "error"
    item = {"timestamp": f"2024-11-24T10:{place % 60:02}:00Z", "task_id": task}
    if path.endswith("/logs/"):
        item["log_type"] = log_type
    if fate is not Fate.REFUSED:  # without an action it is none
        item["error" if log_type == "error" else "action"] = "Task Routed"
    if fate is Fate.SEALED:
        return item | {"workflow": "harassment", "identities": {"reporter": "jane.roe@example.org"}}
    return item


# --- who sends it -------------------------------------------------------------------------------


def _ignore(outcome: int | str) -> None:
    """Nobody asks how often it had to try."""


@dataclass
class Service:
    """One sender with one connection, as the documentation asks it to behave."""

    port: int
    token: str
    timeout: float = CLIENT_TIMEOUT_SECONDS
    tell: Callable[[int | str], None] = _ignore
    _connection: http.client.HTTPConnection | None = field(default=None, init=False)

    def deliver(self, batch: Batch) -> Delivery:
        """The same bytes under the same key until there is a receipt."""
        started = time.monotonic()
        for attempt in itertools.count(1):
            answer = self.send(batch.path, batch.body, batch.headers)
            self.tell(answer.status if answer else LOST)
            waited = time.monotonic() - started
            if answer is not None and answer.status in RECEIPTS:
                return Delivery(batch, answer, waited, attempt)
            assert waited < GIVE_UP_SECONDS, f"{batch.key} got no receipt: {answer}"
            assert answer is None or answer.status in NOT_NOW, answer
            pause = _pause(answer, attempt)
            assert pause < GIVE_UP_SECONDS, answer
            time.sleep(pause)
        raise AssertionError  # the count has no end

    def send(self, path: str, body: bytes, headers: dict[str, str]) -> Answer | None:
        """One try; nothing if the connection was lost on the way."""
        connection = self._connection or http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=self.timeout
        )
        own = {"Authorization": f"Bearer {self.token}", "Host": "localhost"}
        try:
            connection.request("POST" if body else "GET", path, body or None, own | headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.hang_up(connection)
            return None
        self._connection = connection
        told = response.headers.get("Retry-After")
        return Answer(response.status, content, float(told) if told else None)

    def hang_up(self, connection: http.client.HTTPConnection | None = None) -> None:
        if opened := connection or self._connection:
            opened.close()
        self._connection = None


def _pause(answer: Answer | None, attempt: int) -> float:
    if answer is not None and answer.retry_after is not None:
        return answer.retry_after
    longest: float = min(LONGEST_BACKOFF_SECONDS, 0.05 * 2**attempt)
    return random.uniform(longest / 2, longest)  # noqa: S311  (jitter)


# --- the books ----------------------------------------------------------------------------------


@dataclass
class Books:
    """Everything that was promised to the services of one source."""

    source: str
    port: int
    token: str
    timeout: float = CLIENT_TIMEOUT_SECONDS
    deliveries: list[Delivery] = field(default_factory=list)
    answers: Counter[int | str] = field(default_factory=Counter)
    failures: list[BaseException] = field(default_factory=list)
    _closed: bool = field(default=False, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Eight services post batches until the block ends; each batch gets its receipt."""
        writers = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            yield
        finally:
            self._closed = True
            for writer in writers:
                writer.join()
        assert not self.failures, self.failures

    def wait_for_more(self, receipts: int) -> None:
        wanted = len(self.deliveries) + receipts
        self._wait_until(lambda: len(self.deliveries) >= wanted)

    def wait_until_lost(self, tries: int) -> None:
        self._wait_until(lambda: self.answers[LOST] >= tries)

    def service(self) -> Service:
        return Service(self.port, self.token, self.timeout, self._count)

    def _wait_until(self, happened: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: happened() or self.failures, GIVE_UP_SECONDS)
            assert happened(), (self.failures, self.answers)

    def _count(self, outcome: int | str) -> None:
        with self._changed:
            self.answers[outcome] += 1
            self._changed.notify_all()

    def _write(self, writer: int) -> None:
        service = self.service()
        try:
            for number in itertools.count(writer):
                if self._closed:
                    break
                batch = batch_of(self.source, f"{writer}-{number}", SHAPES[number % len(SHAPES)])
                self._keep(service.deliver(batch))
        except BaseException as error:  # noqa: BLE001  (raised again by the test's own thread)
            with self._changed:
                self.failures.append(error)
                self._changed.notify_all()
        finally:
            service.hang_up()

    def _keep(self, delivery: Delivery) -> None:
        with self._changed:
            self.deliveries.append(delivery)
            self._changed.notify_all()
