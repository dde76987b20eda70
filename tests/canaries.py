"""People who exist nowhere, and every spelling in which a trace of them could be found."""

from __future__ import annotations

import base64
import codecs
import hashlib
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus


@dataclass(frozen=True, slots=True)
class Canary:
    """One of the cast: nothing of it may be met outside the vault."""

    name: str
    email: str
    phone: str
    address: str

    @property
    def words(self) -> tuple[str, ...]:
        local, _, domain = self.email.partition("@")
        first, last = self.name.split()
        digits = "".join(sign for sign in self.phone if sign.isdigit())[-7:]
        return (self.name, first, last, self.email, local, domain, self.phone, digits, self.address)


CAST = (
    Canary(
        "Zyxandra Quillfeather",
        "z.quillfeather@kanari-eins.example",
        "+49 170 5550142",
        "203.0.113.177",
    ),
    Canary(
        "Wolfram Drosselbart",
        "Wolfram.Drosselbart@kanari-zwei.example",
        "+49 170 5550867",
        "198.51.100.201",
    ),
    Canary("Łucja Śpiewaczkówna", "lucja@kanari-drei.example", "+48 600 555 319", "192.0.2.251"),
)
FREE_TEXT = "the velvet ostrich drank cold cocoa at half past nine"
CASE_ID, TASK_ID, EMAIL_ID = "HX-kanari-77", "T-kanari-4711", "<kanari-0815@mail.example>"
MOMENT = "16:13:47"  # of the exact times: HR is told the day
SECRETS = (
    *(word for canary in CAST for word in canary.words),
    *(FREE_TEXT, CASE_ID, TASK_ID, EMAIL_ID, MOMENT),
)
_DIGESTS = ("md5", "sha1", "sha256", "sha512", "blake2b")


def _spellings(text: str) -> Iterator[bytes]:
    raw = text.encode()
    yield from (raw, quote(text).encode(), quote_plus(text).encode(), html.escape(text).encode())
    yield text.encode("utf-16-le")
    yield text.encode("ascii", "backslashreplace")
    yield raw.hex().encode()
    yield codecs.encode(text, "rot13").encode()
    if len(raw) >= 12:  # what is packed of shorter ones comes about by chance
        for before in range(3):
            packed = base64.b64encode(b"\0" * before + raw)
            yield packed[4 if before else 0 : -4]
            yield base64.urlsafe_b64encode(b"\0" * before + raw)[4 if before else 0 : -4]


def _digests(text: str) -> Iterator[bytes]:
    for name in _DIGESTS:
        digest = hashlib.new(name, text.encode()).digest()
        yield from (digest, digest.hex().encode(), base64.b64encode(digest).rstrip(b"="))


def _traces() -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for secret in SECRETS:
        for text in {secret, secret.lower(), secret.upper()}:
            for spelling in _spellings(text):
                found.setdefault(spelling, f"{secret!r} as {spelling[:40]!r}")
        for text in {secret, secret.lower(), secret.casefold().strip()}:
            for digest in _digests(text):
                found.setdefault(digest, f"a plain digest of {secret!r}")
    return found


TRACES = _traces()


# Cursors, signed values, and all else that has only signs of base64, url-safe or not.
_PACKED = (re.compile(rb"[A-Za-z0-9_-]{12,}"), re.compile(rb"[A-Za-z0-9+/]{12,}"))


def _unpacked(places: Iterable[bytes]) -> Iterator[bytes]:
    runs = {run for place in places for signs in _PACKED for run in signs.findall(place)}
    for run in runs:
        whole = run[:-1] if len(run) % 4 == 1 else run
        yield base64.b64decode(whole.translate(_URL_SAFE) + b"=" * (-len(whole) % 4))


_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def traces_in(*places: bytes | str) -> set[str]:
    """What of the cast is met in these places, packed or not, and in which spelling."""
    told = [place.encode() if isinstance(place, str) else place for place in places]
    whole = b"\n".join([*told, *_unpacked(told)])
    return {name for trace, name in TRACES.items() if trace in whole}


def texts_of(rows: Iterable[tuple[object, ...]]) -> Iterator[bytes]:
    """The values of database rows as they would be printed, bytes as they are."""
    for row in rows:
        for value in row:
            yield bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
