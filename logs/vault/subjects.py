"""The people of the restricted world: found again by a keyed digest, named under a key each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from uuid import UUID, uuid4

from logs.vault.copying import copy_rows
from logs.vault.keys import Keys
from logs.vault.models import Identity, KeyKind, Participant, Subject
from logs.vault.people import Person
from orgo_audit.accounts.models import Organization

KIND = "person"


def known_or_new(
    organization: Organization, people: Iterable[Person], keys: Keys
) -> dict[str, UUID]:
    """The subject of each person's key; whoever is new gets one, and new facts are added."""
    facts = _facts(people)
    tags = {keys.index(organization.pk, KIND, key): key for key in facts}
    found: dict[str, UUID] = {}
    rows = Subject.objects.filter(organization=organization, tag__in=list(tags))
    for identifier, tag in rows.values_list("id", "tag"):
        found[tags[bytes(tag or b"")]] = identifier
    fresh = {uuid4(): tag for tag, key in tags.items() if key not in found}
    columns = ("id", "organization_id", "tag")
    copy_rows(Subject, columns, ((subject, organization.pk, tag) for subject, tag in fresh.items()))
    for subject, tag in fresh.items():
        keys.make(KeyKind.SUBJECT, subject)
        found[tags[tag]] = subject
    _add_facts(found, facts, keys)
    return found


def _facts(people: Iterable[Person]) -> dict[str, dict[str, str]]:
    """What is known of each; the first spelling stays."""
    facts: dict[str, dict[str, str]] = {}
    for person in people:
        own = facts.setdefault(person.key, {})
        for field, value in person.fields.items():
            own.setdefault(field, value)
    return facts


def _add_facts(
    found: Mapping[str, UUID], facts: Mapping[str, Mapping[str, str]], keys: Keys
) -> None:
    keys.load(list(found.values()))
    known = Identity.objects.filter(subject__in=list(found.values()))
    held = set(known.values_list("subject", "field"))
    copy_rows(
        Identity,
        ("id", "subject_id", "field", "ciphertext"),
        (
            (uuid4(), found[key], field, keys.encrypt(found[key], value.encode(), field))
            for key, own in facts.items()
            for field, value in own.items()
            if (found[key], field) not in held
        ),
    )


def fields_of(subject: UUID, keys: Keys) -> dict[str, str]:
    """All that is known of a person; nothing of one who was erased."""
    if not keys.has(subject):
        return {}
    rows = Identity.objects.filter(subject=subject).values_list("field", "ciphertext")
    return {field: keys.decrypt(subject, bytes(sealed), field).decode() for field, sealed in rows}


def facts_of_many(subjects: Collection[UUID], keys: Keys) -> Iterator[str]:
    """Every name and address of these people, in two queries; nothing of who was erased."""
    keys.load(subjects)
    rows = Identity.objects.filter(subject__in=subjects).values_list(
        "subject", "field", "ciphertext"
    )
    for subject, field, sealed in rows:
        if keys.has(subject):
            yield keys.decrypt(subject, bytes(sealed), field).decode()


def subject_behind(participant: Participant, keys: Keys) -> UUID | None:
    """Who stands behind a label; nobody where it came already anonymized."""
    if participant.link is None:
        return None
    purpose = f"participant {participant.label}"
    return UUID(bytes=keys.decrypt(participant.case_code, bytes(participant.link), purpose))
