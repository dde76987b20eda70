"""Builds a Policy from its text; refuses everything unknown with its place, and guesses nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn, cast

from msgspec import Struct, inspect, structs
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from orgo_audit.errors import BadInput, PolicyError
from orgo_audit.periods import ACCEPTED as ACCEPTED_PERIODS
from orgo_audit.periods import Period, parse_period
from orgo_audit.policy import nodes
from orgo_audit.policy.contradictions import contradictions, suggestion
from orgo_audit.policy.schema import (
    ACCEPTED_BURSTS,
    ACCEPTED_THRESHOLDS,
    Burst,
    OrganizationPolicy,
    Policy,
    Threshold,
    parse_burst,
    parse_threshold,
)

# The types that are a text in the file: how it is read, and what to say where there is none.
_TEXTS: Mapping[type, tuple[Callable[[str], object], str]] = {
    Period: (parse_period, ACCEPTED_PERIODS),
    Threshold: (parse_threshold, ACCEPTED_THRESHOLDS),
    Burst: (parse_burst, ACCEPTED_BURSTS),
}


def load_policy(text: str, *, name: str) -> Policy:
    """The policy that `text` says; `name` is the file's, for sentences about the whole of it.

    Raises PolicyError, and nothing else, for whatever cannot be used.
    """
    reader = _Reader()
    policy = reader.read(nodes.compose(text, name=name))
    for path, sentence in contradictions(policy):
        reader.refuse(reader.nearest(path), path, sentence)
    return policy


def read_policy_file(path: Path) -> bytes:
    """The file's bytes, at most one more than accepted. Raises PolicyError if unreadable."""
    try:
        with path.open("rb") as file:
            return file.read(nodes.LARGEST_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"the file cannot be read: {error.strerror}") from error


# "a.b[2]" -> "a.b" -> "a" -> ""
_LAST_STEP = re.compile(r"(^|\.)[^.\[\]]+$|\[[0-9]+\]$")


class _Reader:
    """Walks nodes and types side by side.

    What a mapping leaves out comes from `base`, the value it is laid over; without one, from the
    type's defaults. Lists are always replaced as a whole.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}

    def read(self, root: Node) -> Policy:
        wanted = cast(inspect.StructType, inspect.type_info(Policy))
        self._nodes[""] = root
        children = self._children(root, "", _unknown_key(wanted))
        organizations = children.pop("organizations", None)
        policy = structs.replace(Policy(), **self._fields(children, wanted, "", None))
        if organizations is None:
            return policy
        common = policy.for_organization("")
        overrides = self._organizations(organizations, wanted, common)
        return structs.replace(policy, organizations=overrides)

    def refuse(self, node: Node, path: str, sentence: str) -> NoReturn:
        line, column = nodes.place_of(node)
        raise PolicyError(sentence, path=path, line=line, column=column)

    def nearest(self, path: str) -> Node:
        """The node at the path or, where the value was inherited, that of its nearest parent."""
        while path not in self._nodes:
            path = _LAST_STEP.sub("", path)
        return self._nodes[path]

    def _organizations(
        self, node: Node, policy: inspect.StructType, common: OrganizationPolicy
    ) -> dict[str, object]:
        self._nodes["organizations"] = node
        types = {item.name: item.type for item in policy.fields}
        overrides = cast(inspect.DictType, types["organizations"])
        slugs = self._children(node, "organizations", _bad_name(overrides))
        return {
            slug: self._value(child, overrides.value_type, f"organizations.{slug}", common)
            for slug, child in slugs.items()
        }

    def _value(self, node: Node, wanted: inspect.Type, path: str, base: object) -> object:
        self._nodes[path] = node
        accepted, plain = _unwrapped(wanted)
        if isinstance(plain, inspect.UnionType):
            if nodes.is_nothing(node):
                return None
            accepted, plain = _unwrapped(_type_for(node, plain))
        if isinstance(plain, inspect.StructType):
            return self._struct(node, plain, path, base)
        if isinstance(plain, inspect.DictType):
            return self._mapping(node, plain, path, base)
        if isinstance(plain, inspect.VarTupleType):
            return self._list(node, plain, path)
        if isinstance(plain, inspect.BoolType):
            return self._switch(node, path)
        return self._text(node, plain, path, accepted)

    def _struct(self, node: Node, wanted: inspect.StructType, path: str, base: object) -> Struct:
        children = self._children(node, path, _unknown_key(wanted))
        values = self._fields(children, wanted, path, base)
        if isinstance(base, Struct):
            return structs.replace(base, **values)
        for item in wanted.fields:
            if item.required and item.name not in values:
                self.refuse(node, path, f"{item.name} is missing")
        made: Struct = wanted.cls(**values)
        return made

    def _fields(
        self, children: dict[str, Node], wanted: inspect.StructType, path: str, base: object
    ) -> dict[str, object]:
        types = {item.name: item.type for item in wanted.fields}
        return {
            name: self._value(child, types[name], _joined(path, name), getattr(base, name, None))
            for name, child in children.items()
        }

    def _mapping(
        self, node: Node, wanted: inspect.DictType, path: str, base: object
    ) -> dict[str, object]:
        inherited = dict(base) if isinstance(base, Mapping) else {}
        children = self._children(node, path, _bad_name(wanted))
        values = {
            name: self._value(child, wanted.value_type, f"{path}.{name}", inherited.get(name))
            for name, child in children.items()
        }
        return {**inherited, **values}

    def _list(self, node: Node, wanted: inspect.VarTupleType, path: str) -> tuple[object, ...]:
        if not isinstance(node, SequenceNode):
            self.refuse(node, path, f"a list is due; found {nodes.kind_of(node)}")
        if len(node.value) < (wanted.min_length or 0):
            self.refuse(node, path, "the list may not be empty")
        return tuple(
            self._value(child, wanted.item_type, f"{path}[{index}]", None)
            for index, child in enumerate(node.value)
        )

    def _switch(self, node: Node, path: str) -> bool:
        switch = nodes.switch_of(node)
        if switch is None:
            self.refuse(node, path, f"true or false is due; found {nodes.kind_of(node)}")
        return switch

    def _text(self, node: Node, wanted: inspect.Type, path: str, accepted: str) -> object:
        text = self._plain_text(node, path)
        if isinstance(wanted, inspect.LiteralType):
            return self._choice(node, text, wanted, path)
        if isinstance(wanted, inspect.DataclassType):
            return self._parsed(node, text, wanted.cls, path)
        if text is None or not _fits(text, wanted):
            self.refuse(node, path, f"{accepted} is due; found {nodes.kind_of(node)}")
        return text

    def _choice(self, node: Node, text: str | None, wanted: inspect.LiteralType, path: str) -> str:
        choices = [str(value) for value in wanted.values]
        if text not in choices:
            found = nodes.kind_of(node)
            self.refuse(node, path, f"found {found}; {suggestion(text or '', choices)}")
        return text

    def _parsed(self, node: Node, text: str | None, wanted: type, path: str) -> object:
        parse, accepted = _TEXTS[wanted]
        if text is None:
            self.refuse(node, path, f"found {nodes.kind_of(node)}; accepted: {accepted}")
        try:
            return parse(text)
        except BadInput as error:
            self.refuse(node, path, error.sentence)

    def _children(self, node: Node, path: str, problem_of: Callable[[str], str]) -> dict[str, Node]:
        """The values of a mapping by their keys, each key once, text, and without a problem."""
        if not isinstance(node, MappingNode):
            self.refuse(node, path, f"a mapping is due; found {nodes.kind_of(node)}")
        children: dict[str, Node] = {}
        for key, child in node.value:
            name = self._key(key, path)
            place = _joined(path, name)
            if name in children:
                self.refuse(key, place, "given twice; only one of them can be meant")
            problem = problem_of(name)
            if problem:
                self.refuse(key, place, problem)
            children[name] = child
        return children

    def _key(self, key: Node, path: str) -> str:
        if nodes.is_merge(key):
            self.refuse(key, path, "merge keys are not accepted; write the values out")
        name = self._plain_text(key, path)
        if name is None:
            self.refuse(key, path, f"a key is a text; found {nodes.kind_of(key)}")
        return name

    def _plain_text(self, node: Node, path: str) -> str | None:
        text = nodes.text_of(node)
        if text is not None and nodes.has_control_characters(text):
            self.refuse(node, path, "control characters are not accepted")
        return text


def _unknown_key(wanted: inspect.StructType) -> Callable[[str], str]:
    return _not_among([item.name for item in wanted.fields])


def _not_among(known: list[str]) -> Callable[[str], str]:
    def problem(name: str) -> str:
        return "" if name in known else f"unknown key; {suggestion(name, known)}"

    return problem


def _bad_name(wanted: inspect.DictType) -> Callable[[str], str]:
    accepted, key_type = _unwrapped(wanted.key_type)
    if isinstance(key_type, inspect.LiteralType):
        return _not_among([str(value) for value in key_type.values])

    def problem(name: str) -> str:
        return "" if _fits(name, key_type) else f"{nodes.shown(name)} is not {accepted}"

    return problem


def _unwrapped(wanted: inspect.Type) -> tuple[str, inspect.Type]:
    """What would be accepted, in words where the type has them, and the type itself."""
    accepted = "a text"
    while isinstance(wanted, inspect.Metadata):
        accepted = str((wanted.extra_json_schema or {}).get("description", accepted))
        wanted = wanted.type
    return accepted, wanted


def _fits(text: str, wanted: inspect.Type) -> bool:
    pattern = getattr(wanted, "pattern", None)
    return pattern is None or re.fullmatch(pattern, text) is not None


def _type_for(node: Node, wanted: inspect.UnionType) -> inspect.Type:
    """What the node can be meant as: a list where it is one, else what is no list."""
    some = [item for item in wanted.types if not isinstance(item, inspect.NoneType)]
    is_list = isinstance(node, SequenceNode)
    fitting = [item for item in some if isinstance(item, inspect.VarTupleType) == is_list]
    return (fitting or some)[0]


def _joined(path: str, name: str) -> str:
    """The dotted path; a key that was refused may be anything, so it is shown in short."""
    step = name if len(name) <= 60 and name.isprintable() else nodes.shown(name)
    return f"{path}.{step}" if path else step
