"""The vault's own loop with its own login, beside a test that commits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from logs.vault import process

LONGEST_START_SECONDS = 20.0


@contextmanager
def a_running_vault() -> Iterator[threading.Thread]:
    """Its thread, once the vault is open; stopped at the end."""
    stopped, is_open = threading.Event(), threading.Event()

    def serve() -> None:
        connections["default"] = connections["vault"]
        try:
            process.run(stopped, lambda sentence: is_open.set())
        finally:
            connections["vault"].close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert is_open.wait(LONGEST_START_SECONDS)
        yield thread
    finally:
        stopped.set()
        thread.join()
