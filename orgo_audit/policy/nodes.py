"""Reads YAML 1.2 into nodes that know their place; never builds an object or follows an alias."""

from __future__ import annotations

import re
import unicodedata
from typing import NoReturn, cast

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.events import AliasEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from orgo_audit.errors import PolicyError

LARGEST_BYTES = 256 * 1024
DEEPEST_LEVEL = 20
# What YAML itself forbids, and lone surrogates, which no file in UTF-8 can hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# The parser was not written for hostile text; its slips are refusals like any other.
_SLIPS = (ValueError, AssertionError, LookupError, AttributeError, TypeError, ArithmeticError)

_KINDS = {
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:bool": "the boolean",
    "tag:yaml.org,2002:int": "the number",
    "tag:yaml.org,2002:float": "the number",
    "tag:yaml.org,2002:timestamp": "the date",
    "tag:yaml.org,2002:merge": "the merge key",
}


class _PlainComposer(Composer):
    """Refuses what could make a file mean more than it shows."""

    def compose_node(self, parent: object, index: object) -> Node:
        event: AliasEvent | NodeEvent = self.parser.peek_event()
        if isinstance(event, AliasEvent):
            _refuse_at(event.start_mark, "aliases are not accepted; write the value out")
        if event.anchor is not None:
            _refuse_at(event.start_mark, "anchors are not accepted; write each value out")
        if getattr(event, "ctag", None) is not None:
            _refuse_at(event.start_mark, "tags are not accepted; write the plain value")
        return cast(Node, super().compose_node(parent, index))


def decode(raw: bytes, *, name: str) -> str:
    """The text of a policy file. Raises PolicyError where it is too large or not UTF-8."""
    if len(raw) > LARGEST_BYTES:
        raise PolicyError(f"{name} is too large; at most {LARGEST_BYTES // 1024} KiB are accepted")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(raw[: error.start].decode("utf-8"), error.start)
        raise PolicyError("not UTF-8; save the file as UTF-8", line=line, column=column) from error


def compose(text: str, *, name: str) -> Node:
    """The root node of the one document in `text`. Raises PolicyError for everything else."""
    _refuse_unreadable(text, name)
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _PlainComposer
    yaml.max_depth = DEEPEST_LEVEL
    try:
        root: Node | None = yaml.compose(text.removeprefix("\ufeff"))
    except YAMLError as error:
        raise _refusal(error, text) from error
    except (*_SLIPS, RecursionError) as error:
        raise PolicyError(f"{name} is not valid YAML") from error
    if root is None or is_nothing(root):
        raise PolicyError(f"{name} is empty; at least one block such as retention_policies is due")
    return root


def is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def is_merge(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:merge"


def text_of(node: Node) -> str | None:
    """The text of a node that is one; None for numbers, booleans, dates, lists and mappings."""
    if not isinstance(node, ScalarNode) or node.tag != "tag:yaml.org,2002:str":
        return None
    return cast(str, node.value)


def switch_of(node: Node) -> bool | None:
    """True or false, where the node is one of them without quotes."""
    if not isinstance(node, ScalarNode) or node.tag != "tag:yaml.org,2002:bool":
        return None
    return {"true": True, "false": False}.get(node.value.lower())


def has_control_characters(text: str) -> bool:
    """Whether an escape such as "\\0" or "\\ud800" has brought in what no database takes."""
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def kind_of(node: Node) -> str:
    """What the node is, for a sentence: "the number 5", "a list"."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    kind = _KINDS.get(str(node.tag))
    if kind is None:
        return f"the text {shown(node.value)}"
    return kind if is_nothing(node) else f"{kind} {node.value[:60]}"


def shown(text: str) -> str:
    """The beginning of a text from the file, fit for a sentence: no control characters in it."""
    return repr(text if len(text) <= 60 else f"{text[:60]}…")


def place_of(node: Node) -> tuple[int, int]:
    """Line and column of the node's beginning, counted from 1."""
    return node.start_mark.line + 1, node.start_mark.column + 1


def _refuse_unreadable(text: str, name: str) -> None:
    found = _FORBIDDEN.search(text)
    if found:
        line, column = _place(text, found.start())
        sentence = f"the character {found.group()!r} is not accepted"
        raise PolicyError(sentence, line=line, column=column)
    if len(text.encode("utf-8")) > LARGEST_BYTES:
        raise PolicyError(f"{name} is too large; at most {LARGEST_BYTES // 1024} KiB are accepted")


def _place(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _refuse_at(mark: StreamMark, sentence: str) -> NoReturn:
    raise PolicyError(sentence, line=mark.line + 1, column=mark.column + 1)


def _refusal(error: YAMLError, text: str) -> PolicyError:
    """The parser's error as ours, with the place if it knows one."""
    if isinstance(error, ReaderError):
        line, column = _place(text, error.position)
        return PolicyError("a character that YAML forbids", line=line, column=column)
    if not isinstance(error, MarkedYAMLError):
        return PolicyError("not valid YAML")
    sentence = f"not valid YAML: {error.problem or error.context}"
    if str(error.context).startswith("expected a single document"):
        sentence = "only one document is accepted"
    elif isinstance(error, MaxDepthExceededError):
        sentence = f"nested too deeply; at most {DEEPEST_LEVEL} levels are accepted"
    mark = error.problem_mark or error.context_mark
    place = {"line": mark.line + 1, "column": mark.column + 1} if mark else {}
    return PolicyError(_one_line(sentence), **place)


def _one_line(sentence: str) -> str:
    """One line of printable text; the parser's sentences may quote the file as it is."""
    return "".join(character if character.isprintable() else " " for character in sentence)
