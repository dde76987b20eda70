"""Ordinary or sensitive? Decided at the door, from the policy and what is known; fails closed.

Whatever might be sensitive is: an item that nobody can read, a workflow that nobody listed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from orgo_audit.folding import UNSEEN, few_marks, fold, without
from orgo_audit.policy.schema import OrganizationPolicy

REFERENCES = ("task_id", "email_id")
_COMPARABLE = (str, int, type(None))
_SPEAKING = frozenset({*REFERENCES, "details"})
ALWAYS_SENSITIVE_KEYS = ("identities", "anonymized_fields")
# What stands before an @: each run of signs is looked at once.
_LOCAL_PART = re.compile(r"(?<![^@\s])[^@\s]++@")
# What RFC 5322 lets stand inside an address and means nothing; comments may be nested.
_QUOTES = re.compile(r'["\\]')
_COMMENT = re.compile(r"\([^()]*+\)")
_MOST_COMMENTS_DEEP = 4
_ODD = re.compile(r'["\\(]|\s@|@\s')
_AROUND_AT = re.compile(r"(?<!\s)\s*+@\s*+")


def _fold_address(text: str) -> str:
    """One spelling for addresses: no width, case, invisible characters, +tags (RFC 5233)."""
    if not text.isascii():
        text = without(unicodedata.normalize("NFKC", few_marks(text)), _is_unseen)
    return _LOCAL_PART.sub(_without_tag, text).casefold()


def _is_unseen(sign: str) -> bool:
    # A mark that is left over after NFKC changes no letter: a variation selector, for one.
    return unicodedata.category(sign) in ("Cf", "Cn", "Mn") or sign in UNSEEN


def _plain_address(text: str) -> str:
    """Without quotes, comments and blanks that are no part of an address (RFC 5322)."""
    for _ in range(_MOST_COMMENTS_DEEP):
        text = _COMMENT.sub("", text)
    return _AROUND_AT.sub("@", _QUOTES.sub("", text))


def _without_tag(local_part: re.Match[str]) -> str:
    name, tag, _ = local_part[0].partition("+")
    return f"{name}@" if tag else name


# Long texts are not kept: a sender could fill the memory with them.
_LONGEST_KEPT = 100


@dataclass(frozen=True, slots=True)
class Rules:
    """What one organization's policy calls sensitive, ready for comparing."""

    keys: frozenset[str]
    actions: frozenset[str]
    mailboxes: tuple[str, ...]
    ordinary_workflows: frozenset[str]
    # A batch's items share keys and addresses: each is judged once, and forgotten with these rules.
    _harmless_keys: set[str] = field(default_factory=set)
    _harmless_texts: set[str] = field(default_factory=set)

    def names_mailbox(self, text: str) -> bool:
        if text in self._harmless_texts:
            return False
        if self._stands_in(text) or _ODD.search(text) and self._stands_in(_plain_address(text)):
            return True
        if len(text) <= _LONGEST_KEPT:
            self._harmless_texts.add(text)
        return False

    def _stands_in(self, text: str) -> bool:
        folded = _fold_address(text)
        return any(box in folded for box in self.mailboxes)

    def has_peoples_key(self, item: dict[str, Any]) -> bool:
        if self._harmless_keys.issuperset(item):
            return False
        if any(fold(key) in self.keys or self.names_mailbox(key) for key in item):
            return True
        self._harmless_keys.update(key for key in item if len(key) <= _LONGEST_KEPT)
        return False

    @classmethod
    def of(cls, policy: OrganizationPolicy) -> Rules:
        sensitive = policy.sensitive_workflows.values()
        fields = (name for workflow in sensitive for name in workflow.identity_fields)
        return cls(
            keys=frozenset(map(fold, (*ALWAYS_SENSITIVE_KEYS, *fields))),
            actions=frozenset(fold(name) for workflow in sensitive for name in workflow.actions),
            mailboxes=tuple(
                _fold_address(box) for workflow in sensitive for box in workflow.mailboxes
            ),
            ordinary_workflows=frozenset(policy.workflows),
        )


def is_sensitive(sent: Any, rules: Rules) -> bool:
    """Whether what was sent is sensitive by itself; what is no object cannot be judged: it is."""
    if not isinstance(sent, dict):
        return True
    if "workflow" in sent and not _is_ordinary_workflow(sent["workflow"], rules):
        return True
    if _may_be_listed(sent.get("action"), rules) or _may_be_listed(sent.get("error"), rules):
        return True
    for name in REFERENCES:
        if not isinstance(sent.get(name), _COMPARABLE):
            return True
    return _carries_people(sent, rules)


def _is_ordinary_workflow(value: Any, rules: Rules) -> bool:
    return isinstance(value, str) and value in rules.ordinary_workflows


def _may_be_listed(action: Any, rules: Rules) -> bool:
    """Whether an action is listed as sensitive, or cannot be read as one."""
    if isinstance(action, str):
        return fold(action) in rules.actions
    return isinstance(action, dict | list)


def _carries_people(sent: dict[str, Any], rules: Rules) -> bool:
    """Whether a key that names people, or a sensitive mailbox, stands anywhere in it."""
    waiting: list[Any] = [sent]
    while waiting:
        item = waiting.pop()
        children = item
        if isinstance(item, dict):
            if rules.has_peoples_key(item):
                return True
            children = item.values()
        for child in children:
            kind = type(child)
            if kind is str:
                if ("@" in child or not child.isascii()) and rules.names_mailbox(child):
                    return True
            elif kind is dict or kind is list:
                waiting.append(child)
    return False


def references(sent: Any) -> set[tuple[str, str]]:
    """The task and the mail an item speaks of: later events of a sensitive one follow it."""
    if not isinstance(sent, dict):
        return set()
    found = set()
    for place in (sent, sent.get("details")):
        if isinstance(place, dict):
            for name in REFERENCES:
                value = place.get(name)
                # A wrong type refuses the item later; until then 12345 and "12345" mean one task.
                if isinstance(value, (str, int)):
                    found.add((name, str(value)))
    return found


def compared(named: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """As references are compared: without blanks around them, in one case."""
    return {(name, value.strip().casefold()) for name, value in named}


def spellings(named: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Each as it was sent, and as they are compared."""
    return named | compared(named)


def speak_of_something(sent: Iterable[Any]) -> bool:
    """Whether any item names a task or a mail at all."""
    return any(isinstance(item, dict) and not item.keys().isdisjoint(_SPEAKING) for item in sent)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Which places of a batch are sensitive, and the references that are sensitive from now on."""

    sensitive: frozenset[int]
    references: frozenset[tuple[str, str]]


ORDINARY = Judgement(frozenset(), frozenset())


def judge(
    sent: Iterable[Any],
    rules: Rules,
    known: Callable[[set[tuple[str, str]]], set[tuple[str, str]]] | None,
) -> Judgement:
    """Judges a whole batch at once, so that the order inside it does not matter.

    `known` answers which of the given references are sensitive already; None means that none is. A
    sensitive item makes its task and its mail sensitive, and these make every other item that
    speaks of them sensitive.
    """
    items = list(sent)
    sensitive = {place for place, item in enumerate(items) if is_sensitive(item, rules)}
    if not sensitive and known is None:
        return ORDINARY
    named = [spellings(references(item)) for item in items]
    spread = set().union(*(named[place] for place in sensitive))
    if known is not None:
        spread |= known(set().union(*named))
    while spread:
        joined = {
            place
            for place, own in enumerate(named)
            if place not in sensitive and not own.isdisjoint(spread)
        }
        if not joined:
            break
        sensitive |= joined
        spread |= set().union(*(named[place] for place in joined))
    return Judgement(
        frozenset(sensitive), frozenset().union(*(named[place] for place in sensitive))
    )
