"""Which held items name a person, and whom else; how long those stay that were refused.

By an address or a name, never by a part of a word. In doubt an item names others too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from logs.record.bounds import KEEP_QUARANTINE
from logs.retention.models import LegalHold
from logs.vault import envelopes
from logs.vault.case_holds import CaseHolds
from logs.vault.models import HeldItem, HeldReason
from logs.vault.people import OTHER, Person, key_of_text, people_in, tokens_of
from logs.vault.placing import NamingKeys, naming_blocks, pairs_in, people_of
from logs.vault.subjects import Sought, is_one_person
from orgo_audit.accounts.models import Organization
from orgo_audit.policy.contradictions import LONGEST_NOTICE
from orgo_audit.policy.schema import OrganizationPolicy, SensitiveWorkflow


@dataclass(slots=True)
class Naming:
    """The held items that name a person: alone, beside others, or perhaps somebody else.

    What was refused at the door counts as naming nobody else: its sender was told, and has it.
    An item is in no case, so nobody can tell whether it means the one who is sought in a case.
    """

    alone: list[UUID] = field(default_factory=list)
    on_hold: list[UUID] = field(default_factory=list)  # alone, and a legal hold keeps it
    beside_others: list[UUID] = field(default_factory=list)
    perhaps: list[UUID] = field(default_factory=list)


def prune(now: datetime) -> None:
    """What was refused goes as what is in quarantine does, unless a legal hold may keep it."""
    held = LegalHold.objects.filter(
        Q(released_at=None) | Q(released_at__gt=LONGEST_NOTICE.before(now))
    )
    old = HeldItem.objects.filter(
        reason=HeldReason.REFUSED, held_on__lt=(now - KEEP_QUARANTINE).date()
    )
    old.exclude(organization__in=held.values("organization")).delete()


def naming(
    organization: Organization, whom: Sought, policy: OrganizationPolicy, holds: CaseHolds
) -> Naming:
    """All that wait and can be opened."""
    found, reader = Naming(), _Reader(whom, policy)
    items = HeldItem.objects.filter(organization=organization)
    for item in items.exclude(reason=HeldReason.UNREADABLE).order_by("pk"):
        content = envelopes.opened(bytes(item.envelope), organization.slug)
        read = [reader.read(one["event"]) for one in content["items"]]
        if not any(one.names_person for one in read):
            continue
        if whom.case is not None:
            found.perhaps.append(item.pk)
        elif item.reason != HeldReason.REFUSED and any(one.names_others for one in read):
            found.beside_others.append(item.pk)
        elif holds.keep_waiting(content, item.held_on, [one.facts for one in read]):
            found.on_hold.append(item.pk)
        else:
            found.alone.append(item.pk)
    return found


@dataclass(frozen=True, slots=True)
class _Read:
    """Whom an event names. In doubt others too: it is no object, so that nobody can tell."""

    names_person: bool
    names_others: bool
    facts: frozenset[str]  # every name, address and number of theirs, and each text


class _Reader:
    """Looks for one person in events, as the policy's workflows name people."""

    def __init__(self, whom: Sought, policy: OrganizationPolicy) -> None:
        workflows = [SensitiveWorkflow(), *policy.sensitive_workflows.values()]
        fields = dict.fromkeys(name for one in workflows for name in one.identity_fields)
        self._key = whom.key
        self._words = tokens_of(people_in([whom.key], ()))
        self._workflow = SensitiveWorkflow(identity_fields=tuple(fields))
        self._naming = NamingKeys(self._workflow)
        self._mailboxes = {key_of_text(box) for one in workflows for box in one.mailboxes}

    def read(self, event: object) -> _Read:
        """By the key, or by every word of the name in one text: one word alone names nobody."""
        texts = set(_texts(event))
        blocks = naming_blocks(event, self._naming) if isinstance(event, dict) else []
        named = people_of(blocks, self._workflow)
        written = [person for text in texts for person in people_in([text], ())]
        keys = {person.key for person in named}
        # Every address anywhere, and whoever stands where people are named.
        keys |= {one.key for one in written if "@" in one.key and is_one_person(one.key)}
        is_named = len(self._key) > 1 and self._key in keys
        return _Read(
            is_named or (len(self._words) > 1 and any(map(self._has_every_word, texts))),
            not isinstance(event, dict) or not keys <= {self._key, *self._mailboxes},
            frozenset(texts.union(*(person.fields.values() for person in named + written))),
        )

    def _has_every_word(self, text: str) -> bool:
        return self._words <= tokens_of([Person(OTHER, "", {"identity": text})])


def _texts(event: object) -> Iterator[str]:
    """Every key and every text in it, at any depth."""
    for key, value in pairs_in(event):
        yield key
        if isinstance(value, str):
            yield value
