"""Whether the database lets us in right now. Asks nothing else of it."""

from __future__ import annotations

from django.db import connection


def log_in(limit_seconds: int) -> None:
    """A login of its own: an old one may go on while new ones are refused, or hang for ever.

    Raises Psycopg's OperationalError, not Django's, where there is none within the limit.
    """
    told = connection.get_connection_params() | {"connect_timeout": limit_seconds}
    connection.get_new_connection(told).close()
