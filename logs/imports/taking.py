"""Takes a file into the record, batch by batch, each together with the place that it reaches.

So an import that is killed anywhere goes on exactly there, and a file that is known adds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import BinaryIO

from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from logs.imports.formats import (
    Format,
    NdjsonReader,
    Reader,
    SyslogReader,
    format_of,
    refuse_documents,
    refused,
)
from logs.imports.lines import MAX_LINE_BYTES, Line, LineReader, Place
from logs.imports.models import ImportedFile
from logs.record.drafts import Item, Refusal
from logs.record.ingest import store_batch
from logs.record.own_events import report_administration
from logs.record.receipts import Receipt, Sender
from logs.record.wire import public_path
from orgo_audit.accounts.models import Organization
from orgo_audit.accounts.tokens import IMPORT
from orgo_audit.errors import BadInput, Conflict

BATCH_LINES = 5000
BATCH_BYTES = 8 * 1024 * 1024
SHOWN_LINES = 5
_LOCK_CLASS = 0x696D7072  # any number, as long as nothing else in this database uses it

TORN = BadInput("the last import took this line before it was complete", code="torn_line")
TOO_LONG = BadInput(f"longer than {MAX_LINE_BYTES // 1024} KiB", code="line_too_long")
UNFINISHED = ("unfinished_line", "")


@dataclass(frozen=True, slots=True)
class Manner:
    """How the lines of a file are read. Without a format its content tells."""

    now: datetime
    format: Format | None = None
    zone: tzinfo = UTC
    year: int | None = None

    def reader(self, first: Line) -> Reader:
        chosen = self.format or format_of(first)
        if chosen is Format.SYSLOG:
            return SyslogReader(self.now, self.zone, self.year)
        refuse_documents(first)
        return NdjsonReader(self.now)


@dataclass(slots=True)
class Refused:
    """How often something was refused for one reason, and the first lines of it."""

    count: int = 0
    lines: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What became of the new lines, those between the places `known` and `place`."""

    known: Place = Place()
    refused_before: int = 0
    place: Place = Place()
    lines: int = 0
    stored: int = 0
    sealed: int = 0
    skipped: int = 0
    refused: dict[tuple[str, str], Refused] = field(default_factory=dict)

    @property
    def refusals(self) -> int:
        return sum(reason.count for reason in self.refused.values())

    def refuse(self, reason: tuple[str, str], number: int) -> None:
        told = self.refused.setdefault(reason, Refused())
        told.count += 1
        if len(told.lines) < SHOWN_LINES:
            told.lines.append(number)

    def add(self, batch: _Batch, receipt: Receipt) -> None:
        self.place = batch.place
        self.lines += batch.lines
        self.skipped += batch.lines - len(batch.items)
        self.stored += receipt.accepted - receipt.sealed
        self.sealed += receipt.sealed
        for rejection in receipt.rejected:
            reason = rejection["code"], public_path(rejection["path"])
            self.refuse(reason, batch.numbers[rejection["index"]])
        for number in batch.unfinished:
            self.refuse(UNFINISHED, number)


@dataclass(slots=True)
class _Batch:
    """Items with the numbers of their lines, and the place behind the last line."""

    place: Place
    items: list[Item] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    lines: int = 0
    size: int = 0
    unfinished: list[int] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return self.lines >= BATCH_LINES or self.size >= BATCH_BYTES

    def take(self, line: Line, item: Item | None, place: Place) -> None:
        if not line.has_end and not _is_event(item):
            # More of it may come: it is left, and read again by the next import.
            self.unfinished.append(line.number)
            return
        self.place, self.lines, self.size = place, self.lines + 1, self.size + len(line.raw)
        if item is not None:
            self.items.append(item)
            self.numbers.append(line.number)


def _is_event(item: Item | None) -> bool:
    return item is not None and not isinstance(item.verdict, Refusal)


class _Mark:
    """The row that remembers how far this import came."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._row: ImportedFile | None = None

    def move(self, to: Place, *, refused: int) -> None:
        """Has to be called in the transaction that stores the lines before `to`."""
        place = {"digest": to.digest, "length": to.length, "refused": refused}
        if self._row is None:
            self._row = ImportedFile.objects.create(organization=self._organization, **place)
            return
        rows = ImportedFile.objects.filter(pk=self._row.pk, length=self._row.length)
        if not rows.update(**place, recorded_at=Now()):
            raise _busy()
        self._row.length = to.length


def import_file(
    file: BinaryIO,
    organization: Organization,
    manner: Manner,
    *,
    by: str,
    goes_on: Callable[[Tally], bool] = lambda tally: True,
) -> Tally:
    """Takes in what is new in a file; asks `goes_on` after each batch.

    BadInput for a file whose format cannot be told, Conflict while another import of it runs.
    """
    first = _first_line(file)
    if first is None:
        return Tally()
    reader = manner.reader(first)
    with _alone(organization, first):
        lines = LineReader(file)
        lines.go_to_known(_known(organization))
        if manner.year is not None:
            _catch_up(file, reader, lines.place)
        before = _refused_before(organization, lines.place)
        tally = Tally(known=lines.place, refused_before=before, place=lines.place)
        try:
            _take(_batches(lines, reader), organization, tally, goes_on)
        finally:
            if tally.lines:
                _report(tally, organization, by)
    return tally


def _first_line(file: BinaryIO) -> Line | None:
    """The first line that is not blank; the file is then where it was, at its beginning."""
    first = next((line for line in LineReader(file) if line.raw.strip()), None)
    file.seek(0)
    return first


@contextmanager
def _alone(organization: Organization, first: Line) -> Iterator[None]:
    """One import at a time of all files that begin alike: no two take in the same lines."""
    digest = hashlib.sha256(f"{organization.pk} ".encode() + first.raw).digest()
    key = [_LOCK_CLASS, int.from_bytes(digest[:4], signed=True)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        if not cursor.fetchone()[0]:
            raise _busy()
    try:
        yield
    finally:
        # A lost connection has given the lock back already.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def _busy() -> Conflict:
    return Conflict("another import of this file is running; nothing was taken in twice")


def _known(organization: Organization) -> dict[int, set[bytes]]:
    known: dict[int, set[bytes]] = {}
    rows = ImportedFile.objects.filter(organization=organization)
    for length, digest in rows.values_list("length", "digest"):
        known.setdefault(length, set()).add(bytes(digest))
    return known


def _refused_before(organization: Organization, place: Place) -> int:
    known = ImportedFile.objects.filter(organization=organization)
    row = known.filter(length=place.length, digest=place.digest).first()
    return row.refused if row else 0


def _catch_up(file: BinaryIO, reader: Reader, place: Place) -> None:
    """Shows the reader the lines before `place`: a turn of the year may be among them."""
    file.seek(0)
    lines = LineReader(file)
    while lines.place.length < place.length and (line := next(iter(lines), None)):
        reader.read(line.raw)
    file.seek(place.length)


def _batches(lines: LineReader, reader: Reader) -> Iterator[_Batch]:
    batch = _Batch(lines.place)
    in_line = lines.place.in_line
    for line in lines:
        if line.raw.strip():
            batch.take(line, _item(line, reader, in_line=in_line), lines.place)
        else:
            batch.place = lines.place
        in_line = not line.has_end
        if batch.is_full:
            yield batch
            batch = _Batch(lines.place)
    yield batch


def _item(line: Line, reader: Reader, *, in_line: bool) -> Item | None:
    if in_line:
        return refused(TORN, line.raw)
    return refused(TOO_LONG, line.raw) if line.is_too_long else reader.read(line.raw)


def _take(
    batches: Iterator[_Batch],
    organization: Organization,
    tally: Tally,
    goes_on: Callable[[Tally], bool],
) -> None:
    sender, mark = Sender(organization, IMPORT), _Mark(organization)
    refused = tally.refused_before
    for batch in batches:
        if not batch.lines and not batch.unfinished:
            continue
        with transaction.atomic():
            receipt = store_batch(batch.items, sender)
            refused += len(receipt.rejected)
            if batch.lines:
                mark.move(batch.place, refused=refused)
        tally.add(batch, receipt)
        if not goes_on(tally):
            return


def _report(tally: Tally, organization: Organization, by: str) -> None:
    """Nothing by which an admin could reckon how many events were sealed."""
    told = {
        "digest": tally.place.digest.hex()[:16],
        "stored": tally.stored,
        "refused": tally.refusals,
        "skipped": tally.skipped,
    }
    report_administration("Logs Imported", organization, by, told)
