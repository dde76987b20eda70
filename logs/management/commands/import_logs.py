"""Door of the import: opens files, shows how far they are, tells what became of their lines."""

from __future__ import annotations

import gzip
import shutil
import signal
import sys
import tempfile
import zlib
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import IO, Any, BinaryIO, cast
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from logs.imports.formats import Format
from logs.imports.taking import UNFINISHED, Manner, Tally, import_file
from orgo_audit.accounts.models import Organization
from orgo_audit.accounts.people import get_organization
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator

STDIN = "-"
GZIP_MAGIC = b"\x1f\x8b"
UNUSABLE, REFUSED, INTERRUPTED = 2, 1, 130
_DAMAGED = (EOFError, OSError, zlib.error)


def year(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) == 4 and text > "0001":
        return int(text)
    raise ArgumentTypeError("expected a year of four digits such as 2024")


def zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        raise ArgumentTypeError("expected an IANA time zone such as Europe/Berlin") from None


@dataclass(frozen=True, slots=True)
class Source:
    """One file that was opened: what it is called, its bytes, and its size on the disk."""

    name: str
    raw: IO[bytes]
    size: int

    def content(self) -> BinaryIO:
        is_packed = self.raw.read(2) == GZIP_MAGIC
        self.raw.seek(0)
        return cast(BinaryIO, gzip.GzipFile(fileobj=self.raw) if is_packed else self.raw)


class Command(BaseCommand):
    help = (
        "Imports old logs: NDJSON in the API's shapes (`log_type` may be missing: `error` without"
        " `action` goes to the error log, known security actions to the security log, all else to"
        " the activity log), or syslog auth logs (RFC 3164, RFC 5424, rsyslog's files), whose"
        " sshd, sudo, su, PAM and account lines become security events. A file is known by its"
        " content, whatever its name: again it adds nothing, grown it adds its new lines, stopped"
        " it goes on where it was. Gzip is unpacked on the way. Prints counts on stdout. Exit code"
        " 0: all that is new was taken; 1: new lines were refused;"
        " 2: a file or an option cannot be used; 130: stopped by Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="a path, or - for stdin")
        parser.add_argument(
            "--format",
            type=Format,
            choices=list(Format),
            metavar="ndjson|syslog",
            help="default: by the first line; { begins NDJSON",
        )
        parser.add_argument(
            "--organization", default="default", metavar="SLUG", help="default: %(default)s"
        )
        parser.add_argument(
            "--year",
            type=year,
            metavar="YYYY",
            help="the year of a syslog file's first line; default: the one that puts each line"
            " into the past twelve months",
        )
        parser.add_argument(
            "--zone",
            type=zone,
            default=UTC,
            metavar="NAME",
            help="the time zone of syslog times that name none; an hour that comes twice in"
            " autumn is read as the first (default: UTC)",
        )

    def handle(self, *args: Any, files: list[str], organization: str, **options: Any) -> None:
        manner = Manner(timezone.now(), options["format"], options["zone"], options["year"])
        try:
            tenant = get_organization(organization)
        except OrgoError as error:
            raise CommandError(error.sentence, returncode=UNUSABLE) from None
        with ExitStack() as stack:
            sources = self._open_all(files, stack)
            code = self._import_all(sources, tenant, manner)
        if code:
            sys.exit(code)

    def _open_all(self, names: list[str], stack: ExitStack) -> list[Source]:
        """All of them, or none: a name that is mistyped is told before anything is taken in."""
        sources, faults = [], []
        for name in names:
            try:
                sources.append(_open(name, stack))
            except OSError as error:
                faults.append(f"{_printable(name)}: {error.strerror or error}")
        if faults:
            raise CommandError("\n".join([*faults, "nothing was imported"]), returncode=UNUSABLE)
        return sources

    def _import_all(self, sources: list[Source], tenant: Organization, manner: Manner) -> int:
        code = 0
        with _until_interrupted() as interrupted:
            for source in sources:
                try:
                    tally = self._import(source, tenant, manner, interrupted)
                except OrgoError as error:
                    code = self._unusable(source, error.sentence)
                    continue
                except _DAMAGED:
                    code = self._unusable(source, "damaged or cut short")
                    continue
                self._tell(source.name, tally)
                if interrupted:
                    self.stderr.write("stopped; the same command goes on from here")
                    return INTERRUPTED
                code = max(code, REFUSED if tally.refused else 0)
        return code

    def _unusable(self, source: Source, sentence: str) -> int:
        self.stderr.write(f"{source.name}: {sentence}")
        return UNUSABLE

    def _import(
        self, source: Source, tenant: Organization, manner: Manner, interrupted: list[int]
    ) -> Tally:
        console = Console(stderr=True)
        with _progress(console) as bar:
            task = bar.add_task(Path(source.name).name, total=source.size, rate="")

            def goes_on(tally: Tally) -> bool:
                rate = f"{tally.lines / max(bar.tasks[0].elapsed or 0, 0.001):,.0f} lines/s"
                bar.update(task, completed=source.raw.tell(), rate=rate)
                return not interrupted

            by = recorded_operator()
            return import_file(source.content(), tenant, manner, by=by, goes_on=goes_on)

    def _tell(self, name: str, tally: Tally) -> None:
        self.stdout.write(f"{name}: {_summary(tally)}")
        for (code, path), refused in sorted(tally.refused.items()):
            what = f"{code} in {path}" if path else code
            lines = ", ".join(map(str, refused.lines))
            more = ", …" if refused.count > len(refused.lines) else ""
            self.stdout.write(f"  refused: {refused.count:,} × {what}, line {lines}{more}")
        if tally.refused.keys() - {UNFINISHED}:
            self.stdout.write("  it waits in quarantine, or sealed where it might be sensitive")


def _summary(tally: Tally) -> str:
    before = tally.known.lines + tally.known.in_line
    if not tally.lines and not tally.refused:
        return _known_whole(tally) if before else "holds no lines"
    known = f" ({before:,} were imported before)" if before else ""
    return (
        f"{tally.lines:,} lines{known}: {tally.stored:,} stored, {tally.sealed:,} sealed,"
        f" {tally.refusals:,} refused, {tally.skipped:,} without a meaning skipped"
    )


def _known_whole(tally: Tally) -> str:
    then = f"; {tally.refused_before:,} of its lines were refused then"
    return f"was imported before, nothing is new{then if tally.refused_before else ''}"


def _open(name: str, stack: ExitStack) -> Source:
    if name == STDIN:
        return _kept_stdin(stack)
    path = Path(name)
    if not path.exists():
        raise FileNotFoundError("there is no such file")
    if not path.is_file():
        raise OSError("not a regular file; a stream can be given as -")
    raw = stack.enter_context(path.open("rb"))
    return Source(_printable(name), raw, path.stat().st_size)


def _printable(name: str) -> str:
    """A file's name may hold anything, a terminal's commands too."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _kept_stdin(stack: ExitStack) -> Source:
    """A copy of stdin in a file without a name: only a file can be compared with what is known."""
    copy = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  (the stack closes it)
    shutil.copyfileobj(sys.stdin.buffer, copy)
    size = copy.tell()
    copy.seek(0)
    return Source("stdin", copy, size)


# On 80 columns a long name must leave room for rate and time left.
_NAME = Column(max_width=24, no_wrap=True, overflow="ellipsis")


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False, table_column=_NAME),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, disable=not console.is_terminal)


@contextmanager
def _until_interrupted() -> Iterator[list[int]]:
    """A list that Ctrl-C fills, so that a batch is finished; a second Ctrl-C is the usual one."""
    interrupted: list[int] = []

    def note(number: int, frame: object) -> None:
        interrupted.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
