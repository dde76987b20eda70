"""Django's PostgreSQL, of which a web process waits for no answer for ever.

A server that hangs (it was stopped, its storage stalls, a network drops packets) keeps its
connections and says nothing. Its own limits on statements do not help: it is the one who counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

Answer = TypeVar("Answer")
# More than any statement of a page or a delivery takes.
PATIENCE_SECONDS = 20.0
# After a wait in vain, until the server answers again: threads must be free for who asks nothing
# of it. Psycopg connects with no shorter limit.
IMPATIENCE_SECONDS = 2
_POLL_SECONDS = 0.1  # Psycopg's own: how soon Ctrl-C is noticed


@dataclass(slots=True)
class Silence:
    """What all threads of this process know of the server."""

    was_in_vain: bool = False


silence = Silence()


class Connection(psycopg.Connection[Any]):
    """One that ends when the server says nothing for too long: the statement's fate is unknown."""

    patience = 0.0  # its own; none

    def wait(
        self,
        gen: PQGen[Answer],
        interval: float = _POLL_SECONDS,
        timeout: float | None = None,
    ) -> Answer:
        if timeout is not None:  # whoever gives one expects silence
            return super().wait(gen, interval, timeout)
        usual = IMPATIENCE_SECONDS if silence.was_in_vain else PATIENCE_SECONDS
        try:
            # Not by `super`, which only adds what Ctrl-C needs: an export waits once a row.
            answer = waiting.wait(gen, self.pgconn.socket, interval, self.patience or usual)
        except _WaitTimeout:
            silence.was_in_vain = True
            self.pgconn.finish()
            raise psycopg.OperationalError("the server has said nothing for too long") from None
        silence.was_in_vain = False
        return answer


class DatabaseWrapper(base.DatabaseWrapper):
    # Django takes a module; it is Psycopg with our connections.
    Database = SimpleNamespace(**vars(psycopg) | {"connect": Connection.connect})  # type: ignore[assignment]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if silence.was_in_vain:
            conn_params = conn_params | {"connect_timeout": IMPATIENCE_SECONDS}
        try:
            return super().get_new_connection(conn_params)
        except psycopg.errors.ConnectionTimeout:
            silence.was_in_vain = True
            raise


@contextmanager
def patient(cursor: CursorWrapper, longest: timedelta) -> Iterator[None]:
    """Within the block the cursor's connection may be silent for so long."""
    connection = cursor.connection
    connection.patience = longest.total_seconds()
    try:
        yield
    finally:
        connection.patience = 0.0
