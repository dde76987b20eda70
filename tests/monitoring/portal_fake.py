"""A portal as services see it: the API's contract at its edge, in memory, and nothing behind it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.local_server import listening

TOKEN = "ingest-token"
Event = dict[str, object]


@dataclass
class Portal:
    """What was stored, and what to answer instead for a while."""

    url: str = ""
    stored: list[tuple[str, Event]] = field(default_factory=list)
    receipts: dict[str, tuple[bytes, int, bytes]] = field(default_factory=dict)
    tries: int = 0
    lost_answers: int = 0
    refused_action: str = ""
    sick: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def events(self, log: str = "activity-logs") -> list[Event]:
        return [event for kept_in, event in self.stored if kept_in == log]

    def actions(self) -> list[object]:
        return [event.get("action") or event.get("error") for _, event in self.stored]

    def take(self, log: str, key: str, body: bytes) -> tuple[int, bytes]:
        known = self.receipts.get(key)
        if known:
            same_body, status, answer = known
            return (status, answer) if same_body == body else (409, b'{"code": "key_reused"}')
        event = json.loads(body)
        status, answer = self._receipt(event)
        if status < 400:
            self.stored.append((log, event))
        self.receipts[key] = (body, status, answer)
        return status, answer

    def _receipt(self, event: Event) -> tuple[int, bytes]:
        if self.refused_action and event.get("action") == self.refused_action:
            return 400, b'{"accepted": 0, "rejected": [{"index": 0, "code": "bad_field"}]}'
        status = 202 if "identities" in event or event.get("workflow") == "harassment" else 201
        return status, b'{"accepted": 1, "rejected": []}'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    portal: Portal

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        pass

    def do_GET(self) -> None:  # noqa: N802
        url = urlsplit(self.path)
        if url.path == "/healthz":
            return self._answer(200, b"{}")
        if url.path.startswith("/api/v1/traces/"):
            return self._found("task_id", url.path.split("/")[4], "events")
        return self._found("email_id", parse_qs(url.query)["email_id"][0], "results")

    def _found(self, key: str, value: str, name: str) -> None:
        found = [event for event in self.portal.events() if event.get(key) == value]
        emails = {event["email_id"] for event in found if "email_id" in event}
        events = [
            one for one in self.portal.events() if one in found or one.get("email_id") in emails
        ]
        self._answer(200 if events else 404, json.dumps({name: events}).encode())

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.portal.lock:
            status, answer, headers = self._taken(body)
        if self.portal.lost_answers:
            self.portal.lost_answers -= 1
            self.close_connection = True
            return
        self._answer(status, answer, headers)

    def _taken(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        self.portal.tries += 1
        if self.portal.sick:
            status, headers = self.portal.sick.pop(0)
            return status, b"{}", headers
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, b"{}", {}
        log = self.path.split("/")[3]
        return *self.portal.take(log, self.headers["Idempotency-Key"], body), {}

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def a_portal(port: int = 0, portal: Portal | None = None) -> Iterator[Portal]:
    portal = portal or Portal()
    handler = type("Handler", (_Handler,), {"portal": portal})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    portal.url = f"http://127.0.0.1:{server.server_port}"
    with listening(server):
        yield portal
