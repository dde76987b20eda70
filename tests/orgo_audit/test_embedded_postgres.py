"""A real PostgreSQL under a temporary home: it starts, it stops, and nothing stale stops it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from orgo_audit import logins
from orgo_audit.embedded import paths, postgres, postgres_binaries, roles, secrets
from orgo_audit.embedded.postgres import Postgres
from orgo_audit.errors import Unavailable


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """With logins, for tests that leave it as it was."""
    server = Postgres(tmp_path_factory.mktemp("shared"), options=postgres.UNSAFE_AND_FAST)
    server.start()
    with_logins(server)
    yield server
    server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path, options=postgres.UNSAFE_AND_FAST)
    server.start()
    yield server
    server.stop()


def owner_url(server: Postgres) -> str:
    return logins.database_url(logins.OWNER, owner_url="", home=server.home)


def with_logins(server: Postgres) -> dict[str, str]:
    passwords = {
        login: secrets.keep_secret(server.home, logins.role_name(login)) for login in logins.LOGINS
    }
    with server.superuser_connection() as superuser:
        roles.ensure_owner(superuser, passwords.pop(logins.OWNER))
    roles.ensure_logins(owner_url(server), passwords)
    return passwords


def value(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
        return row[0] if row else None


def test_only_a_socket_that_is_ours_leads_to_it(shared: Postgres) -> None:
    assert stat.S_IMODE(shared.sockets.stat().st_mode) == 0o700
    with shared.superuser_connection() as superuser:
        shown = superuser.execute("SHOW listen_addresses").fetchone()
        assert shown == ("",)
        assert superuser.execute("SHOW data_checksums").fetchone() == ("on",)


def test_a_wrong_password_is_refused(shared: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(shared.sockets), user="postgres", password="wrong")


def test_the_owner_is_no_superuser_and_every_login_can_log_in(shared: Postgres) -> None:
    is_super = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    for login in logins.LOGINS:
        url = logins.database_url(login, owner_url="", home=shared.home)
        assert value(url, "SELECT current_user") == logins.role_name(login)
        assert value(url, is_super) is False


def test_the_owner_may_become_a_login_and_the_web_login_inherits_nothing(shared: Postgres) -> None:
    with psycopg.connect(owner_url(shared)) as owner:
        owner.execute("SET ROLE orgo_web")
        inherits = owner.execute("SELECT rolinherit FROM pg_roles WHERE rolname = 'orgo_web'")
        assert inherits.fetchone() == (False,)


def test_logins_are_made_twice_without_harm_and_passwords_follow(server: Postgres) -> None:
    with_logins(server)
    roles.ensure_logins(owner_url(server), {logins.WEB: "another one"})
    host = str(server.sockets)
    psycopg.connect(
        host=host, user="orgo_web", password="another one", dbname=paths.DATABASE_NAME
    ).close()


def test_an_owner_without_the_right_is_told_what_to_ask_for(server: Postgres) -> None:
    with_logins(server)
    with server.superuser_connection() as superuser:
        superuser.execute("ALTER ROLE orgo_owner NOCREATEROLE")
        superuser.execute("REVOKE orgo_web FROM orgo_owner CASCADE")
    with pytest.raises(Unavailable, match=r"ALTER ROLE orgo_owner CREATEROLE"):
        roles.ensure_logins(owner_url(server), {logins.WEB: "x"})


def test_a_second_server_on_the_same_home_is_refused(shared: Postgres) -> None:
    with pytest.raises(Unavailable, match="Another process"):
        Postgres(shared.home).start()


def test_a_stale_lock_with_a_strangers_pid_does_not_stop_a_start(server: Postgres) -> None:
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    server.sockets.mkdir(mode=0o700, exist_ok=True)
    (server.sockets / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    server.start()
    server.superuser_connection().close()


@pytest.mark.long
def test_after_a_kill_it_recovers(server: Postgres) -> None:
    with server.superuser_connection() as superuser:
        superuser.execute("SET synchronous_commit = on")
        superuser.execute("CREATE TABLE kept AS SELECT 1 AS x")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    assert server.trouble() == "has ended"
    server.stop()
    server.start()
    with server.superuser_connection() as superuser:
        assert superuser.execute("SELECT x FROM kept").fetchone() == (1,)


@pytest.mark.long
def test_told_to_stop_by_somebody_else_it_is_started_again(server: Postgres) -> None:
    assert server.trouble() == ""
    assert server.process is not None
    with server.superuser_connection():  # it would wait for this one for ever
        server.process.terminate()
        until(lambda: server.trouble() == "was told to stop by somebody else")
        server.stop()
    assert server.trouble() == ""
    server.start()
    server.superuser_connection().close()


def test_waiting_for_its_start_fills_no_log(server: Postgres) -> None:
    with server.superuser_connection() as superuser:
        superuser.execute("CREATE TABLE many AS SELECT generate_series(1, 200000) AS x")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    server.stop()
    server.start()
    assert "not yet accepting connections" not in server.log_file.read_text()


def test_one_that_does_not_start_is_told_with_its_last_words(server: Postgres) -> None:
    server.stop()
    server.options = ("shared_buffers=nonsense",)
    with pytest.raises(Unavailable, match="did not start: .*shared_buffers"):
        server.start()


def until(happens: Callable[[], bool]) -> None:
    limit = time.monotonic() + postgres.STOP_LIMIT_SECONDS
    while not happens():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_an_interrupted_initdb_leaves_no_half_cluster(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("17\n")
    server = Postgres(tmp_path, options=postgres.UNSAFE_AND_FAST)
    server.start()
    server.stop()
    assert not half.exists()


def test_data_of_another_major_version_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("14\n")
    server = Postgres(tmp_path)
    with pytest.raises(Unavailable, match="made by PostgreSQL 14"):
        server.start()
    server.stop()


def test_a_lost_superuser_password_is_explained(server: Postgres) -> None:
    server.stop()
    (paths.secrets_folder(server.home) / "postgres").write_text("lost")
    with pytest.raises(Unavailable, match="another password"):
        server.start()


def test_a_home_with_a_very_long_path_works(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 100) / ("y" * 100)
    home.mkdir(parents=True)
    server = Postgres(home, options=postgres.UNSAFE_AND_FAST)
    server.start()
    with_logins(server)
    server.stop()
    assert not server.sockets.exists()


def test_a_socket_folder_of_somebody_else_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "SHORT_ROOT", tmp_path)
    home = tmp_path / ("x" * 100)
    home.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    server = Postgres(home)
    server.sockets.symlink_to(elsewhere)
    with pytest.raises(Unavailable, match="belongs to somebody else"):
        server.start()
    server.stop()


def test_the_servers_log_keeps_statements_and_values_out(shared: Postgres) -> None:
    with psycopg.connect(owner_url(shared), autocommit=True) as owner:
        owner.execute("CREATE TABLE one (name text PRIMARY KEY)")
        for _ in range(2):
            with contextlib.suppress(psycopg.errors.UniqueViolation):
                owner.execute("INSERT INTO one VALUES (%s)", ["jane.roe@organization.com"])
    log = shared.log_file.read_text()
    assert "duplicate key" in log
    assert "jane.roe" not in log
    assert "PASSWORD" not in log


def test_the_servers_log_does_not_tell_when_it_was_written_to_or_waited_for(
    shared: Postgres,
) -> None:
    url = owner_url(shared)
    with shared.superuser_connection() as superuser:
        superuser.execute("CHECKPOINT")
        superuser.execute("ALTER DATABASE orgo_audit SET deadlock_timeout = '10ms'")
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        first.execute("SELECT pg_advisory_xact_lock(1, 1)")
        second.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            second.execute("SELECT pg_advisory_xact_lock(1, 1)")
    log = shared.log_file.read_text()
    assert "checkpoint" not in log
    assert "still waiting" not in log


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_in_a_closed_folder_without_user_namespaces_has_a_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    packages = closed / "packages"
    shutil.copytree(postgres_binaries.find_binaries().parent, packages)
    monkeypatch.setenv("ORGO_PG_BIN", str(packages / "bin"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    server = Postgres(closed, options=postgres.UNSAFE_AND_FAST)
    for _ in range(2):
        server.start()
        with_logins(server)
        assert server.process is not None
        assert "/proc/self/fd/" in " ".join(psutil.Process(server.process.pid).cmdline())
        server.stop()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not paths.binaries_folder(closed).exists()


STARTS_AND_WAITS = """
import pathlib, sys, time
from orgo_audit.embedded import postgres
server = postgres.Postgres(pathlib.Path(sys.argv[1]), options=postgres.UNSAFE_AND_FAST)
server.start()
print(server.process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.long
def test_it_ends_with_the_process_that_started_it_even_by_a_kill(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS_AND_WAITS, str(tmp_path)],
        cwd=Path(__file__).resolve().parent.parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    starter.stdout.readline()
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    server = Postgres(tmp_path, options=postgres.UNSAFE_AND_FAST)
    server.start()  # waits for the older one, never doubles it
    server.stop()
