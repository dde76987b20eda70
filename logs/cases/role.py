"""HR's tables are reached as `orgo_hr`, for one transaction; the web login itself cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from orgo_audit.grants import HR


@contextmanager
def as_hr() -> Iterator[None]:
    """Inside, the database shows HR's tables and almost nothing else.

    Resolve people, organizations and policies before, evaluate rows inside: outside, a lazy
    queryset is refused.
    """
    with transaction.atomic():
        previous = _become(HR)
        yield
        # RELEASE SAVEPOINT keeps the role. After an error, the rollback puts it back.
        _become(previous)


def _become(role: str) -> str:
    """Takes the role until the transaction ends, and names the one before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('role')")
        previous: str = cursor.fetchone()[0]
        cursor.execute("SELECT set_config('role', %s, true)", [role])
    return previous
