"""A portal of the bench's own, in a temporary folder that is gone afterwards.

Embedded PostgreSQL with production's settings, real logins, Valkey, and the web server of `up`.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bench.measures import say
from logs.record.vocabulary import LogType
from orgo_audit import logins
from orgo_audit.embedded import environments, home, keys, paths, roles, secrets, valkey
from orgo_audit.embedded.postgres import Postgres
from orgo_audit.embedded.processes import KINDS, end_group, python, spawn

OF_AN_OPERATOR = ("ORGO_", "DATABASE_URL", "REDIS_URL", "CELERY_", "DJANGO_SETTINGS_MODULE")
KEPT = ("ORGO_PG_BIN",)
PRISTINE = "bench_pristine"
READY_LIMIT_SECONDS = 60
STOP_LIMIT_SECONDS = 10


class Portal:
    """A running server with a prepared database, of which `new_database` gives copies."""

    def __init__(self, folder: Path, port: int) -> None:
        self.home = folder
        self.port = port
        self.postgres = Postgres(folder)
        self.filled: set[int] = set()  # the sizes of the databases that `fill` has made
        self.valkey: subprocess.Popen[bytes] | None = None
        self.environments = self._environments()

    def _environments(self) -> environments.Environments:
        urls = {
            login: logins.database_url(login, owner_url="", home=self.home)
            for login in logins.LOGINS
        }
        return environments.Environments(self.home, urls, {"ORGO_PORT": str(self.port)})

    def start(self) -> None:
        """As `up` does it, as far as the record needs it."""
        secrets.keep_secret(self.home, "secret_key")
        keys.keep_vault_keys(self.home)
        passwords = {
            login: secrets.keep_secret(self.home, logins.role_name(login))
            for login in logins.LOGINS
        }
        self.postgres.start()
        with self.postgres.superuser_connection() as superuser:
            roles.ensure_owner(superuser, passwords.pop(logins.OWNER))
        self._start_valkey()
        self.environments = self._environments()
        roles.ensure_logins(self.environments.urls[logins.OWNER], passwords)
        for words in (("migrate", "--noinput", "-v", "0"), ("prepare",)):
            self._run(words)
        self._run(("collectstatic", "--noinput", "-v", "0"))
        self.new_database(PRISTINE, template=paths.DATABASE_NAME)

    def _start_valkey(self) -> None:
        with (paths.log_folder(self.home) / "valkey.log").open("ab") as log:
            self.valkey = spawn(valkey.command(self.home), self.environments.bare(), out=log)
        limit = time.monotonic() + READY_LIMIT_SECONDS
        while not valkey.answers(self.home):
            if time.monotonic() > limit:
                raise SystemExit("valkey does not answer")
            time.sleep(0.05)

    def stop(self) -> None:
        self.postgres.stop()
        if self.valkey is not None:
            self.valkey.terminate()
            end_group(self.valkey, STOP_LIMIT_SECONDS)

    def _run(self, words: tuple[str, ...], changes: dict[str, str] | None = None) -> None:
        say(f"manage.py {words[0]}")
        environment = self.environments.of_set_up() | (changes or {})
        subprocess.run(python(("manage.py", *words)), env=environment, check=True)

    @property
    def postgres_pid(self) -> int:
        assert self.postgres.process is not None
        return self.postgres.process.pid

    def connect(self, login: str, database: str = paths.DATABASE_NAME) -> psycopg.Connection:
        return psycopg.connect(self.environments.urls[login], dbname=database, autocommit=True)

    def new_database(self, name: str, template: str = PRISTINE) -> None:
        """Another database as the preparations left it, without an event of any bench."""
        owner = sql.Identifier(logins.role_name(logins.OWNER))
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
        with self.postgres.superuser_connection() as superuser:
            superuser.execute(
                statement.format(sql.Identifier(name), sql.Identifier(template), owner)
            )

    def keep_for_long(self, name: str) -> None:
        """Puts a policy into force in the database that lets all logs be read for three years."""
        policy = self.home / "kept_for_long.yaml"
        kept = ", ".join(f'{log_type}_logs: "3 years"' for log_type in LogType)
        policy.write_text(f"retention_policies: {{{kept}}}\n")
        processes = (logins.OWNER, logins.WEB, logins.WORKER)
        urls = {logins.url_variable(login): self.url(login, name) for login in processes}
        self._run(("prepare",), urls | {"ORGO_POLICY": str(policy)})

    def url(self, login: str, database: str) -> str:
        """The login's URL for another of our databases."""
        parts = urlsplit(self.environments.urls[login])
        return parts._replace(path=f"/{database}").geturl()

    @contextmanager
    def web_server(self, changes: dict[str, str] | None = None) -> Iterator[int]:
        """The web process as `up` starts it, `changes` in its environment; gives its pid."""
        [web] = [kind for kind in KINDS if kind.name == "web"]
        environment = self.environments.of_process(web.name, counts=web.counts) | (changes or {})
        with (paths.log_folder(self.home) / "web.log").open("ab") as log:
            process = spawn(python(web.words), environment, out=log)
        try:
            self._wait_until_it_answers(int(environment["ORGO_PORT"]))
            yield process.pid
        finally:
            process.terminate()
            end_group(process, STOP_LIMIT_SECONDS)

    def _wait_until_it_answers(self, port: int) -> None:
        limit = time.monotonic() + READY_LIMIT_SECONDS
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("GET", "/healthz")
                connection.getresponse().read()
            except OSError:
                if time.monotonic() > limit:
                    log = paths.log_folder(self.home) / "web.log"
                    raise SystemExit(
                        f"the web server does not answer:\n{log.read_text()}"
                    ) from None
                time.sleep(0.1)
            else:
                return
            finally:
                connection.close()


@contextmanager
def a_portal() -> Iterator[Portal]:
    """Started, prepared, and Django of this process pointed at it with the web login's rights."""
    signal.signal(signal.SIGTERM, _stop)
    _forget_operator()
    folder = Path(tempfile.mkdtemp(prefix="orgo-bench-"))
    folder.chmod(0o711)  # started by root, PostgreSQL runs as nobody and must pass
    lock = home.open_home(folder)
    portal = Portal(folder, free_port())
    try:
        portal.start()
        os.environ |= portal.environments.of_process("web", counts=False)
        os.environ["DJANGO_SETTINGS_MODULE"] = "orgo_audit.settings"
        _set_up_django()
        yield portal
    finally:
        portal.stop()
        lock.close()
        shutil.rmtree(folder, ignore_errors=True)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit("bench: stopped")


def _set_up_django() -> None:
    import django

    django.setup()


def _forget_operator() -> None:
    for name in list(os.environ):
        if name.startswith(OF_AN_OPERATOR) and not name.startswith(KEPT):
            del os.environ[name]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
