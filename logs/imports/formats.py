"""From one line of a file to an item of a batch, or to nothing where the line has no meaning."""

from __future__ import annotations

from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any, Protocol

from logs.imports import auth_lines, syslog
from logs.imports.lines import Line
from logs.record.drafts import Item, Refusal, draft_of, judged
from logs.record.vocabulary import LogType, code_of, is_security
from logs.record.wire import format_instant
from orgo_audit import strict_json
from orgo_audit.errors import BadInput

# How an export of the portal ends: a line that is no event.
_END_OF_EXPORT = {"count", "time_zone"}
NOT_LINES = (
    "this is JSON, but not one object a line (NDJSON); `jq -c '.[]'` makes lines of an array"
)


class Format(StrEnum):
    """What a file holds."""

    NDJSON = "ndjson"
    SYSLOG = "syslog"


class Reader(Protocol):
    """Reads the lines of one file, in order; has to be shown all of them."""

    def read(self, raw: bytes) -> Item | None: ...


def format_of(line: Line | None) -> Format:
    """The format by a file's first line that is not blank; BadInput where that does not tell."""
    raw = b"" if line is None else line.raw.strip()
    if raw.startswith(b"{"):
        return Format.NDJSON
    if raw.startswith(b"["):
        raise BadInput(NOT_LINES)
    try:
        syslog.parse(raw)
    except BadInput:
        raise BadInput("neither NDJSON nor syslog by its first line; --format says which") from None
    return Format.SYSLOG


def refuse_documents(line: Line | None) -> None:
    """BadInput for JSON that is spread over lines, or is an array."""
    if line is not None and (line.raw.strip() == b"{" or line.raw.lstrip().startswith(b"[")):
        raise BadInput(NOT_LINES)


class NdjsonReader:
    """Events in the API's shapes, with or without `log_type`."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def read(self, raw: bytes) -> Item | None:
        try:
            sent = strict_json.parse(raw)
        except BadInput as problem:
            return refused(problem, raw)
        if isinstance(sent, dict) and sent.keys() == _END_OF_EXPORT:
            return None
        return judged(sent, _log_type_of(sent), self._now)


def _log_type_of(sent: Any) -> LogType | None:
    """The log of an event that does not name it; None where it does."""
    if not isinstance(sent, dict) or "log_type" in sent:
        return None
    action = sent.get("action")
    if "error" in sent and action is None:
        return LogType.ERROR
    is_known = isinstance(action, str) and is_security(code_of(action))
    return LogType.SECURITY if is_known else LogType.ACTIVITY


class SyslogReader:
    """Lines of an auth log that mean something become security events."""

    def __init__(self, now: datetime, zone: tzinfo, year: int | None) -> None:
        self._now = now
        self._calendar = syslog.Calendar(now, zone, year)

    def read(self, raw: bytes) -> Item | None:
        try:
            message = syslog.parse(raw)
            event = auth_lines.event_of(message)
            if event is None:
                self._pass_by(message)
                return None
            sent = {"timestamp": format_instant(self._calendar.instant(message.when)), **event}
        except BadInput as problem:
            return refused(problem, raw)
        return _security_item(sent, self._now)

    def _pass_by(self, message: syslog.Message) -> None:
        try:
            self._calendar.instant(message.when)
        except BadInput:
            return  # a line without a meaning may have any time


def _security_item(sent: dict[str, Any], now: datetime) -> Item:
    try:
        return Item(draft_of(sent, LogType.SECURITY, now=now), sent, LogType.SECURITY.value)
    except BadInput as problem:
        return refused(problem, sent, LogType.SECURITY.value)


def refused(problem: BadInput, sent: Any, log_type: str = "") -> Item:
    """An item that only says why it is none."""
    return Item(Refusal.of(problem), sent, log_type)
