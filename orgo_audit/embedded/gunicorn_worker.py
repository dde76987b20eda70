"""A web worker whose threads no slow client can hold. Never reads a request itself.

Gunicorn's own gives a thread to whoever has sent one byte (its advice is a proxy in front); a few
clients that send no more would stop the portal.
"""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http.body import Body
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_SECONDS = 10.0
# A request with a body: from its head to its answer. The largest body takes a second.
BODY_SECONDS = 60.0
# An answer: for each block that the client has to take.
SEND_SECONDS = 60
LARGEST_HEAD = 64 * 1024
# Operators' probes have threads of their own: they tell why all others wait.
PROBES = re.compile(rb"(GET|HEAD) /(healthz|readyz|metrics)[ ?]")
PROBE_THREADS = 4


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads answer requests whose head is there; connections that take too long are ended."""

    def init_process(self) -> None:
        self.incomplete: dict[TConn, float] = {}
        self.held: dict[TConn, float] = {}  # by a thread, until then
        self.probe_pool = ThreadPoolExecutor(PROBE_THREADS)
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """A thread takes the connection, or it waits for the rest of its head."""
        head = _peeked(conn)
        if _is_read_ahead(conn) or _is_complete(head):
            self._hand_over(conn, head)
        elif head is None:
            self._wait_for_first_byte(conn)
        else:
            self.incomplete[conn] = time.monotonic() + HEAD_SECONDS

    def handle(self, conn: TConn) -> Any:
        self.held[conn] = time.monotonic() + HEAD_SECONDS
        try:
            return super().handle(conn)
        finally:
            self.held.pop(conn, None)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        if _has_body(req):
            self.held[conn] = time.monotonic() + BODY_SECONDS
            req.body = _ExpectedFaults(req.body.reader)
        else:
            self.held.pop(conn, None)
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Called every second at least."""
        super().murder_pending()
        now = time.monotonic()
        for conn, limit in list(self.incomplete.items()):
            if _is_complete(head := _peeked(conn)):
                del self.incomplete[conn]
                self._hand_over(conn, head)
            elif now > limit or not self.alive:
                del self.incomplete[conn]
                self.nr_conns -= 1
                conn.close()
        for conn, limit in list(self.held.items()):
            if now > limit:
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR)  # its thread ends by itself

    def _hand_over(self, conn: TConn, head: bytes | None) -> None:
        conn.data_ready = True
        limit = struct.pack("ll", SEND_SECONDS, 0)
        with contextlib.suppress(OSError):  # it is gone already
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        pool = self.probe_pool if PROBES.match(head or b"") else self.tpool
        answered = pool.submit(self.handle, conn)
        answered.add_done_callback(partial(self.method_queue.defer, self.finish_request, conn))

    def _wait_for_first_byte(self, conn: TConn) -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + HEAD_SECONDS
        self.pending_conns.append(conn)
        readable = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, EVENT_READ, readable)


class _ExpectedFaults(Body):  # type: ignore[misc]  # gunicorn has no types
    """A body whose chunks are broken ends in an OSError: applications know no other fault."""

    def _read_reader(self, size: int) -> bytes:
        try:
            return bytes(super()._read_reader(size))
        except ParseException:
            raise ConnectionResetError(errno.ECONNRESET, "broken chunks") from None


def _peeked(conn: TConn) -> bytes | None:
    """What has come, left where it is; None if nothing has."""
    try:
        return bytes(conn.sock.recv(LARGEST_HEAD, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _is_complete(head: bytes | None) -> bool:
    """The head has its end, is too long to have one, or will never have one: a thread may look."""
    if head is None:
        return False
    return not head or b"\r\n\r\n" in head or len(head) == LARGEST_HEAD


def _is_read_ahead(conn: TConn) -> bool:
    """The parser took the beginning of this request along with the one before."""
    return conn.parser is not None and bool(conn.parser.unreader.buf.getvalue())


def _has_body(req: Any) -> bool:
    names = {name for name, _ in req.headers}
    return not names.isdisjoint({"CONTENT-LENGTH", "TRANSFER-ENCODING"})
