"""Keeps received mails and their outcomes as files; it never loses a mail that it says it has.

mail/new/<email_id>           the envelope as one JSON line, then the raw mail
mail/stages/<email_id>        the events said so far, one a line: a retry sends the same bytes
mail/done/<email_id>.json     {"task_id": …} or {"error": …}, removed after a week
"""

from __future__ import annotations

import json
import os
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec

KEEP_OUTCOMES = timedelta(days=7)


class Envelope(msgspec.Struct, frozen=True):
    """What SMTP said of a mail, and when it came. `sender` is empty for a bounce."""

    sender: str
    recipients: tuple[str, ...]
    received_at: str


@dataclass(frozen=True, slots=True)
class SpooledMail:
    email_id: str
    envelope: Envelope
    raw: bytes


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a mail: exactly one of the two is set."""

    task_id: str = ""
    error: str = ""


def new_email_id() -> str:
    """Random, and short enough for a column of a table."""
    return f"mail-{uuid.uuid4().hex[:12]}"


class Spool:
    """The folders. One process owns them; its threads each work on different mails."""

    def __init__(self, folder: Path) -> None:
        self._new, self._stages, self._done = (folder / name for name in ("new", "stages", "done"))
        self._partial, self._aside = folder / "partial", folder / "aside"
        for room in (self._new, self._stages, self._done, self._partial, self._aside):
            room.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, envelope: Envelope, raw: bytes) -> str:
        """Stores a mail so that a power cut does not lose it, and returns its new id."""
        email_id = new_email_id()
        self._write(self._new / email_id, msgspec.json.encode(envelope) + b"\n" + raw)
        return email_id

    def waiting(self) -> list[str]:
        """The ids of the mails without an outcome, oldest first."""
        files = []
        for file in self._new.iterdir():
            with suppress(FileNotFoundError):  # finished while we looked
                files.append((file.stat().st_mtime_ns, file.name))
        return [name for _, name in sorted(files)]

    def load(self, email_id: str) -> SpooledMail:
        first, _, raw = (self._new / email_id).read_bytes().partition(b"\n")
        return SpooledMail(email_id, msgspec.json.decode(first, type=Envelope), raw)

    def stages(self, email_id: str) -> Stages:
        return Stages(self._stages / email_id)

    def finish(self, email_id: str, outcome: Outcome) -> None:
        """Writes the outcome, then forgets the mail: one of the two is always there."""
        self._write(self._done / f"{email_id}.json", msgspec.json.encode(outcome))
        (self._new / email_id).unlink(missing_ok=True)
        (self._stages / email_id).unlink(missing_ok=True)

    def set_aside(self, email_id: str, outcome: Outcome) -> None:
        """For a mail whose own files are spoilt: they are kept for a person to look at."""
        aside = self._aside / email_id
        (self._new / email_id).replace(aside)
        self.finish(email_id, outcome)

    def outcome(self, email_id: str) -> Outcome | None:
        try:
            return msgspec.json.decode((self._done / f"{email_id}.json").read_bytes(), type=Outcome)
        except FileNotFoundError:
            return None

    def forget_old_outcomes(self) -> None:
        oldest = time.time() - KEEP_OUTCOMES.total_seconds()
        for folder in (self._done, self._partial, self._stages):
            for file in folder.iterdir():
                is_over = not (self._new / file.name).exists()
                if is_over and file.stat().st_mtime < oldest:
                    file.unlink(missing_ok=True)

    def _write(self, target: Path, content: bytes) -> None:
        partial = self._partial / target.name
        _write_through(partial, content, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        partial.replace(target)
        _sync_folder(target.parent)


class Stages:
    """The events of one mail that were already said, each with the bytes that were sent."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept = self._read()

    def event(self, stage: str) -> bytes | None:
        return self._kept.get(stage)

    def keep(self, stage: str, event: dict[str, object]) -> bytes:
        """Writes the event down before it is sent; the line's own end says that it is complete."""
        line = json.dumps([stage, event], ensure_ascii=False).encode() + b"\n"
        _write_through(self._file, line, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self._kept[stage] = _body(event)
        return self._kept[stage]

    def _read(self) -> dict[str, bytes]:
        if not self._file.exists():
            return {}
        whole, _, torn = self._file.read_bytes().rpartition(b"\n")
        if torn:
            # Written by a process that died before it could send this event.
            os.truncate(self._file, len(whole) + 1 if whole else 0)
        pairs = (_pair(line) for line in whole.splitlines())
        return {stage: _body(event) for stage, event in filter(None, pairs)}


def _pair(line: bytes) -> tuple[str, dict[str, object]] | None:
    """A stage and its event; None for a line that a failing disk or a person has spoilt."""
    try:
        stage, event = json.loads(line)
    except ValueError:
        return None
    return (stage, event) if isinstance(stage, str) and isinstance(event, dict) else None


def _body(event: dict[str, object]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


def _write_through(file: Path, content: bytes, flags: int) -> None:
    descriptor = os.open(file, flags, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
