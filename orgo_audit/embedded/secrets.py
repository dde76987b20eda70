"""Makes each secret of the embedded mode once and keeps it; must never print one."""

from __future__ import annotations

import fcntl
import os
import secrets as random_secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orgo_audit.embedded import paths

SECRET_BYTES = 48


def random_password() -> str:
    return random_secrets.token_urlsafe(SECRET_BYTES)


def keep_secret(home: Path, name: str, make: Callable[[], str] = random_password) -> str:
    """The secret of that name, made now if there is none; two starters get the same one."""
    kept = paths.read_secret(home, name)
    if kept:
        return kept
    with _locked(private_folder(paths.secrets_folder(home))) as folder:
        kept = paths.read_secret(home, name)
        if not kept:
            kept = make()
            write_private(folder / name, kept)
    return kept


def private_folder(folder: Path) -> Path:
    """The folder, made if it is missing, for our eyes only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def write_private(file: Path, text: str) -> None:
    """Write all of it or nothing, 0600 from the first byte; then it is on the disk to stay."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.rename(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(descriptor)
