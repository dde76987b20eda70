"""Finds mails in files, folders and mbox files, lazily. It only reads, and judges no mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from monitoring.sample_workflow.mail import header_block
from monitoring.sample_workflow.routing import GENERAL, is_ours, mailbox_of

SHIPPED_MAILS = Path(__file__).parent / "mails"
# What lies beside mails in real folders; a file that is named on the command line is always a mail.
NOT_A_MAIL = re.compile(
    r"\.(?:cfg|conf|css|csv|gz|html|ini|jpg|js|json|jsonl|log|md|ndjson|pdf|png|py|pyc|rst|sh|toml"
    r"|tsv|xml|yaml|yml|zip)"
)
MBOX_SUFFIXES = frozenset({".mbox", ".mbx"})
MAYBE_MBOX_SUFFIXES = frozenset({"", ".txt"})
# "From " also begins sentences; a separator comes right before a header.
SEPARATOR = re.compile(rb"^(?:\xef\xbb\xbf)?From [^\r\n]*\r?\n(?=[!-9;-~]+[ \t]*:)", re.MULTILINE)
QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
# Only what every SMTP server takes.
ADDRESS = re.compile(
    rb"[a-z0-9_+=-]+(?:\.[a-z0-9_+=-]+)*@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE
)
LINE_END = re.compile(rb"\r\n|\n")


@dataclass(frozen=True, slots=True)
class FoundMail:
    """`name` is the file as it was given or found; mails of an mbox are numbered."""

    name: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Addressing:
    """Whom SMTP is told as sender and recipients; the sender may be empty."""

    sender: str
    recipients: tuple[str, ...]


def find_mails(places: Iterable[Path]) -> Iterator[FoundMail]:
    """Every mail in these files and folders, in the order of their names."""
    for place in places:
        files = [place] if place.is_file() else sorted(filter(_is_mail_file, place.rglob("*")))
        for file in files:
            yield from _mails_of(file)


def addressing_of(raw: bytes) -> Addressing:
    """The envelope a sender would have used: our mailboxes in the header, else the general one.

    It reads plain patterns only, so that it also works for mails that cannot be parsed.
    """
    header = header_block(raw)
    senders = [one.decode() for one in ADDRESS.findall(_field(header, b"from"))]
    named = [one.decode() for one in ADDRESS.findall(_field(header, b"to|cc|delivered-to"))]
    ours = tuple(dict.fromkeys(filter(is_ours, named)))
    return Addressing(senders[0] if senders else "", ours or (mailbox_of(GENERAL),))


def as_sent(raw: bytes) -> bytes:
    """The mail with the line ends that SMTP knows."""
    return LINE_END.sub(b"\r\n", raw)


def _field(header: bytes, names: bytes) -> bytes:
    lines = rb"(?im)^(?:%s)[ \t]*:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)" % names
    return b" ".join(re.findall(lines, header))


def _is_mail_file(file: Path) -> bool:
    is_hidden = file.name.startswith(".")
    return file.is_file() and not is_hidden and not NOT_A_MAIL.fullmatch(file.suffix.lower())


def _mails_of(file: Path) -> Iterator[FoundMail]:
    name = _printable(file)
    raw = file.read_bytes()
    mails = _split(raw) if _is_mbox(file, raw) else []
    if len(mails) < 2:
        yield FoundMail(name, raw)
        return
    for number, mail in enumerate(mails, start=1):
        yield FoundMail(f"{name}#{number}", mail)


def _is_mbox(file: Path, raw: bytes) -> bool:
    suffix = file.suffix.lower()
    return suffix in MBOX_SUFFIXES or (suffix in MAYBE_MBOX_SUFFIXES and raw.startswith(b"From "))


def _split(raw: bytes) -> list[bytes]:
    separators = list(SEPARATOR.finditer(raw))
    ends = [separator.start() for separator in separators[1:]] + [len(raw)]
    mails = (raw[one.end() : end] for one, end in zip(separators, ends, strict=False))
    return [QUOTED_FROM.sub(rb"\1", mail) for mail in mails]


def _printable(file: Path) -> str:
    """The path on one line, with nothing that could break the columns or the terminal."""
    text = str(file).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "?" for char in text)
