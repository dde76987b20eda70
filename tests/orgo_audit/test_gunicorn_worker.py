"""Slow clients hold no thread of the web server, and are cut off in the end."""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal import PROJECT, a_free_port

APPLICATION = """
import pathlib, time
def application(environ, start_response):
    while environ["PATH_INFO"] == "/held" and not pathlib.Path("{free}").exists():
        time.sleep(0.01)
    body = environ["wsgi.input"].read() if environ["REQUEST_METHOD"] == "POST" else b""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d bytes" % len(body)]
"""
SETTINGS = """
from orgo_audit.embedded import gunicorn_worker
gunicorn_worker.HEAD_SECONDS = {head}
gunicorn_worker.BODY_SECONDS = {body}
bind = "127.0.0.1:{port}"
workers = 1
threads = 2
worker_class = "orgo_audit.embedded.gunicorn_worker.Worker"
control_socket_disable = True
"""
FOREVER = 600
MORE_THAN_THREADS = 8


@contextlib.contextmanager
def a_server(folder: Path, *, head: float = FOREVER, body: float = FOREVER) -> Iterator[int]:
    port = a_free_port()
    (folder / "slow_application.py").write_text(APPLICATION.replace("{free}", str(folder / "free")))
    (folder / "settings.py").write_text(SETTINGS.format(head=head, body=body, port=port))
    words = ("-m", "gunicorn", "-c", str(folder / "settings.py"), "--pythonpath", str(folder))
    process = subprocess.Popen(
        [sys.executable, *words, "slow_application"],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        with process.stderr as lines:
            assert any("Booting worker" in line for line in lines)
            yield port
    finally:
        process.terminate()
        process.wait()


def a_connection(port: int, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(sent)
    return connection


def ask(port: int, method: str = "GET", body: bytes | None = None, path: str = "/") -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body)
    answer = connection.getresponse().read()
    connection.close()
    return answer


@pytest.mark.parametrize("beginning", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_clients_that_never_end_their_head_keep_nobody_waiting(
    tmp_path: Path, beginning: bytes
) -> None:
    with a_server(tmp_path) as port, contextlib.ExitStack() as slow:
        for _ in range(MORE_THAN_THREADS):
            slow.enter_context(a_connection(port, beginning))
        assert ask(port) == b"0 bytes"
        assert ask(port, "POST", b"x" * 1_000_000) == b"1000000 bytes"


def test_a_head_in_pieces_is_answered_once_it_is_there(tmp_path: Path) -> None:
    with a_server(tmp_path) as port, a_connection(port, b"GET / HT") as patient:
        ask(port)
        patient.sendall(b"TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in received(patient)


def test_two_requests_at_once_are_both_answered(tmp_path: Path) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n"
    both = request + b"\r\n" + request + b"Connection: close\r\n\r\n"
    with a_server(tmp_path) as port, a_connection(port, both) as pipelining:
        assert received(pipelining).count(b"200 OK") == 2


def test_whoever_never_ends_the_head_or_the_body_is_cut_off(tmp_path: Path) -> None:
    unfinished = (
        b"",
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
    )
    with a_server(tmp_path, head=0.1, body=0.1) as port:
        for sent in unfinished:
            with a_connection(port, sent) as slow:
                received(slow)


def test_a_probe_is_answered_while_every_thread_is_held(tmp_path: Path) -> None:
    held = b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n"
    with a_server(tmp_path) as port, contextlib.ExitStack() as holders:
        held_ones = [
            holders.enter_context(a_connection(port, held)) for _ in range(MORE_THAN_THREADS)
        ]
        for path in ("/healthz", "/readyz?verbose", "/metrics"):
            assert ask(port, path=path) == b"0 bytes"
        assert select.select(held_ones, [], [], 0)[0] == []
        (tmp_path / "free").touch()
        for one in held_ones:
            assert b"200 OK" in one.recv(65536)


def received(connection: socket.socket) -> bytes:
    """All that comes until the server closes; a reset is a close."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while more := connection.recv(65536):
            got += more
    return got
