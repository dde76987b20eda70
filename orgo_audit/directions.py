"""Signs that turn the direction of reading, unseen themselves. Never changes what is kept."""

from __future__ import annotations

import re

# The marks, embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9).
_SIGN = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FIELD_OR_SIGN = re.compile(
    rf'<textarea.*?</textarea>|\bvalue="[^"]*"|({_SIGN.pattern})', re.DOTALL
)


def seen(page: str) -> str:
    """HTML with a mark in place of each; a form's own values stay, since they are sent back."""
    if not _SIGN.search(page):
        return page
    return _FIELD_OR_SIGN.sub(lambda found: _mark(found[1]) if found[1] else found[0], page)


def escaped(json_text: str) -> str:
    """The same JSON, with an escape in place of each."""
    return _SIGN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json_text)


def _mark(sign: str) -> str:
    return f"⟨U+{ord(sign):04X}⟩"
