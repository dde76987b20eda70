"""A web process waits for no answer for ever, and goes on once the server answers again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psutil
import pytest
from django.conf import settings
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from pytest_django.plugin import DjangoDbBlocker

from orgo_audit import settings as settings_file
from orgo_audit.database import base
from orgo_audit.embedded import paths, postgres
from orgo_audit.embedded.postgres import Postgres
from orgo_audit.logins import WEB

SHORT_SECONDS = 0.3
# Far below what a test that waits in vain would take.
SOON_SECONDS = 8.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("hung"), options=postgres.UNSAFE_AND_FAST)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def connection(
    server: Postgres, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker
) -> Iterator[base.DatabaseWrapper]:
    """A web process's own, with little patience."""
    monkeypatch.setattr(base.silence, "was_in_vain", False)
    monkeypatch.setattr(base, "PATIENCE_SECONDS", SHORT_SECONDS)
    own = {
        "HOST": str(server.sockets),
        "PORT": "",
        "USER": "postgres",
        "PASSWORD": paths.read_secret(server.home, "postgres"),
        "NAME": "postgres",
    }
    handler = ConnectionHandler({"default": settings.DATABASES["default"] | own})
    connection = handler["default"]
    assert isinstance(connection, base.DatabaseWrapper)
    with django_db_blocker.unblock():
        yield connection
        connection.close()


@contextlib.contextmanager
def hung(server: Postgres) -> Iterator[None]:
    assert server.process is not None
    postmaster = psutil.Process(server.process.pid)
    stopped = [postmaster, *postmaster.children()]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            process.resume()


def ask(connection: base.DatabaseWrapper, statement: str = "SELECT 1") -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def refused_soon(act: Callable[[], object]) -> None:
    started = time.monotonic()
    with pytest.raises(OperationalError):
        act()
    assert time.monotonic() - started < SOON_SECONDS


def test_a_server_that_hangs_is_given_up_and_found_again(
    server: Postgres, connection: base.DatabaseWrapper
) -> None:
    ask(connection)
    with hung(server):
        refused_soon(lambda: ask(connection))
        connection.close()
        refused_soon(lambda: ask(connection))  # it connects: the socket takes it
    connection.close()
    assert ask(connection) == (1,)


def test_after_a_wait_in_vain_the_next_is_short_until_the_server_answers(
    server: Postgres, connection: base.DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(connection)
    monkeypatch.setattr(base, "IMPATIENCE_SECONDS", SHORT_SECONDS)
    other = connection.copy()
    ask(other)
    with hung(server):
        refused_soon(lambda: ask(connection))
        monkeypatch.setattr(base, "PATIENCE_SECONDS", 2 * SOON_SECONDS)
        refused_soon(lambda: ask(other))
    for one in (connection, other):
        one.close()
        ask(one, "SELECT 1")
        ask(one, f"SELECT pg_sleep({2 * SHORT_SECONDS})")
        one.close()


def test_a_transaction_in_which_the_server_hung_can_be_left(
    server: Postgres, connection: base.DatabaseWrapper
) -> None:
    connection.set_autocommit(False)
    ask(connection)
    with hung(server):
        refused_soon(lambda: ask(connection))
        refused_soon(connection.commit)
        connection.close()


def test_who_expects_silence_says_for_how_long(connection: base.DatabaseWrapper) -> None:
    with connection.cursor() as cursor, base.patient(cursor, timedelta(seconds=SOON_SECONDS)):
        cursor.execute(f"SELECT pg_sleep({2 * SHORT_SECONDS})")
    refused_soon(lambda: ask(connection, "SELECT pg_sleep(600)"))


def test_a_notification_may_be_long_in_coming(connection: base.DatabaseWrapper) -> None:
    ask(connection)
    assert list(connection.connection.notifies(timeout=2 * SHORT_SECONDS)) == []
    assert ask(connection) == (1,)


def test_a_server_that_cannot_be_reached_is_noticed_and_a_url_may_say_when(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "postgres://u:p@host:5432/name?keepalives_idle=7&sslmode=require"
    monkeypatch.setenv("ORGO_WEB_DATABASE_URL", url)
    assert settings_file._database(WEB)["OPTIONS"] == {
        "connect_timeout": 10,
        "keepalives_idle": 7,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "sslmode": "require",
    }
