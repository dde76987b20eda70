"""Owns one PostgreSQL under a home folder: never two on one folder, never on TCP, gone with us."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

import psutil
import psycopg

from orgo_audit.embedded import log_files, paths, secrets
from orgo_audit.embedded.children import die_with_parent
from orgo_audit.embedded.postgres_binaries import find_binaries, major_version, reachable_copy
from orgo_audit.embedded.unprivileged import Account, find_account, view
from orgo_audit.errors import Unavailable

SERVER = "postgres"
SUPERUSER = "postgres"
PORT = "5432"
START_LIMIT_SECONDS = 300  # recovery after a crash may take its time
STOP_LIMIT_SECONDS = 30
POLL_SECONDS = 0.02
STATUS_LINE = 7  # of postmaster.pid
REASON_LINES = 15
FATAL = re.compile(r"\b(FATAL|PANIC):")

# Statements and their values name people; the server's log keeps only what went wrong. Lines on
# checkpoints tell when how much was written; those on waiting, that a task has become sensitive.
QUIET_LOG = (
    "log_error_verbosity=terse",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
    "log_min_error_statement=panic",
    "log_checkpoints=off",
    "log_lock_waits=off",
    "log_timezone=UTC",
)
# Tests only. Nearly all they write is rolled back, which an ANALYZE takes for empty tables.
UNSAFE_AND_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")


class Postgres:
    """One server. `start` returns once it answers; `stop` once it is gone."""

    def __init__(self, home: Path, *, options: tuple[str, ...] = ()) -> None:
        self.home = home
        self.options = options
        self.folder = home / "postgres"
        self.data = self.folder / "data"
        self.sockets = paths.socket_folder(home)
        self.process: subprocess.Popen[bytes] | None = None
        self._log_began = 0
        self._lock: IO[str] | None = None

    @property
    def log_file(self) -> Path:
        return paths.log_folder(self.home) / "postgres.log"

    def start(self) -> None:
        binaries = find_binaries()
        for folder in (self.folder, paths.log_folder(self.home)):
            secrets.private_folder(folder)
        self._lock = take_lock(self.home / "postgres.lock")
        self._clear_stale_locks()
        account = find_account(binaries / "postgres", self.folder)
        binaries = reachable_copy(binaries, self.home, account)
        self._open_socket_folder(account)
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster(binaries, account)
        self._refuse_other_major(binaries)
        self.process = self._launch(binaries, account)
        self._wait_until_it_answers()

    def stop(self) -> None:
        """A fast shutdown; if it takes too long an immediate one, and the next start recovers."""
        if self.process is not None:
            for kind in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if self._ended_after(kind):
                    break
            self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self.sockets.parent != self.home:
            with contextlib.suppress(OSError):  # somebody else's socket may still be in it
                self.sockets.rmdir()
        shutil.rmtree(paths.binaries_folder(self.home), ignore_errors=True)

    def trouble(self) -> str:
        """Why it has to be started again; nothing while it serves, or where it was not started."""
        if self.process is None:
            return ""
        if self.process.poll() is not None:
            return "has ended"
        # By SIGTERM: it waits for its clients to go, ours stay, and no new one is let in.
        return "was told to stop by somebody else" if self._status() == "stopping" else ""

    def _status(self) -> str:
        """`starting`, `ready` or `stopping`, as it says itself."""
        try:
            lines = (self.data / "postmaster.pid").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return lines[STATUS_LINE].strip() if len(lines) > STATUS_LINE else ""

    def superuser_connection(self, database: str = "postgres") -> psycopg.Connection:
        password = paths.read_secret(self.home, SUPERUSER)
        return psycopg.connect(
            host=str(self.sockets),
            port=PORT,
            user=SUPERUSER,
            password=password,
            dbname=database,
            autocommit=True,
        )

    def _open_socket_folder(self, account: Account) -> None:
        self.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.sockets.lstat()
        if self.sockets.is_symlink() or found.st_uid not in (os.geteuid(), account.uid):
            raise Unavailable(
                f"{self.sockets} belongs to somebody else; remove it or set a shorter ORGO_HOME."
            )
        self.sockets.chmod(0o700)
        account.give(self.sockets)

    def _make_cluster(self, binaries: Path, account: Account) -> None:
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)  # an interrupted initdb leaves only this
        password_file = self.folder / "password"
        secrets.write_private(password_file, secrets.keep_secret(self.home, SUPERUSER))
        os.chown(password_file, account.uid, account.gid)
        words = "--auth-local=scram-sha-256 --auth-host=reject -E UTF8 --locale=C.UTF-8 -k"
        command = [*account.prefix, str(binaries / "initdb"), *words.split(), "--no-instructions"]
        try:
            with view(account, self.folder) as (seen, held):
                places = [
                    "-D",
                    f"{seen[0]}/{new.name}",
                    "--pwfile",
                    f"{seen[0]}/{password_file.name}",
                ]
                self._run([*command, "-U", SUPERUSER, *places], account, held)
        finally:
            password_file.unlink()
        new.rename(self.data)

    def _run(self, command: list[str], account: Account, held: tuple[int, ...]) -> None:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=self.folder,
            env=_server_environment(),
            capture_output=True,
            text=True,
            check=False,
            pass_fds=held,
            preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509
            **account.identity,
        )
        if done.returncode != 0:
            raise Unavailable(f"initdb could not make {self.data}: {done.stderr.strip()}")

    def _refuse_other_major(self, binaries: Path) -> None:
        made_by = int((self.data / "PG_VERSION").read_text(encoding="ascii"))
        if made_by != major_version(binaries):
            raise Unavailable(
                f"{self.data} was made by PostgreSQL {made_by}, and {binaries} holds"
                f" {major_version(binaries)}."
                " Set ORGO_PG_BIN to the former, or move the folder away to start anew."
            )

    def _clear_stale_locks(self) -> None:
        """PostgreSQL itself trips over the lock of a zombie, or of a stranger with the old pid."""
        for file in (self.data / "postmaster.pid", self.sockets / f".s.PGSQL.{PORT}.lock"):
            if file.exists():
                words = file.read_text(encoding="utf-8").split()
                if words and words[0].isdigit():
                    self._end_older_server(int(words[0]))
                file.unlink(missing_ok=True)
        self._kill_orphans()

    def _kill_orphans(self) -> None:
        """A busy query outlives a killed server, and the next one may not start beside it."""
        for process in psutil.process_iter(["name"]):
            if process.info["name"] == SERVER and self._is_ours(process.pid):
                with contextlib.suppress(psutil.Error):  # the next one says what is in its way
                    process.kill()
                    process.wait(STOP_LIMIT_SECONDS)

    def _end_older_server(self, pid: int) -> None:
        """We hold the folder's lock, so a server that still runs here has lost its supervisor."""
        if not self._is_ours(pid):
            return
        os.kill(pid, signal.SIGINT)
        limit = time.monotonic() + STOP_LIMIT_SECONDS
        while self._is_ours(pid):
            if time.monotonic() > limit:
                raise Unavailable(
                    f"An older PostgreSQL, process {pid}, still uses {self.data} and does not stop."
                )
            time.sleep(POLL_SECONDS)

    def _is_ours(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            # A server lives in its data folder; a stranger with the old pid does not.
            return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(self.data)
        except psutil.Error:
            return False

    def _launch(self, binaries: Path, account: Account) -> subprocess.Popen[bytes]:
        settings = (*QUIET_LOG, "listen_addresses=", "unix_socket_permissions=0700", "timezone=UTC")
        command = [*account.prefix, str(binaries / "postgres"), "-p", PORT]
        for setting in (*settings, *self.options):
            command += ["-c", setting]
        with (
            view(account, self.folder, self.sockets) as (seen, held),
            self.log_file.open("ab") as log,
        ):
            self._log_began = log.tell()
            return subprocess.Popen(  # noqa: S603
                [*command, "-D", f"{seen[0]}/{self.data.name}", "-k", seen[1]],
                cwd=self.folder,
                env=_server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=held,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509
                **account.identity,
            )

    def _wait_until_it_answers(self) -> None:
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not self._answers():
            if time.monotonic() > limit or self.trouble():
                self.stop()
                raise Unavailable(f"PostgreSQL did not start: {self._reason()} ({self.log_file})")
            time.sleep(POLL_SECONDS)

    def _reason(self) -> str:
        """It says why, and then that it is shut down; what an earlier one said is no reason."""
        said = log_files.last_lines(self.log_file, REASON_LINES, since=self._log_began)
        lines = said.splitlines() or [""]
        return next((line for line in reversed(lines) if FATAL.search(line)), lines[-1])

    def _answers(self) -> bool:
        if self._status() != "ready":  # each login that it refuses is a line in its log
            return False
        try:
            self.superuser_connection().close()
        except psycopg.OperationalError as error:
            if "password authentication failed" not in str(error):
                return False
            self.stop()
            raise Unavailable(
                f"{self.data} was made with another password than the one in"
                f" {paths.secrets_folder(self.home) / SUPERUSER}."
                f" Restore that file, or move {self.home} away to start anew."
            ) from error
        return True

    def _ended_after(self, kind: signal.Signals) -> bool:
        assert self.process is not None  # noqa: S101
        self.process.send_signal(kind)
        try:
            self.process.wait(STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True


def take_lock(file: Path) -> IO[str]:
    """Hold the file until it is closed; refused while another process holds it."""
    lock = file.open("a", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise Unavailable(f"Another process already runs what lives in {file.parent}.") from error
    return lock


def _server_environment() -> dict[str, str]:
    """Nothing of ours: our environment holds secrets, and PG* variables would steer the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
