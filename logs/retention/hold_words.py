"""What a legal hold may say, and how it is kept and shown. Stores nothing."""

from __future__ import annotations

import re
import unicodedata
from uuid import UUID

from logs.retention.models import LONGEST, ScopeKind
from orgo_audit.errors import BadInput

# As the view `held_event` reads it.
_SEGMENT = re.compile("(activity|security|error)-[1-9][0-9]{3}-(0[1-9]|1[0-2])")
# Line breaks, what steers a terminal, and what turns the direction of what follows.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Mn", "Zl", "Zp", "Zs"))
_ALSO_INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # fillers


def checked(
    *, matter: str, reason: str, owner: str, scope_kind: str, scope_value: str
) -> dict[str, str]:
    """The hold's columns as they are kept; BadInput says what is missing or wrong."""
    said = {"matter": matter, "reason": reason, "owner": owner, "scope": scope_value}
    for name, text in said.items():
        _require_text(name, text)
    _require_scope(scope_kind, scope_value)
    return {
        "matter": matter.strip(),
        "reason": _with_plain_breaks(reason).strip(),
        "owner": owner.strip(),
        "scope_kind": scope_kind,
        "scope_value": _as_kept(scope_kind, scope_value.strip()),
    }


def without_controls(text: str) -> str:
    """The text on one line, for a terminal: what would steer it is written as its code."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _require_text(name: str, text: str) -> None:
    longest = LONGEST[name]
    if len(text) > longest or not any(_is_seen(sign) for sign in text):
        raise BadInput(f"expected a text of 1 to {longest} characters", path=name)
    allowed, also = ("\n\t", " other than line breaks and tabs") if name == "reason" else ("", "")
    if set(_CONTROLS.findall(_with_plain_breaks(text).strip())) - set(allowed):
        raise BadInput(f"control characters{also} are not accepted", path=name)


def _is_seen(sign: str) -> bool:
    return unicodedata.category(sign) not in _INVISIBLE and sign not in _ALSO_INVISIBLE


def _with_plain_breaks(text: str) -> str:
    """As a form's field sends them they have two characters."""
    return text.replace("\r\n", "\n")


def _require_scope(kind: str, value: str) -> None:
    if kind not in ScopeKind.values:
        raise BadInput(f"expected one of {', '.join(ScopeKind.values)}", path="scope")
    if kind == ScopeKind.SEGMENT and not _SEGMENT.fullmatch(value.strip()):
        raise BadInput("expected a segment such as activity-2026-11", path="scope")
    if kind == ScopeKind.CASE:
        try:
            UUID(value.strip())
        except ValueError:
            raise BadInput("expected the code of a case", path="scope") from None


def _as_kept(kind: str, value: str) -> str:
    """A case's code as the database writes it, so that no spelling of it misses the case."""
    return str(UUID(value)) if kind == ScopeKind.CASE else value
