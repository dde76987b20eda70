"""Strict JSON (RFC 8259, I-JSON RFC 7493): refuses what two readers could read differently.

msgspec alone accepts duplicate keys, NUL, lone surrogates and integers of any length. Screens over
the raw bytes prove their absence cheaply; only a suspicious document is read again, slowly, to say
where the fault lies.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec

from orgo_audit.errors import BadInput

MAX_DEPTH = 20
MAX_PATH = 200  # characters of a path that a refusal repeats
INT64 = range(-(2**63), 2**63)
_LOOKED_AT = frozenset({dict, list, int})

_decode = msgspec.json.Decoder().decode
# Each begins with a literal, so that the search runs at memchr's speed.
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_SPACE_AFTER_KEY = re.compile(rb'"[ \t\r\n]+:')
_NUL_ESCAPE = rb"\u0000"
_ESCAPED_QUOTE_AND_COLON = rb"\":"
_BACKSLASH_AND_QUOTE = rb'\\"'
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(raw: bytes) -> Any:
    """The document's value; BadInput with the path, or line and column, of the first fault."""
    try:
        value = _decode(raw)
    except RecursionError:
        raise _too_deep("") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _parse_slowly(raw)
    if _is_suspicious(raw, value):
        return _parse_slowly(raw)
    return value


def parse_lines(raw: bytes) -> Iterator[tuple[bytes, Any | BadInput]]:
    """Every line that is not blank, with its value or its refusal (NDJSON), one after the other."""
    for line in io.BytesIO(raw):
        if line.strip():
            yield line.rstrip(b"\n"), _value_or_refusal(line)


def _value_or_refusal(line: bytes) -> Any | BadInput:
    try:
        return parse(line)
    except BadInput as refusal:
        return refusal


def _is_suspicious(raw: bytes, value: Any) -> bool:
    """False proves that the document is what it seems; True only asks for a closer look."""
    keys = raw.count(b'":')
    if b"\\" in raw:  # one look for what most documents do not have
        if _NUL_ESCAPE in raw or _SURROGATE_ESCAPE.search(raw):
            return True
        if _BACKSLASH_AND_QUOTE in raw:
            return True  # the keys cannot be counted simply
        keys -= raw.count(_ESCAPED_QUOTE_AND_COLON)
    return bool(_SPACE_AFTER_KEY.search(raw)) or _count_plain_keys(value) != keys


def _count_plain_keys(value: Any) -> int:
    """How many keys survived decoding; -1 where nesting or a number passes our limits.

    An unescaped quote before a colon can only end a key, so a smaller count than the text's tells
    that a key stood twice.
    """
    keys = 0
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        keys += sum(len(item) for item in level if type(item) is dict)
        children = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item)
            if type(child) in _LOOKED_AT
        ]
        if any(type(child) is int and child not in INT64 for child in children):
            return -1
        level = [child for child in children if type(child) is not int]
        if not level:
            return keys
    return -1


class _Duplicate:
    """Stands where an object had a key twice, until the walk knows its path."""

    def __init__(self, key: str) -> None:
        self.key = key


class _Refused:
    """Stands where a number cannot be kept."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence


def _pairs(pairs: list[tuple[str, Any]]) -> Any:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return _Duplicate(key)
        seen.add(key)
    return value


def _integer(text: str) -> int | _Refused:
    if len(text) <= 20 and (value := int(text)) in INT64:
        return value
    return _Refused("number_too_large", "integers must fit into 64 bits, signed")


def _float(text: str) -> float | _Refused:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return _Refused("number_too_large", "numbers must fit into a 64-bit float")
    return value


def _parse_slowly(raw: bytes) -> Any:
    text = _text(raw)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep("") from None
    _refuse_faults(value, "", 1)
    return value


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise _malformed(f"not UTF-8 at line {line}, byte {column}") from None


def _malformed(what: str) -> BadInput:
    return BadInput(f"malformed JSON: {what}", code="malformed_json")


def _too_deep(path: str) -> BadInput:
    return BadInput(f"nested deeper than {MAX_DEPTH} levels", path=path, code="too_deep")


def _constant(text: str) -> NoReturn:
    raise _malformed(f"{text} is not a JSON number")


def _refuse_faults(value: Any, path: str, depth: int) -> None:
    match value:
        case str():
            _refuse_bad_text(value, path)
        case _Duplicate():
            _refuse_bad_text(value.key, path)
            raise BadInput(
                "this key stands twice", path=_join(path, value.key), code="duplicate_key"
            )
        case _Refused():
            raise BadInput(value.sentence, path=path, code=value.code)
        case dict() | list() if depth > MAX_DEPTH:
            raise _too_deep(path)
        case dict() | list():
            for place, child in _children(value, path):
                _refuse_faults(child, place, depth + 1)


def _children(value: dict[str, Any] | list[Any], path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{path}[{index}]", child) for index, child in enumerate(value))
        return
    for key, child in value.items():
        _refuse_bad_text(key, path)
        yield _join(path, key), child


def _refuse_bad_text(text: str, path: str) -> None:
    if "\0" in text:
        raise BadInput("text must not contain NUL (\\u0000)", path=path, code="nul_character")
    if _SURROGATE.search(text):
        raise BadInput("text must not contain lone surrogates", path=path, code="lone_surrogate")


def _join(path: str, key: str) -> str:
    joined = f"{path}.{key}" if path else key
    return joined if len(joined) <= MAX_PATH else f"{joined[:MAX_PATH]}…"
