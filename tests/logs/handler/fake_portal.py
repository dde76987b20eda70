"""A portal that judges by the real rules, remembers keys, and fails in every way it is told to.

It must never forgive: the same key with another body is a conflict, a body it cannot read is 400.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from logs.record import drafts
from logs.record.drafts import Refusal
from tests.local_server import listening

TOKEN = "orgo_a-token"
LIMIT_SECONDS = 20
LOST_ANSWER = "stores the batch, then drops the connection"
DROPPED = "drops the connection, stores nothing"
Trouble = tuple[int, dict[str, str]] | int | str


@dataclass
class FakePortal:
    """What it has stored, whom it has heard, and the troubles that its next answers will have."""

    url: str = ""
    token: str = TOKEN
    events: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    troubles: list[Trouble | None] = field(default_factory=list)
    always: Trouble | None = None
    heard: list[tuple[str, str, Trouble]] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    receipts: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int) -> None:
        self.wait_until(lambda: len(self.events) >= count, f"{count} events")

    def wait_until(self, happened: Any, what: str = "") -> None:
        with self.changed:
            fine = self.changed.wait_for(happened, LIMIT_SECONDS)
        assert fine, (what, len(self.events), self.heard[-5:], self.refused[-5:])

    def counts(self, name: str) -> Counter[Any]:
        return Counter(event.get(name) for event in self.events)

    def answer(self, path: str, headers: Any, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        key = headers.get("Idempotency-Key", "")
        trouble = self.troubles.pop(0) if self.troubles else self.always
        status: int | str
        more: dict[str, str] = {}
        content = b"{}"
        if headers.get("Authorization") != f"Bearer {self.token}":
            status = 401
        elif isinstance(trouble, tuple):
            status, more = trouble
        elif isinstance(trouble, int):
            status = trouble
        elif trouble == DROPPED:
            status = 0
        else:
            status, content = self._stored(key, path, body)
            status = 0 if trouble == LOST_ANSWER else status
        self.heard.append((key, path, trouble or status))
        return int(status), content, more

    def _stored(self, key: str, path: str, body: bytes) -> tuple[int, bytes]:
        assert key
        if key in self.bodies:
            return self.receipts[key] if self.bodies[key] == body else (409, b"{}")
        self.bodies[key] = body
        unpacked = gzip.decompress(body)
        assert path.endswith("/api/v1/logs/")
        assert len(unpacked) < 1024 * 1024
        items = drafts.parse_batch(unpacked, lines=True, log_type=None, now=datetime.now(UTC))
        assert len(items) <= 1000
        rejected = []
        for index, item in enumerate(items):
            if isinstance(item.verdict, Refusal):
                code = item.verdict.code
                self.refused.append(f"{code} {item.verdict.path} {item.sent!r}"[:500])
                rejected.append({"index": index, "code": code})
            else:
                self.events.append(item.sent | {"details": item.verdict.details})
        accepted = len(items) - len(rejected)
        status = 400 if not accepted else 207 if rejected else 201
        self.receipts[key] = status, json.dumps({"rejected": rejected}).encode()
        return self.receipts[key]


class _Handler(BaseHTTPRequestHandler):
    portal: FakePortal

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        pass

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.portal.changed:
            status, content, headers = self.portal.answer(self.path, self.headers, body)
            self.portal.changed.notify_all()
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(portal: FakePortal, port: int = 0) -> Iterator[FakePortal]:
    handler = type("Handler", (_Handler,), {"portal": portal})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    portal.url = f"http://127.0.0.1:{server.server_port}"
    with listening(server):
        yield portal


def wait_for_file(done: Any) -> None:
    """For what another process or thread writes."""
    limit = time.monotonic() + LIMIT_SECONDS
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.01)
