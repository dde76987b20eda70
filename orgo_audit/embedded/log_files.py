"""The logs of what `up` runs: a few generations of each, none without bound."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

LARGEST_BYTES = 5_000_000
GENERATIONS = 4  # beside the one that is written
TAIL_BYTES = 16_384
LONGEST_LINE = 300


def begin_new(folder: Path) -> None:
    """Each start begins new files; the earlier ones stay beside them."""
    for file in folder.glob("*.log"):
        _shift(file)
        file.replace(_generation(file, 1))


def bound(folder: Path) -> None:
    """What has grown too large becomes the newest of the earlier ones.

    Copied and cut, since its writers hold it open; they append, and go on at the new end. Without
    room for a copy it is cut all the same: it is then what fills the disk.
    """
    for file in folder.glob("*.log"):
        if file.stat().st_size > LARGEST_BYTES:
            _shift(file)
            with contextlib.suppress(OSError):
                shutil.copyfile(file, _generation(file, 1))
            os.truncate(file, 0)


def last_lines(file: Path, count: int, *, since: int = 0) -> str:
    """The end of a log, without empty lines; of what was written after so many bytes alone."""
    try:
        with file.open("rb") as log:
            size = file.stat().st_size
            log.seek(max(since if since <= size else 0, size - TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line[:LONGEST_LINE] for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def _shift(file: Path) -> None:
    for number in range(GENERATIONS - 1, 0, -1):
        older = _generation(file, number)
        if older.exists():
            older.replace(_generation(file, number + 1))


def _generation(file: Path, number: int) -> Path:
    return file.with_name(f"{file.name}.{number}")
