"""From the wire's words to drafts of events: types, limits, a verdict per item. Stores nothing.

The blueprint's words (`user`, `from`, `timestamp`) end here; `wire.py` speaks them again.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from logs.record.vocabulary import LogType, Outcome, code_of, outcome_of
from logs.record.wire import action_key
from orgo_audit import strict_json
from orgo_audit.errors import BadInput

MAX_EVENTS = 5000
MAX_DETAILS_BYTES = 64 * 1024
MAX_AHEAD = timedelta(minutes=5)

# Most of these are indexed, and an index entry must stay below a third of a page.
MAX_TEXT_CHARACTERS = 500
MAX_REASON_CHARACTERS = 10_000
Short = Annotated[str, Meta(max_length=MAX_TEXT_CHARACTERS)]
Long = Annotated[str, Meta(max_length=MAX_REASON_CHARACTERS)]


# A default is not checked: what is absent becomes None, while a null that was sent is refused.
_ABSENT: Any = None


class _Wire(msgspec.Struct, gc=False):
    """The keys that every log knows, with their types. All others go to `details`."""

    timestamp: Annotated[datetime, Meta(tz=True)]
    user: Short = _ABSENT
    task_id: Short = _ABSENT
    email_id: Short = _ABSENT
    ip_address: Short = _ABSENT
    from_: Short = msgspec.field(default=_ABSENT, name="from")
    to: Short = _ABSENT
    status: Short = _ABSENT
    reason: Long = _ABSENT
    workflow: Short = _ABSENT


class _ActionWire(_Wire, gc=False):
    action: Short = _ABSENT


class _ErrorWire(_Wire, gc=False):
    action: Short = msgspec.field(default=_ABSENT, name="error")


_WIRE: dict[LogType, type[_ActionWire] | type[_ErrorWire]] = {
    LogType.ACTIVITY: _ActionWire,
    LogType.SECURITY: _ActionWire,
    LogType.ERROR: _ErrorWire,
}
_KNOWN_KEYS = {kind: frozenset(wire.__struct_encode_fields__) for kind, wire in _WIRE.items()}
_KEPT_ELSEWHERE = {kind: keys | {"log_type", "details"} for kind, keys in _KNOWN_KEYS.items()}


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An event that is right in itself and not yet stored. Absent is None, never an empty text."""

    log_type: LogType
    occurred_at: datetime
    action: str
    code: str
    outcome: Outcome
    status: str | None = None
    actor: str | None = None
    task_id: str | None = None
    email_id: str | None = None
    ip_address: str | None = None
    route_from: str | None = None
    route_to: str | None = None
    reason: str | None = None
    workflow: str | None = None
    details: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an item was refused: stable code, field path, and what would be accepted.

    The sentence is ours alone: it never repeats a value that was sent.
    """

    code: str
    path: str
    sentence: str

    @classmethod
    def of(cls, problem: BadInput) -> Refusal:
        return cls(problem.code, problem.path, problem.sentence)


class Item(msgspec.Struct, frozen=True, gc=False):
    """One item of a batch with its verdict. `sent` is what was parsed, or the unparsed bytes."""

    verdict: Draft | Refusal
    sent: Any
    log_type: str = ""


def parse_batch(body: bytes, *, lines: bool, log_type: LogType | None, now: datetime) -> list[Item]:
    """One event, an array, or (`lines`) NDJSON. Without `log_type` every item carries its own.

    Raises BadInput where the body as a whole cannot be used; a wrong item only refuses itself.
    """
    sent = _parsed_lines(body) if lines else _parsed_document(body)
    if not sent:
        raise BadInput("the batch is empty; expected at least one event", code="empty_batch")
    if len(sent) > MAX_EVENTS:
        raise BadInput(f"at most {MAX_EVENTS} events fit into one request", code="too_many_events")
    return [judged(item, log_type, now) for item in sent]


def _parsed_document(body: bytes) -> list[Any]:
    value = strict_json.parse(body)
    return value if isinstance(value, list) else [value]


def _parsed_lines(body: bytes) -> list[Any]:
    return [
        _Unparsed(line, value) if isinstance(value, BadInput) else value
        for line, value in islice(strict_json.parse_lines(body), MAX_EVENTS + 1)
    ]


def parse_item(raw: bytes, *, log_type: LogType | None, now: datetime) -> Item:
    """One item that was taken out of its batch, judged as it would be there."""
    return judged(strict_json.parse(raw), log_type, now)


@dataclass(frozen=True, slots=True)
class _Unparsed:
    line: bytes
    problem: BadInput


def judged(sent: Any, log_type: LogType | None, now: datetime) -> Item:
    """One parsed item with its verdict; without `log_type` it has to carry its own."""
    if isinstance(sent, _Unparsed):
        return Item(Refusal.of(sent.problem), sent.line)
    kind = log_type
    try:
        kind = _log_type_of(sent, log_type)
        return Item(draft_of(sent, kind, now=now), sent, kind.value)
    except BadInput as problem:
        return Item(Refusal.of(problem), sent, kind.value if kind else "")


def _log_type_of(sent: Any, expected: LogType | None) -> LogType:
    if not isinstance(sent, dict):
        raise BadInput("an event is a JSON object", code="wrong_type")
    if expected is not None and "log_type" not in sent:
        return expected
    told = sent.get("log_type")
    accepted = [expected.value] if expected else [kind.value for kind in LogType]
    if told not in accepted:
        sentence = f"expected {' or '.join(repr(kind) for kind in accepted)}"
        if expected:
            sentence += "; a mixed batch goes to /api/v1/logs/"
        code = "missing_field" if "log_type" not in sent else "wrong_log_type"
        raise BadInput(sentence, path="log_type", code=code)
    return LogType(told)


def draft_of(sent: dict[str, Any], log_type: LogType, *, now: datetime) -> Draft:
    """The draft of one wire object; BadInput names the first wrong field."""
    try:
        wire = msgspec.convert(sent, _WIRE[log_type])
    except msgspec.ValidationError:
        raise _wrong_field(sent, log_type) from None
    if not wire.action:
        raise _missing(log_type)
    action, status = wire.action, wire.status
    code = code_of(action)
    return Draft(
        log_type=log_type,
        occurred_at=_instant(wire.timestamp, now),
        action=action,
        code=code,
        outcome=outcome_of(log_type, code, status),
        status=status,
        actor=wire.user,
        task_id=wire.task_id,
        email_id=wire.email_id,
        ip_address=_address(wire.ip_address),
        route_from=wire.from_,
        route_to=wire.to,
        reason=wire.reason,
        workflow=wire.workflow,
        details=_details(sent, log_type),
    )


def _missing(log_type: LogType) -> BadInput:
    name = action_key(log_type)
    return BadInput(
        f"every {log_type.value} event has {name!r}, a text that is not empty",
        path=name,
        code="missing_field",
    )


def _instant(sent: datetime, now: datetime) -> datetime:
    try:
        instant = sent.astimezone(UTC)
    except OverflowError:
        raise BadInput(
            "beyond the years 1 to 9999", path="timestamp", code="bad_timestamp"
        ) from None
    if instant > now + MAX_AHEAD:
        raise BadInput(
            "more than five minutes ahead of our clock; any past is accepted",
            path="timestamp",
            code="timestamp_in_future",
        )
    return instant


def _address(sent: str | None) -> str | None:
    return None if sent is None else plain_address(sent)


@lru_cache(maxsize=4096)
def plain_address(sent: str) -> str:
    """The usual spelling of an IP address; BadInput for all else, an interface's scope included."""
    try:
        if "%" not in sent:
            return str(ipaddress.ip_address(sent))
    except ValueError:
        pass
    raise BadInput(
        "expected an IPv4 or IPv6 address such as 192.0.2.7",
        path="ip_address",
        code="bad_ip_address",
    )


def _details(sent: dict[str, Any], log_type: LogType) -> dict[str, Any]:
    kept_elsewhere = _KEPT_ELSEWHERE[log_type]
    details = {key: value for key, value in sent.items() if key not in kept_elsewhere}
    if not details and "details" not in sent:
        return {}
    if "details" in sent:
        own = sent["details"]
        if isinstance(own, dict) and not own.keys() & details.keys() and "details" not in own:
            details = own | details
        else:
            details["details"] = own
    if len(msgspec.json.encode(details)) > MAX_DETAILS_BYTES:
        raise BadInput(
            f"unknown keys take more than {MAX_DETAILS_BYTES // 1024} KiB",
            path="details",
            code="too_large",
        )
    return details


def _wrong_field(sent: dict[str, Any], log_type: LogType) -> BadInput:
    """Which field is wrong, and what would be right: only asked once something is."""
    if "timestamp" not in sent:
        return BadInput(
            "every event has a 'timestamp' such as 2024-11-24T10:45:00Z",
            path="timestamp",
            code="missing_field",
        )
    for name, value in sent.items():
        if name == "timestamp":
            if problem := _wrong_timestamp(value):
                return problem
        elif name in _KNOWN_KEYS[log_type] and (problem := _wrong_text(name, value)):
            return problem
    raise AssertionError("msgspec refused an item in which no field is wrong")


def _wrong_timestamp(value: Any) -> BadInput | None:
    try:
        msgspec.convert(value, Annotated[datetime, Meta(tz=True)])
    except msgspec.ValidationError:
        return BadInput(
            "expected an RFC 3339 time with an offset such as 2024-11-24T10:45:00Z",
            path="timestamp",
            code="bad_timestamp",
        )
    return None


def _wrong_text(name: str, value: Any) -> BadInput | None:
    limit = MAX_REASON_CHARACTERS if name == "reason" else MAX_TEXT_CHARACTERS
    if not isinstance(value, str):
        return BadInput(
            "expected a text; leave the key out where there is no value",
            path=name,
            code="wrong_type",
        )
    if len(value) > limit:
        return BadInput(f"longer than {limit} characters", path=name, code="too_long")
    return None
