"""Reads one raw mail, or refuses it with a reason that never repeats what the mail says. Pure.

Mail is hostile input, and Python's parser has steps whose cost is quadratic, so size, lines,
headers, header lines, parts and depth are bounded before the costly step is reached.

survivable  a missing subject, date, recipient or Message-ID; raw 8-bit headers; unknown or lying
            charsets; repeated headers; broken encoded words; a missing end boundary; text where
            the next header should be; control characters, NUL included, outside the sender;
            an address without a domain (MAILER-DAEMON)
an error    nothing that is a header; no sender, or one that cannot be read; a multipart without
            anything readable; a text part that decodes to nothing; whatever passes a limit
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError, MissingHeaderBodySeparatorDefect
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32, compat32
from email.utils import getaddresses
from enum import StrEnum

SIZE_LIMIT_BYTES = 25 * 1024 * 1024
LINE_END_LIMIT = 1_000_000
HEADER_LIMIT = 500
HEADER_LINE_LIMIT_BYTES = 16 * 1024
HEADER_FIELD_LIMIT = 64 * 1024
# email.message._parseparam is quadratic (cpython #136063); these fields are parsed for each part.
CONTENT_FIELD_LIMIT = 2_000
PART_LIMIT = 100
DEPTH_LIMIT = 10
# Decoding words and addresses is quadratic too: only the beginning of a field is read.
READ_OF_A_FIELD = 4_000
ADDRESS_LIMIT = 254
RECIPIENT_LIMIT = 50
SUBJECT_LIMIT = 200
TEXT_LIMIT = 2_000
READ_OF_A_TEXT = 20_000

SENDER_FIELDS = ("from", "sender", "resent-from")
RECIPIENT_FIELDS = ("to", "cc", "delivered-to", "resent-to")
ADDRESS = re.compile(r'(?:"[^"\\@]+"|[^\s@<>()\[\],;:"\\]+)(?:@[^\s@<>(),;:"\\]+)?')
TAG = re.compile(r"<[^<>]*>")
# What Python's email package is known to raise on broken mails, besides its own errors.
PARSER_FAULTS = (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Reason(StrEnum):
    """Why a mail is refused: a closed set, so that no reason can carry what a mail says."""

    EMPTY_MAIL = "Empty Mail"
    TOO_LARGE = "Too Large"
    TOO_MANY_LINES = "Too Many Lines"
    TOO_MANY_HEADERS = "Too Many Headers"
    HEADER_TOO_LONG = "Header Too Long"
    TOO_MANY_PARTS = "Too Many Parts"
    TOO_DEEPLY_NESTED = "Too Deeply Nested"
    MALFORMED_HEADER = "Malformed Header"
    NO_SENDER = "No Sender"
    BROKEN_MULTIPART = "Broken Multipart"
    UNDECODABLE_BODY = "Undecodable Body"
    UNREADABLE_MAIL = "Unreadable Mail"
    TOOK_TOO_LONG = "Took Too Long"


class MailRefused(Exception):  # noqa: N818  # said as it is: a refusal, not a fault
    """This mail cannot become a task; `reason` is all that may be told of it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Mail:
    """What the workflow needs of a mail. `message_id` and the recipients may be empty."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    attachments: int
    is_test: bool

    @property
    def recipient(self) -> str:
        """The first recipient, or nothing."""
        return self.recipients[0] if self.recipients else ""


def read_mail(raw: bytes) -> Mail:
    """The mail in these bytes. Any bytes give a `Mail` or `MailRefused`, in bounded time."""
    _refuse_what_is_too_big(raw)
    try:
        return _mail_of(_parsed(raw))
    except PARSER_FAULTS:
        raise MailRefused(Reason.UNREADABLE_MAIL) from None


def header_block(raw: bytes) -> bytes:
    """The bytes before the first empty line, for a look at a mail that could not be read."""
    lines: list[bytes] = []
    for line in (
        raw[: HEADER_LIMIT * HEADER_LINE_LIMIT_BYTES].lstrip(b"\r\n").splitlines(keepends=True)
    ):
        if not line.strip(b"\r\n"):
            break
        lines.append(line)
    return b"".join(lines)


# --- before parsing -----------------------------------------------------------------------------


def _refuse_what_is_too_big(raw: bytes) -> None:
    if len(raw) > SIZE_LIMIT_BYTES:
        raise MailRefused(Reason.TOO_LARGE)
    if not raw.strip():
        raise MailRefused(Reason.EMPTY_MAIL)
    if raw.count(b"\n") + raw.count(b"\r") > LINE_END_LIMIT:
        raise MailRefused(Reason.TOO_MANY_LINES)
    _refuse_big_header(header_block(raw).splitlines())


def _refuse_big_header(lines: list[bytes]) -> None:
    fields = 0
    for line in lines:
        fields += not line.startswith((b" ", b"\t"))
        if fields > HEADER_LIMIT:
            raise MailRefused(Reason.TOO_MANY_HEADERS)
        if len(line) > HEADER_LINE_LIMIT_BYTES:
            raise MailRefused(Reason.HEADER_TOO_LONG)


class _Part(Message):
    """A message that refuses to grow beyond the limits while the parser is still building it."""

    def __init__(self, policy: Compat32 = compat32) -> None:
        super().__init__(policy)
        self.depth = 1
        self.fields = 0
        self.tally = [1]

    def attach(self, payload: Message) -> None:  # type: ignore[override]  # the stub is generic
        if isinstance(payload, _Part):
            payload.depth, payload.tally = self.depth + 1, self.tally
            self.tally[0] += 1
            self._refuse_growth(payload)
        super().attach(payload)

    def _refuse_growth(self, part: _Part) -> None:
        if part.depth > DEPTH_LIMIT:
            raise MailRefused(Reason.TOO_DEEPLY_NESTED)
        if self.tally[0] > PART_LIMIT:
            raise MailRefused(Reason.TOO_MANY_PARTS)

    def set_raw(self, name: str, value: str) -> None:
        self.fields += 1
        if self.fields > HEADER_LIMIT:
            raise MailRefused(Reason.TOO_MANY_HEADERS)
        is_parsed_often = name.lower().startswith("content-")
        if len(value) > (CONTENT_FIELD_LIMIT if is_parsed_often else HEADER_FIELD_LIMIT):
            raise MailRefused(Reason.HEADER_TOO_LONG)
        super().set_raw(name, value)


def _parsed(raw: bytes) -> Message:
    # Blank lines or a byte order mark before the header are common in exported mails.
    body = raw.lstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
    return BytesParser(_Part, policy=compat32).parsebytes(body)


# --- the parsed mail ----------------------------------------------------------------------------


def _mail_of(message: Message) -> Mail:
    header = _first_fields(message)
    if not header:
        raise MailRefused(Reason.MALFORMED_HEADER)
    sender = _sender(header, message)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    return Mail(
        message_id=_one_line(header.get("message-id", ""), ADDRESS_LIMIT),
        sender=sender,
        recipients=_recipients(header),
        subject=_one_line(_decoded(header.get("subject", "")), SUBJECT_LIMIT),
        text=_text(leaves),
        attachments=sum(map(_is_attachment, leaves)),
        is_test="x-orgo-test" in header,
    )


def _first_fields(message: Message) -> dict[str, str]:
    """Each header field's first value; a repeated `From` cannot replace the first one."""
    fields: dict[str, str] = {}
    for name, value in message.raw_items():
        fields.setdefault(name.lower(), _text_of_field(str(value)))
    return fields


def _text_of_field(value: str) -> str:
    """The field unfolded; its raw 8-bit bytes are UTF-8, or else Latin-1."""
    raw = value[:READ_OF_A_FIELD].encode("utf-8", "surrogateescape")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return re.sub(r"\r\n|\r|\n", "", text).strip()


def _sender(header: dict[str, str], message: Message) -> str:
    present = [header[field] for field in SENDER_FIELDS if field in header]
    if not present:
        # Where the header broke off, the sender may have been in the part that was lost.
        broke_off = any(
            isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in message.defects
        )
        raise MailRefused(Reason.MALFORMED_HEADER if broke_off else Reason.NO_SENDER)
    if "\0" in present[0]:
        raise MailRefused(Reason.MALFORMED_HEADER)
    for value in present:
        for address in _addresses(value):
            return address
    raise MailRefused(Reason.MALFORMED_HEADER if any(present) else Reason.NO_SENDER)


def _recipients(header: dict[str, str]) -> tuple[str, ...]:
    found = (address for field in RECIPIENT_FIELDS for address in _addresses(header.get(field, "")))
    return tuple(dict.fromkeys(found))[:RECIPIENT_LIMIT]


def _addresses(value: str) -> list[str]:
    """The usable addresses of a field, normalised; some programs encode address and all."""
    readings = (value, _decoded(value)) if "=?" in value else (value,)
    for reading in readings:
        try:
            pairs = getaddresses([reading])
        except (IndexError, RecursionError):
            continue
        usable = [address for _, one in pairs if (address := normalised_address(one))]
        if usable:
            return usable
    return []


def normalised_address(address: str) -> str:
    """One spelling for an address: NFKC, lower case; nothing if it is not one."""
    one = unicodedata.normalize("NFKC", address).strip().lower()
    is_usable = len(one) <= ADDRESS_LIMIT and one.isprintable() and not one.startswith("=?")
    return one if is_usable and ADDRESS.fullmatch(one) else ""


def _decoded(value: str) -> str:
    """Encoded words decoded as far as they can be."""
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(
        piece if isinstance(piece, str) else _characters(piece, charset)
        for piece, charset in pieces
    )


def _characters(raw: bytes, charset: str | None) -> str:
    try:
        # Without a charset these are the plain pieces, which decode_header encodes so.
        return raw.decode(charset or "raw-unicode-escape", "replace")
    except (LookupError, ValueError):
        return raw.decode("utf-8", "replace")


def _one_line(text: str, limit: int) -> str:
    """One line without control, format and surrogate characters, cut to the limit."""
    spaced = "".join(" " if char.isspace() else char for char in text[:READ_OF_A_FIELD])
    kept = "".join(char for char in spaced if unicodedata.category(char) not in {"Cc", "Cf", "Cs"})
    return " ".join(kept.split())[:limit]


# --- the body -----------------------------------------------------------------------------------


def _is_attachment(part: Message) -> bool:
    if part.get_content_disposition() == "attachment" or part.get_filename():
        return True
    return part.get_content_maintype() not in {"text", "multipart", "message"}


def _text(leaves: list[Message]) -> str:
    """A short plain reading of the first text part, plain text before HTML."""
    broken = [part for part in leaves if part.get_content_maintype() == "multipart"]
    if broken and not any(str(part.get_payload()).strip() for part in leaves):
        raise MailRefused(Reason.BROKEN_MULTIPART)
    for part in _by_preference(leaves):
        text = _readable(part)
        if text:
            return text
    return ""


def _by_preference(leaves: list[Message]) -> Iterator[Message]:
    plain = [part for part in leaves if not _is_attachment(part)]
    yield from (part for part in plain if part.get_content_type() != "text/html")
    yield from (part for part in plain if part.get_content_type() == "text/html")


def _readable(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    if not raw and str(part.get_payload()).strip():
        raise MailRefused(Reason.UNDECODABLE_BODY)
    text = _characters(raw[:READ_OF_A_TEXT], part.get_content_charset("utf-8"))
    if part.get_content_type() == "text/html":
        text = html.unescape(TAG.sub(" ", text))
    return _one_line(text, TEXT_LIMIT)
