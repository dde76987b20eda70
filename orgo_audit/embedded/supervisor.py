"""Starts everything on this machine, keeps it running, and leaves nothing behind when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
    log_files,
    paths,
    ports,
    readiness,
    roles,
    secrets,
    valkey,
)
from orgo_audit.embedded.console import Progress
from orgo_audit.embedded.environments import Environments
from orgo_audit.embedded.postgres import Postgres
from orgo_audit.embedded.processes import KINDS, Process, Restarts, end_group, python, spawn
from orgo_audit.errors import Unavailable
from orgo_audit.operator_settings import is_given

POLL_SECONDS = 0.1
READY_LIMIT_SECONDS = 180
STILL_WAITING_SECONDS = 10
VALKEY_LIMIT_SECONDS = 30
FAILURES_THAT_END_A_START = 3
LAST_WORDS = 15
LOGS_SECONDS = 60
NO_SPACE_BYTES = 4 << 20
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
    public_url: str
    urls: dict[str, str]  # of the logins that the operator named
    with_valkey: bool
    with_sample: bool
    accepts_new_secret_key: bool = False

    @property
    def with_postgres(self) -> bool:
        return not self.urls

    @property
    def address(self) -> dict[str, str]:
        """Where the portal is, by setting."""
        return {
            "ORGO_PORT": str(self.port),
            "ORGO_MAIL_PORT": str(self.mail_port),
            "ORGO_PUBLIC_URL": self.public_url,
        }


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
        self._postgres_restarts = Restarts()
        self._logs_due = 0.0

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
        lines = (f"{name}={value}\n" for name, value in self.plan.address.items())
        secrets.write_private(paths.address_file(self.plan.home), "".join(lines))
        secrets.keep_secret(self.plan.home, "secret_key")
        if not is_given(environments.VAULT_PUBLIC_KEY):
            keys.keep_vault_keys(self.plan.home)
        self._start_postgres()
        self._start_valkey()
        self._prepare()
        with_vault = environments.has_vault_here()
        kinds = [kind for kind in KINDS if with_vault or kind.name != "vault"]
        for kind in kinds:
            environment = self.environments.of_process(kind.name, counts=kind.counts)
            self._add(kind.name, python(kind.words), environment, kind.orphaned)
        with self.progress.step(f"starting {', '.join(kind.name for kind in kinds)}"):
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
                with self.postgres.superuser_connection(paths.DATABASE_NAME) as superuser:
                    roles.let_owner_verify_indexes(superuser)
        urls = self._login_urls()
        made_here = {k: v for k, v in passwords.items() if k not in self.plan.urls}
        roles.ensure_logins(urls[logins.OWNER], made_here)
        self.environments = Environments(self.plan.home, urls, self.plan.address)

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
                    log = paths.log_folder(self.plan.home) / "valkey.log"
                    raise Unavailable(f"Valkey does not answer. Its log: {log}")
                time.sleep(POLL_SECONDS / 5)

    def _prepare(self) -> None:
        """The database and the static files."""
        set_up = self.environments.of_set_up()
        with self.progress.step("migrating the database"):
            self._run_step(("migrate", "--noinput", "--verbosity", "0"), set_up)
        with self.progress.step("preparing organization, policy and logins"):
            accepts = ("--accept-new-secret-key",) if self.plan.accepts_new_secret_key else ()
            self._run_step(("prepare", *accepts), set_up)
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
        started = told = time.monotonic()
        while lacking := readiness.lacking(self.plan.port):
            self._watch()
            now = time.monotonic()
            if now > started + READY_LIMIT_SECONDS:
                raise Unavailable(
                    f"Not ready after {READY_LIMIT_SECONDS} s: {lacking}.{self._lack_of_space()}"
                )
            if now > told + STILL_WAITING_SECONDS:
                self.progress.say(f"still waiting: {lacking}.{self._lack_of_space()}")
                told = now
            time.sleep(POLL_SECONDS)

    def _announce(self) -> None:
        address = f"http://localhost:{self.plan.port}"
        lines = (
            f"ready: {address}",
            f"the API's documentation: {address}/api/v1/docs/",
            f"the sample workflow takes mail at smtp://localhost:{self.plan.mail_port}",
            *accounts.lines(self.plan.home, address),
        )
        with suppress(OSError):  # nobody may be reading
            self.results.write("".join(f"{line}\n" for line in lines))
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
        if self.postgres is not None:
            self._watch_postgres(self.postgres)
        for process in self.processes:
            code = process.has_ended()
            if code is not None:
                self._tell_end(process, f"has ended with code {code}")
            if process.is_due():
                self._start_again(process)
        if time.monotonic() > self._logs_due:
            log_files.bound(paths.log_folder(self.plan.home))
            self._logs_due = time.monotonic() + LOGS_SECONDS

    def _watch_postgres(self, postgres: Postgres) -> None:
        if trouble := postgres.trouble():
            self._postgres_restarts.ended()
            self._tell(f"PostgreSQL {trouble}", self._postgres_restarts, postgres.log_file)
            postgres.stop()
        if postgres.process is None and self._postgres_restarts.is_over():
            self._postgres_restarts.started()
            try:
                postgres.start()
            except (Unavailable, OSError) as error:
                postgres.stop()
                if not self.is_ready:
                    raise
                self._postgres_restarts.ended()
                why = error if isinstance(error, Unavailable) else f"PostgreSQL: {error}"
                self._tell(str(why), self._postgres_restarts)

    def _start_again(self, process: Process) -> None:
        try:
            process.start()
        except OSError as error:
            self._tell_end(process, f"cannot start ({error.strerror})")

    def _tell_end(self, process: Process, what: str) -> None:
        if not self.is_ready and process.restarts.failures >= FAILURES_THAT_END_A_START:
            words = log_files.last_lines(process.log_file, LAST_WORDS)
            raise Unavailable(f"{process.name} does not stay up:\n{words}")
        self._tell(f"{process.name} {what}", process.restarts, process.log_file)

    def _tell(self, what: str, restarts: Restarts, log: Path | None = None) -> None:
        said = f"{what}; starting it again in {restarts.pause:.0f} s.{self._lack_of_space()}"
        if log is not None:
            said += f" Its log, {log}, ends: {log_files.last_lines(log, 1)}"
        self.progress.say(said)

    def _lack_of_space(self) -> str:
        disk = os.statvfs(self.plan.home)
        is_full = disk.f_bavail * disk.f_frsize < NO_SPACE_BYTES
        return f" No space is left on the disk of {self.plan.home}." if is_full else ""

    def _watch_sample(self) -> None:
        if self.step is None or (code := self.step.poll()) is None:
            return
        self.step = None
        if code != 0:
            self.progress.say(f"the sample workflow has ended with code {code}")

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
