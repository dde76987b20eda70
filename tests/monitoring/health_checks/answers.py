"""An HTTP server of this process that answers GETs as a test says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.local_server import listening
from tests.monitoring.delivery.servers import LOOPBACK


@contextmanager
def an_http_server(answers: Mapping[str, tuple[int, bytes]]) -> Iterator[str]:
    """Each path that begins so gets this; the first one that fits."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802  # the library's name
            status, body = next(
                answer for start, answer in answers.items() if self.path.startswith(start)
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    with listening(server):
        yield f"http://{LOOPBACK}:{server.server_port}"
