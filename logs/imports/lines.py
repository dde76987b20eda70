"""Reads a file line by line in bounded memory and knows the digest of all that was read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

MAX_LINE_BYTES = 1024 * 1024
KEPT_OF_LONG_LINE_BYTES = 64 * 1024
CHUNK_BYTES = 1024 * 1024
UTF8_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line without its end; of one that is too long only the beginning."""

    raw: bytes
    number: int
    has_end: bool
    is_too_long: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file: so many bytes, their digest, how many line ends are before it."""

    length: int = 0
    digest: bytes = hashlib.sha256().digest()
    lines: int = 0
    in_line: bool = False


class LineReader:
    """The lines of a file from a place on; `place` is behind the last line that was given."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.place = Place()

    def go_to_known(self, known: Mapping[int, set[bytes]]) -> None:
        """Goes behind the longest beginning of the file whose digest is known for its length."""
        furthest, hash_there = self.place, self._hash.copy()
        for length in sorted(known):
            if not self._go_to(length):
                break
            if self.place.digest in known[length]:
                furthest, hash_there = self.place, self._hash.copy()
        self._file.seek(furthest.length)
        self.place, self._hash = furthest, hash_there

    def _go_to(self, length: int) -> bool:
        lines, position, last = self.place.lines, self.place.length, b""
        while position < length:
            last = self._file.read(min(CHUNK_BYTES, length - position))
            if not last:
                return False
            self._hash.update(last)
            position += len(last)
            lines += last.count(b"\n")
        in_line = bool(last) and not last.endswith(b"\n")
        self.place = Place(position, self._hash.digest(), lines, in_line)
        return True

    def __iter__(self) -> Iterator[Line]:
        while raw := self._file.readline(MAX_LINE_BYTES + 1):
            yield self._line(raw)

    def _line(self, raw: bytes) -> Line:
        self._hash.update(raw)
        size, has_end = len(raw), raw.endswith(b"\n")
        is_too_long = size > MAX_LINE_BYTES and not has_end
        kept = raw[:KEPT_OF_LONG_LINE_BYTES] if is_too_long else raw
        while is_too_long and not has_end and (more := self._file.readline(CHUNK_BYTES)):
            self._hash.update(more)
            size += len(more)
            has_end = more.endswith(b"\n")
        number = self.place.lines + 1
        if self.place.length == 0:
            kept = kept.removeprefix(UTF8_BOM)
        length = self.place.length + size
        lines = self.place.lines + has_end
        self.place = Place(length, self._hash.digest(), lines, in_line=not has_end)
        return Line(kept.removesuffix(b"\n").removesuffix(b"\r"), number, has_end, is_too_long)
