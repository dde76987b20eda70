"""Gunicorn's settings under `up`: loopback only, and no access log, since paths name people."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.http.message import Request
from gunicorn.workers.base import Worker

from orgo_audit.embedded.ports import has_ipv6_loopback
from orgo_audit.log_lines import LogLine

_port = os.environ.get("ORGO_PORT") or "8000"
# `localhost` is ::1 for some clients, and they do not all try 127.0.0.1 next.
bind = [f"127.0.0.1:{_port}", *([f"[::1]:{_port}"] if has_ipv6_loopback() else [])]
workers = 2
worker_class = "orgo_audit.embedded.gunicorn_worker.Worker"
threads = 16
timeout = 60
graceful_timeout = 5
accesslog = None
# Nobody may name our paths or our scheme; behind a proxy that ends TLS, Django reads what it says.
forwarded_allow_ips = ""
control_socket_disable = True
_ABOUT_REQUESTS = {
    "Invalid request": "a request could not be read",
    "Error handling request": "a request could not be answered",
}
DRAIN_SECONDS = 5.0
DRAIN_BYTES = 64 * 1024


def on_starting(server: Arbiter) -> None:
    """Gunicorn's lines about requests repeat what was sent: paths, headers, exceptions' words."""
    log: logging.Logger = server.log.error_log
    log.addFilter(without_what_was_sent)
    for handler in log.handlers:
        handler.setFormatter(LogLine("{asctime} {levelname} {name} {message}", style="{"))


def without_what_was_sent(record: logging.LogRecord) -> bool:
    for beginning, message in _ABOUT_REQUESTS.items():
        if str(record.msg).startswith(beginning):
            record.msg, record.args = message, ()
    return True


def post_request(worker: Worker, req: Request, environ: dict[str, Any]) -> None:
    """Takes what is still being sent, or the sender is cut off before it reads our answer."""
    limit = time.monotonic() + DRAIN_SECONDS
    environ["gunicorn.socket"].settimeout(DRAIN_SECONDS)
    with contextlib.suppress(OSError):
        while time.monotonic() < limit and req.body.read(DRAIN_BYTES):
            pass
