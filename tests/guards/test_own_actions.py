"""What the policy calls the portal's own is what the code says of itself; and the wire's fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from logs.record.vocabulary import code_of, is_security
from logs.record.wire import ANSWER_FIELDS
from orgo_audit.policy.contradictions import OWN_ACTIONS, WIRE_FIELDS

ROOT = Path(__file__).parents[2]
# These name what services do; the policy's own list is what is compared here.
ELSEWHERE = ("logs/imports/auth_lines.py", "policy/contradictions.py", "record/vocabulary.py")


def test_every_action_of_the_portals_own_is_among_those_that_mark_no_workflow() -> None:
    named = {text for text in texts_of_the_code() if text.replace("-in", "-In").istitle()}
    said = {
        text for text in named if is_security(code_of(text)) or code_of(text).startswith("alert.")
    }
    assert said == set(OWN_ACTIONS)


def test_the_wires_own_fields_are_all_of_them() -> None:
    words = {"timestamp", "log_type", "action", "error", "details", *ANSWER_FIELDS}
    assert set(WIRE_FIELDS) == words


def texts_of_the_code() -> Iterator[str]:
    for app in ("logs", "orgo_audit", "monitoring/alerting"):
        for path in (ROOT / app).rglob("*.py"):
            if path.as_posix().endswith(ELSEWHERE) or "/samples/" in path.as_posix():
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
