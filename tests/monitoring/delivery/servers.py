"""Real servers of this process for what is told: SMTP by aiosmtpd, HTTP by the standard library."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_django import Settings

from tests.local_server import listening

LOOPBACK = "127.0.0.1"


@dataclass
class MailServer:
    """What it took, with the receivers of the envelope; `refuses` what it says to a receiver."""

    port: int = 0
    mails: list[tuple[list[str], Message]] = field(default_factory=list)
    refuses: str = ""

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append((list(envelope.rcpt_tos), message_from_bytes(content)))
        return "250 OK"


@contextmanager
def a_mail_server(settings: Settings) -> Iterator[MailServer]:
    """A real one, which EMAIL_URL names."""
    server = MailServer(a_free_port())
    controller = Controller(server, hostname=LOOPBACK, port=server.port)
    controller.start()
    use_mail_server(settings, server.port)
    try:
        yield server
    finally:
        controller.stop()


def use_mail_server(settings: Settings, port: int) -> None:
    settings.EMAIL_URL = f"smtp://{LOOPBACK}:{port}"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = LOOPBACK, port
    settings.EMAIL_TIMEOUT = 2


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server that takes POSTs; `status`, `location` and `drips` say how it answers."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    status: int = 204
    location: str = ""
    drips: bool = False


@contextmanager
def a_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802  # the library's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append(Request(self.path, told, body))
            if receiver.drips:
                self._drip()
                return
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.end_headers()

        def _drip(self) -> None:
            try:
                for sign in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 600:
                    self.wfile.write(bytes([sign]))
                    time.sleep(0.05)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    with listening(server):
        receiver.url = f"http://{LOOPBACK}:{server.server_port}"
        yield receiver
