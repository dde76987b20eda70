"""Starts everything on this machine, keeps it running, and leaves nothing behind when it ends."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Protocol

from orgo_audit import logins
from orgo_audit.embedded import (
    accounts,
    environments,
    home,
    keys,
    paths,
    ports,
    roles,
    secrets,
    valkey,
)
from orgo_audit.embedded.console import Progress
from orgo_audit.embedded.environments import Environments
from orgo_audit.embedded.postgres import Postgres
from orgo_audit.embedded.processes import KINDS, Process, end_group, python, spawn
from orgo_audit.errors import Unavailable

POLL_SECONDS = 0.1
READY_LIMIT_SECONDS = 180
VALKEY_LIMIT_SECONDS = 30
FAILURES_THAT_END_A_START = 3
POSTGRES_PAUSE_SECONDS = 2
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Output(Protocol):
    def write(self, words: str) -> object: ...
    def flush(self) -> None: ...


class StopRequested(BaseException):
    """Ctrl-C or SIGTERM. Not an Exception, so that nothing on the way takes it for a failure."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator chose. A URL that is empty means that we run the thing ourselves."""

    home: Path
    port: int
    mail_port: int
    urls: dict[str, str]  # of the logins that the operator named
    with_valkey: bool
    with_sample: bool

    @property
    def with_postgres(self) -> bool:
        return not self.urls


class Supervisor:
    """One run of `up`."""

    def __init__(self, plan: Plan, *, results: Output, progress: Progress) -> None:
        self.plan = plan
        self.results = results
        self.progress = progress
        self.postgres: Postgres | None = None
        self.processes: list[Process] = []
        self.step: subprocess.Popen[bytes] | None = None
        self.environments = Environments(plan.home, {}, {})
        self.is_ready = False
        self._lock: IO[str] | None = None
        self._postgres_due = 0.0

    def run(self) -> None:
        """Until Ctrl-C or SIGTERM, which is a success; Unavailable if it cannot be started."""
        with _stop_on_signals():
            try:
                self._start()
                self._watch_for_ever()
            except StopRequested:
                self.progress.say("stopping")
            finally:
                _ignore_signals()
                self._stop()

    # --- starting -------------------------------------------------------------------------------

    def _start(self) -> None:
        self._lock = home.open_home(self.plan.home)
        ports.refuse_taken_port(self.plan.port, "ORGO_PORT")
        ports.refuse_taken_port(self.plan.mail_port, "ORGO_MAIL_PORT")
        secrets.keep_secret(self.plan.home, "secret_key")
        if not environments.is_given(environments.VAULT_PUBLIC_KEY):
            keys.keep_vault_keys(self.plan.home)
        self._start_postgres()
        self._start_valkey()
        self._prepare()
        with_vault = environments.has_vault_here()
        for kind in (kind for kind in KINDS if with_vault or kind.name != "vault"):
            environment = self.environments.of_process(kind.name, counts=kind.counts)
            self._add(kind.name, python(kind.words), environment, kind.orphaned)
        with self.progress.step("starting web, worker, beat, mail door and vault"):
            self._wait_until_ready()
        self.is_ready = True
        self._announce()

    def _start_postgres(self) -> None:
        passwords = {
            login: secrets.keep_secret(self.plan.home, logins.role_name(login))
            for login in logins.LOGINS
        }
        owner_password = passwords.pop(logins.OWNER)
        if self.plan.with_postgres:
            self.postgres = Postgres(self.plan.home)
            with self.progress.step("starting PostgreSQL"):
                self.postgres.start()
                with self.postgres.superuser_connection() as superuser:
                    roles.ensure_owner(superuser, owner_password)
        urls = self._login_urls()
        made_here = {k: v for k, v in passwords.items() if k not in self.plan.urls}
        roles.ensure_logins(urls[logins.OWNER], made_here)
        own_ports = {"ORGO_PORT": str(self.plan.port), "ORGO_MAIL_PORT": str(self.plan.mail_port)}
        self.environments = Environments(self.plan.home, urls, own_ports)

    def _login_urls(self) -> dict[str, str]:
        owner_url = self.plan.urls.get(logins.OWNER, "")
        urls = {
            login: logins.database_url(login, owner_url=owner_url, home=self.plan.home)
            for login in logins.LOGINS
        }
        return urls | self.plan.urls

    def _start_valkey(self) -> None:
        if not self.plan.with_valkey:
            return
        secrets.private_folder(paths.socket_folder(self.plan.home))
        with self.progress.step("starting Valkey"):
            environment = {"PATH": os.environ.get("PATH", os.defpath)}
            self._add("valkey", valkey.command(self.plan.home), environment, signal.SIGTERM)
            limit = time.monotonic() + VALKEY_LIMIT_SECONDS
            while not valkey.answers(self.plan.home):
                self._watch()
                if time.monotonic() > limit:
                    raise Unavailable(f"Valkey does not answer; {self._log_of('valkey')}")
                time.sleep(POLL_SECONDS / 5)

    def _prepare(self) -> None:
        """The database and the static files."""
        set_up = self.environments.of_set_up()
        with self.progress.step("migrating the database"):
            self._run_step(("migrate", "--noinput", "--verbosity", "0"), set_up)
        with self.progress.step("preparing organization, policy and logins"):
            self._run_step(("prepare",), set_up)
        with self.progress.step("collecting static files"):
            words = ("collectstatic", "--noinput", "--verbosity", "0")
            self._run_step(words, self.environments.bare())

    def _run_step(self, words: Sequence[str], environment: dict[str, str]) -> None:
        self.step = spawn(
            python(("manage.py", *words)), environment, held=self._held, out=subprocess.PIPE
        )
        out, _ = self.step.communicate()
        code, self.step = self.step.returncode, None
        said = out.decode(errors="replace").strip()
        if code != 0:
            raise Unavailable(f"`manage.py {words[0]}` failed:\n{said}")
        if said:
            self.progress.say(said)

    def _add(
        self,
        name: str,
        command: tuple[str, ...],
        environment: dict[str, str],
        orphaned: signal.Signals,
    ) -> None:
        log_file = paths.log_folder(self.plan.home) / f"{name}.log"
        process = Process(name, command, environment, log_file, held=self._held, orphaned=orphaned)
        self.processes.append(process)
        process.start()

    @property
    def _held(self) -> tuple[int, ...]:
        return (self._lock.fileno(),) if self._lock else ()

    def _wait_until_ready(self) -> None:
        limit = time.monotonic() + READY_LIMIT_SECONDS
        while (lacking := _not_ready_because(self.plan.port)) is not None:
            self._watch()
            if time.monotonic() > limit:
                raise Unavailable(f"/readyz is not green; it says: {lacking}")
            time.sleep(POLL_SECONDS)

    def _announce(self) -> None:
        address = f"http://localhost:{self.plan.port}"
        self.results.write(f"ready: {address}\n")
        for line in accounts.lines(self.plan.home, address):
            self.results.write(f"{line}\n")
        self.results.flush()
        if self.plan.with_sample:
            words = python(("manage.py", "run_sample_workflow"))
            self.step = spawn(words, self.environments.bare(), held=self._held)

    # --- watching -------------------------------------------------------------------------------

    def _watch_for_ever(self) -> None:
        while True:
            self._watch()
            self._watch_sample()
            time.sleep(POLL_SECONDS)

    def _watch(self) -> None:
        """Start again what has ended; while starting, give up on what never stays."""
        if self.postgres is not None and self.postgres.has_ended():
            self._start_again(self.postgres)
        for process in self.processes:
            code = process.has_ended()
            if code is not None:
                self._tell_end(process, code)
            if process.is_due():
                process.start()

    def _start_again(self, postgres: Postgres) -> None:
        if time.monotonic() < self._postgres_due:
            return
        self.progress.say(f"PostgreSQL has ended; starting it again. {self._log_of('postgres')}")
        postgres.stop()
        try:
            postgres.start()
        except (Unavailable, OSError) as error:
            if not self.is_ready:
                raise
            self.progress.say(f"trying again in {POSTGRES_PAUSE_SECONDS} s: {error}")
            self._postgres_due = time.monotonic() + POSTGRES_PAUSE_SECONDS

    def _tell_end(self, process: Process, code: int) -> None:
        if not self.is_ready and process.failures >= FAILURES_THAT_END_A_START:
            raise Unavailable(f"{process.name} does not stay up:\n{process.last_words()}")
        self.progress.say(
            f"{process.name} has ended with code {code}; starting it again in"
            f" {process.pause:.0f} s. {self._log_of(process.name)}"
        )

    def _watch_sample(self) -> None:
        if self.step is None or (code := self.step.poll()) is None:
            return
        self.step = None
        if code != 0:
            self.progress.say(f"the sample workflow has ended with code {code}")

    def _log_of(self, name: str) -> str:
        return f"Its log: {paths.log_folder(self.plan.home) / name}.log"

    # --- stopping -------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Last started, first stopped; what serves the others goes last."""
        if self.step is not None:
            self.step.terminate()
            end_group(self.step, POLL_SECONDS)
        ours = [process for process in self.processes if process.name != "valkey"]
        for process in reversed(ours):
            process.ask_to_stop()
        for process in reversed(ours):
            process.wait_until_gone()
        for process in self.processes:
            process.ask_to_stop()
            process.wait_until_gone()
        if self.postgres is not None:
            self.postgres.stop()
        if self._lock is not None:
            self._lock.close()


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number in STOP_SIGNALS:
        signal.signal(number, _request_stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _request_stop(number: int, frame: FrameType | None) -> None:
    _ignore_signals()  # `make` passes on what the terminal has sent us already
    raise StopRequested


def _ignore_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _not_ready_because(port: int) -> str | None:
    connection = http.client.HTTPConnection(ports.IPV4_LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return str(error)
    finally:
        connection.close()
    return None if answer.status == http.client.OK else body
