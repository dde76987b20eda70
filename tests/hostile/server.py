"""The portal's web server as `up` starts it, on the test database; and raw bytes sent to it."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
from django.db import connections

from tests.portal import PROJECT, a_free_port

START_LIMIT_SECONDS = 60.0
ANSWER_LIMIT_SECONDS = 30.0
WORDS = ("-m", "gunicorn", "-c", "python:orgo_audit.embedded.gunicorn_config", "orgo_audit.wsgi")


@dataclass
class Server:
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def send(self, *pieces: bytes, end: bool = False) -> bytes:
        """All that comes back until the server closes; a reset is a close."""
        got = b""
        with socket.create_connection(("127.0.0.1", self.port), ANSWER_LIMIT_SECONDS) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for piece in pieces:
                    connection.sendall(piece)
                if end:
                    connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while more := connection.recv(65536):
                    got += more
        return got

    def said(self) -> str:
        return self.log.read_text()

    def memory(self) -> int:
        """The largest that one of its processes has been, in bytes."""
        every = [psutil.Process(self.process.pid)]
        every += every[0].children(recursive=True)
        return max(_peak(one.pid) for one in every)

    def is_alive(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _environment(port: int) -> dict[str, str]:
    web = connections["default"].settings_dict
    name, login, password = web["NAME"], web["USER"], quote(web["PASSWORD"], safe="")
    host, listens = web["HOST"], f":{web['PORT']}" if web["PORT"] else ""
    in_folder = host.startswith("/")
    place = f"/{name}?host={quote(host, safe='')}" if in_folder else f"{host}{listens}/{name}"
    url = f"postgres://{login}:{password}@{place}"
    return dict(os.environ) | {
        "ORGO_PROCESS": "web",
        "ORGO_PORT": str(port),
        "ORGO_WEB_DATABASE_URL": url,
        "ORGO_REQUESTS_PER_MINUTE": "0",
    }


@contextlib.contextmanager
def a_server(folder: Path) -> Iterator[Server]:
    port, log = a_free_port(), folder / "log"
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    subprocess.run(collect, cwd=PROJECT, env=_environment(port), check=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *WORDS], cwd=PROJECT, env=_environment(port), stderr=output
        )
    server = Server(port, log, process)
    try:
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not server.is_alive():
            assert process.poll() is None, server.said()
            assert time.monotonic() < limit, server.said()
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait()


def statuses(answer: bytes) -> list[int]:
    """The status of every answer in what came back."""
    heads = answer.split(b"HTTP/1.1 ")[1:]
    return [int(head[:3]) for head in heads]
