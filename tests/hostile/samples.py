"""Hostile strings and files: a few of our own, and those beside the project where they are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tests.shared_data import SHARED_DATA

MARKUP = (
    "<script>alert('pl4nted')</script>",
    "\"><img src=x onerror=alert('pl4nted')>",
    "' autofocus onfocus='alert(1)",
    "</textarea></title></style></script><svg/onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert('pl4nted')",
    "data:text/html,<b>pl4nted",
    "{{ request.user }}{% debug %}${7*7}#{7*7}<%= 7*7 %>",
    "<!--#exec cmd='id'--><!--",
    "&lt;script&gt;&#x3c;b&#x3e;&amp;",
)
TEXTS = (
    "x\r\nSet-Cookie: pl4nted=1",
    "x\n2026-11-25 00:00:00 INFO pl4nted forged line",
    "'; DROP TABLE event; --",
    "\\N\t\\.\t\\x",
    "%00%0d%0a%2e%2e%2f%s%n%d{}{0}",
    "../../../../etc/passwd",
    "//evil.example/..;/",
    "\u202epl4nted\u2066\u200b\ufeff",
    "\u2028\u2029\x85\x1b[31m\x07\x7f",
    "\ufffe\uffff\U0001fffe\U0010ffff",
    "Z\u0351\u036b\u0343algo" + "\u0301" * 400,
    "=1+1",
    "\t=cmd|' /C calc'!A0",
    "__proto__",
    "constructor",
    "NaN",
    "-0",
    "1e309",
    "null",
    "..",
    ".",
    "?",
    "#",
    "/",
    " ",
    "\u00a0",
    "x" * 500,
    "\U0001f600" * 500,
)


def _shared(name: str) -> Path | None:
    path = SHARED_DATA / "injection" / name
    return path if path.exists() else None


def _naughty() -> Iterable[str]:
    for name in ("naughty-strings.json", "csv-formulas.json"):
        if path := _shared(name):
            yield from json.loads(path.read_text())


def _rows() -> Iterable[str]:
    for name in ("xss-html.jsonl", "http-attacks.jsonl"):
        if path := _shared(name):
            for line in path.read_text().split("\n"):
                row = json.loads(line) if line.strip() else {}
                yield from (value for value in row.values() if isinstance(value, str))


def strings() -> list[str]:
    """All of them, ours first; each at most as long as a field may be, and none twice."""
    every = (*MARKUP, *TEXTS, *_naughty(), *_rows())
    usable = (text[:500] for text in every if "\0" not in text and _is_text(text))
    return list(dict.fromkeys(text for text in usable if text))


def some(step: int = 60) -> list[str]:
    """Ours, and every so many of the others."""
    own = len(MARKUP) + len(TEXTS)
    every = strings()
    return every[:own] + every[own::step]


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def files(folder: str, pattern: str) -> list[Path]:
    return sorted((SHARED_DATA / folder).glob(pattern))
