"""The state folder of `up`: one run at a time; must never adopt another version's state."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import psutil

from orgo_audit.embedded import paths, secrets
from orgo_audit.errors import Unavailable

LAYOUT = "2"
LEFTOVER_LIMIT_SECONDS = 30
POLL_SECONDS = 0.1


def open_home(home: Path) -> IO[str]:
    """Make or recognise the folder and hold it, until every holder of the lock has closed it."""
    _make(home)
    os.umask(0o077)  # mails and logs, whoever of us writes them, are nobody else's to read
    with ExitStack() as on_failure:
        lock = on_failure.enter_context(_open_lock(home / "up.lock"))
        _hold(lock, home)
        _refuse_other_layout(home)
        for folder in (paths.log_folder(home), paths.secrets_folder(home)):
            secrets.private_folder(folder)
        _rotate_logs(paths.log_folder(home))
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


def _refuse_other_layout(home: Path) -> None:
    file = home / "layout"
    found = file.read_text(encoding="ascii").strip() if file.exists() else ""
    if not found and not (home / "postgres").exists():
        file.write_text(f"{LAYOUT}\n", encoding="ascii")
    elif found != LAYOUT:
        raise Unavailable(
            f"{home} holds the state of another version (layout {found or 'unknown'}, this is"
            f" {LAYOUT}). Move that folder away, for example: mv {home} {home}.old"
        )


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


def _rotate_logs(folder: Path) -> None:
    """Each start begins new files; the previous start's stay beside them."""
    for file in folder.glob("*.log"):
        file.replace(file.with_name(f"{file.name}.1"))


def _empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
