"""To which workflow and which case an event belongs, and who is named in it. Pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from logs.record import sensitivity
from logs.vault.people import Person, people_in
from orgo_audit.folding import fold
from orgo_audit.policy.schema import OrganizationPolicy, SensitiveWorkflow, TimeGrain

Sent = Mapping[str, object]


class Unplaced(StrEnum):
    """Why an event has no workflow by itself."""

    UNLISTED = "unlisted"  # it names one that the policy does not list
    UNSAID = "unsaid"  # nothing in it says which


class Reference(NamedTuple):
    """What a case may be found by again: a case id, a task or a mail."""

    kind: str
    value: str


def workflow_of(sent: Sent, policy: OrganizationPolicy) -> str | Unplaced:
    """The sensitive workflow that the event says, else the one whose signs it carries."""
    sensitive = policy.sensitive_workflows
    said = sent.get("workflow")
    if isinstance(said, str) and said in sensitive:
        return said
    if said is not None and not (isinstance(said, str) and said in policy.workflows):
        return Unplaced.UNLISTED
    for name, workflow in sensitive.items():
        if _is_listed(sent, workflow):
            return name
    for name, workflow in sensitive.items():
        if _carries_signs(sent, workflow):
            return name
    return Unplaced.UNSAID


def _is_listed(sent: Sent, workflow: SensitiveWorkflow) -> bool:
    listed = {fold(action) for action in workflow.actions}
    said = (sent.get(name) for name in ("action", "error"))
    return any(isinstance(text, str) and fold(text) in listed for text in said)


def _carries_signs(sent: Sent, workflow: SensitiveWorkflow) -> bool:
    """Whether one of its mailboxes or identity fields stands in it, at any depth."""
    only = OrganizationPolicy(workflows={}, sensitive_workflows={"it": workflow})
    rules = sensitivity.Rules.of(only)
    fields = {fold(name) for name in workflow.identity_fields}
    return any(
        fold(key) in fields
        or rules.names_mailbox(key)
        or (isinstance(value, str) and rules.names_mailbox(value))
        for key, value in pairs_in(sent)
    )


def pairs_in(sent: object) -> Iterator[tuple[str, object]]:
    """Every key with its value, at any depth, and what is in a list under the list's key."""
    waiting: list[tuple[str, object]] = [("", sent)]
    while waiting:
        key, value = waiting.pop()
        yield key, value
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(key, child) for child in value]


def references_of(sent: Sent, workflow: str) -> list[Reference]:
    """The strongest first. A case id means one case within its workflow."""
    found = []
    case_id = sent.get("case_id")
    if isinstance(case_id, str | int) and not isinstance(case_id, bool) and str(case_id):
        found.append(Reference(f"case_id of {workflow}", str(case_id)))
    spoken = sorted(sensitivity.references(sent), key=lambda one: one[0] != "task_id")
    return found + [Reference(kind, value) for kind, value in spoken]


Block = tuple[str, object]
_NESTED = (dict, list)


class NamingKeys(dict[str, bool]):
    """Whether a key names people in a workflow; each spelling is looked at once."""

    def __init__(self, workflow: SensitiveWorkflow) -> None:
        own = (*workflow.identity_fields, *sensitivity.ALWAYS_SENSITIVE_KEYS)
        self._folded = frozenset(map(fold, own))

    def __missing__(self, key: str) -> bool:
        self[key] = fold(key) in self._folded
        return self[key]


def naming_blocks(sent: Sent, naming: NamingKeys) -> list[Block]:
    """The outermost keys that name people, with what they hold, in the order of the event."""
    found: list[Block] = []
    _find_blocks(sent, naming, found)
    return found


def people_of(blocks: Iterable[Block], workflow: SensitiveWorkflow) -> list[Person]:
    """Whoever is named in these blocks, in order of appearance, once in each role."""
    roles = workflow.identity_fields
    several = {fold(name) for name in sensitivity.ALWAYS_SENSITIVE_KEYS}
    found: dict[tuple[str, str], Person] = {}
    for key, value in blocks:
        named = value if fold(key) in several else {key: value}
        for person in people_in(named, roles):
            found.setdefault((person.role, person.key or person.sent_label or ""), person)
    return list(found.values())


def _find_blocks(sent: object, naming: NamingKeys, found: list[Block]) -> None:
    if isinstance(sent, dict):
        for key, value in sent.items():
            if naming[key]:
                found.append((key, value))
            elif isinstance(value, _NESTED):
                _find_blocks(value, naming, found)
    elif isinstance(sent, list):
        for value in sent:
            if isinstance(value, _NESTED):
                _find_blocks(value, naming, found)


def cut(instant: datetime, grain: TimeGrain) -> datetime:
    """The day, or the hour, that HR is told."""
    utc = instant.astimezone(UTC)
    hour = utc.hour if grain == "hour" else 0
    return utc.replace(hour=hour, minute=0, second=0, microsecond=0)
