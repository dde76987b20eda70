"""The vault's own loop with its own login, in a thread beside a test that commits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, connections

from logs import envelope
from logs.cases.models import CaseEvent
from logs.record.models import SealedItem
from logs.vault import process
from orgo_audit.errors import OrgoError
from tests.vault_at_hand import the_vaults_rights

LIMIT_SECONDS = 30.0


def until(is_so: Callable[[], object], what: str) -> None:
    limit = time.monotonic() + LIMIT_SECONDS
    while not is_so():
        assert time.monotonic() < limit, f"never: {what}"
        time.sleep(0.02)


class Loop:
    """One `run_vault`. A refusal that ended it is kept, as the command prints it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.refusal = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        connections["default"] = connections["vault"]
        try:
            process.run(self._stopped, self.said.append)
        except OrgoError as error:
            self.refusal = error.full_sentence
        finally:
            # At once: the server ends the session, and with it the lock, a moment later.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock_all()")
            connection.close()

    def start(self) -> Loop:
        """Returns once it is open, or has refused."""
        self._thread.start()
        until(lambda: self.said or not self.is_alive(), "the vault opens")
        return self

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> str:
        """Stops it if it still runs; why it had refused."""
        self._stopped.set()
        wake()
        return self.wait()

    def wait(self) -> str:
        """Until it ends by itself; why it refused."""
        self._thread.join(LIMIT_SECONDS)
        assert not self.is_alive()
        return self.refusal


@contextmanager
def a_running_vault() -> Iterator[Loop]:
    """Open, and stopped at the end."""
    loop = Loop().start()
    try:
        assert loop.is_alive(), loop.refusal
        yield loop
    finally:
        loop.end()


def wake() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {envelope.CHANNEL}")


def stored() -> int:
    """How many events HR may see."""
    with the_vaults_rights():
        return CaseEvent.objects.count()


def waiting() -> int:
    """How many envelopes are in the inbox."""
    with the_vaults_rights():
        return SealedItem.objects.count()


def labels_in_order() -> list[str]:
    """The label of each event's one participant."""
    with the_vaults_rights():
        told = CaseEvent.objects.order_by("case", "place").values_list("participants", flat=True)
        return [one["label"] for (one,) in told]
