"""The state folder of `up`: one run at a time; must never adopt another version's state."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import psutil

from orgo_audit.embedded import log_files, paths, secrets
from orgo_audit.errors import Unavailable

PROJECT = Path(__file__).resolve().parent.parent.parent
LEFTOVER_LIMIT_SECONDS = 30
POLL_SECONDS = 0.1


def open_home(home: Path) -> IO[str]:
    """Make or recognise the folder and hold it, until every holder of the lock has closed it."""
    _make(home)
    os.umask(0o077)  # mails and logs, whoever of us writes them, are nobody else's to read
    with ExitStack() as on_failure:
        lock = on_failure.enter_context(_open_lock(home / "up.lock"))
        _hold(lock, home)
        _recognise(home)
        for folder in (paths.log_folder(home), paths.secrets_folder(home)):
            secrets.private_folder(folder)
        log_files.begin_new(paths.log_folder(home))
        _empty(paths.metrics_folder(home))
        on_failure.pop_all()
    return lock


def _make(home: Path) -> None:
    try:
        if not home.exists():
            home.mkdir(parents=True)
            home.chmod(0o711)  # started by root, PostgreSQL runs as nobody and must pass
    except OSError as error:
        raise Unavailable(f"{home} cannot be made ({error.strerror}). Set ORGO_HOME.") from error
    owner = home.stat().st_uid
    if owner != os.geteuid() and (os.geteuid() != 0 or (home / "layout").exists()):
        raise Unavailable(
            f"{home} belongs to another account (uid {owner}). Start as that one, or set ORGO_HOME."
        )


def layout() -> list[str]:
    """What the state is made by: a line a migration, digest and file."""
    files = sorted(PROJECT.glob("*/migrations/[0-9]*.py"))
    files += sorted(PROJECT.glob("orgo_audit/*/migrations/[0-9]*.py"))
    return [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(PROJECT)}"
        for file in files
    ]


def _recognise(home: Path) -> None:
    """A state made by migrations that are still the same; later ones may have come."""
    file = home / "layout"
    made_by = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    ours = layout()
    changed = sorted(set(made_by) - set(ours))
    if changed or (not made_by and (home / "postgres").exists()):
        name = changed[0].rpartition("  ")[2] if changed else ""
        why = f" ({name} has changed since)" if name.endswith(".py") else ""
        raise Unavailable(
            f"{home} holds the state of another version{why}. Move that folder away,"
            f" for example: mv {home} {home}.old"
        )
    if made_by != ours:
        secrets.write_private(file, "\n".join(ours) + "\n")


def _open_lock(file: Path) -> IO[str]:
    return os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="ascii")


def _hold(lock: IO[str], home: Path) -> None:
    """All children hold it too, so that no start can meet what an earlier one left running."""
    limit = time.monotonic() + LEFTOVER_LIMIT_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _refuse_if_held(lock, home, is_late=time.monotonic() > limit)
            time.sleep(POLL_SECONDS)
        else:
            break
    lock.truncate()
    lock.write(f"{os.getpid()}\n")
    lock.flush()


def _refuse_if_held(lock: IO[str], home: Path, *, is_late: bool) -> None:
    """At once if its supervisor lives; in time if what it left behind does not end."""
    lock.seek(0)
    pid = lock.read().strip()
    lock.seek(0)
    try:
        is_running = bool(pid) and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        is_running = False
    if is_running:
        raise Unavailable(f"`up` already runs on {home} (process {pid}).")
    if is_late:
        raise Unavailable(f"Processes of an earlier start still use {home}; end them first.")


def _empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
