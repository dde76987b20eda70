"""The people of the restricted world: found again by a keyed digest, named under a key each.

Whoever has an address or a phone number is one person in the whole organization. A name alone may
be several people's, so it is one person in its case only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from logs.cases.models import Case
from logs.vault.copying import copy_rows
from logs.vault.keys import Keys, digest
from logs.vault.models import Identity, KeyKind, Participant, Subject
from logs.vault.people import Person, key_of_text
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput

KIND = "person"
_FEWEST_DIGITS = 7  # of a phone number; fewer are no more than a name is
_IN_CASE = re.compile(r"(?P<name>.+?)\s+in\s+(?:case\s+)?(?P<code>[0-9a-f-]{8,})", re.IGNORECASE)


# --- who is the same person -----------------------------------------------------------------------


def is_one_person(key: str) -> bool:
    """Whether the key is an address or a phone number, which no two people share."""
    local, _, domain = key.rpartition("@")
    is_address = bool(local and domain) and " " not in key
    return is_address or (key.isdigit() and len(key) >= _FEWEST_DIGITS)


def known_as(case_code: UUID, key: str) -> str:
    """By what a person of a case is found again."""
    return key if is_one_person(key) else f"{case_code} {key}"


@dataclass(frozen=True, slots=True)
class Sought:
    """Whom somebody asks for: an address or a number, a name, or a name in one case."""

    name: str
    key: str
    case: UUID | None = None

    @property
    def is_name(self) -> bool:
        return not is_one_person(self.key)

    def is_met_by(self, other: Sought) -> bool:
        """Whether the other asks for the same person; a name alone, for that name in any case."""
        return self.key == other.key and self.case in (None, other.case)

    @property
    def known_as(self) -> str:
        return self.key if self.case is None else known_as(self.case, self.key)


def sought(text: str) -> Sought:
    """Whom the text names: an address, a name, or NAME in CASE-CODE. BadInput for anything else."""
    found = _IN_CASE.fullmatch(text.strip())
    name = found["name"] if found else text.strip()
    if not (key := key_of_text(name)):
        raise BadInput("expected an address or a name", path="person")
    if found is None:
        return Sought(name, key)
    if is_one_person(key):
        raise BadInput("an address is one person in all cases: give it alone", path="person")
    try:
        return Sought(name, key, UUID(found["code"]))
    except ValueError:
        raise BadInput("expected the whole code of a case after 'in'", path="person") from None


def tags_of(organization: Organization, whom: Sought, keys: Keys) -> list[bytes]:
    """The digests under which the person may be known; of a name alone, one for each case."""
    if whom.is_name and whom.case is None:
        codes = Case.objects.filter(organization=organization).values_list("pk", flat=True)
        known = [known_as(code, whom.key) for code in codes]
    else:
        known = [whom.known_as]
    return [keys.index(organization.pk, KIND, one) for one in known]


# --- what is known of them ------------------------------------------------------------------------


def known_or_new(
    organization: Organization, people: Iterable[tuple[UUID, Person]], keys: Keys
) -> dict[str, UUID]:
    """The subject of each person in their case, by `known_as`; whoever is new gets one.

    New facts are added. The first spelling of each stays, and with an address that is the first of
    all cases.
    """
    facts = _facts(people)
    tags = {keys.index(organization.pk, KIND, known): known for known in facts}
    found: dict[str, UUID] = {}
    rows = Subject.objects.filter(organization=organization, tag__in=list(tags))
    for identifier, tag in rows.values_list("id", "tag"):
        found[tags[bytes(tag or b"")]] = identifier
    fresh = {uuid4(): tag for tag, known in tags.items() if known not in found}
    columns = ("id", "organization_id", "tag")
    copy_rows(Subject, columns, ((subject, organization.pk, tag) for subject, tag in fresh.items()))
    for subject, tag in fresh.items():
        keys.make(KeyKind.SUBJECT, subject)
        found[tags[tag]] = subject
    _add_facts(found, facts, keys)
    return found


def _facts(people: Iterable[tuple[UUID, Person]]) -> dict[str, dict[str, str]]:
    facts: dict[str, dict[str, str]] = {}
    for case_code, person in people:
        own = facts.setdefault(known_as(case_code, person.key), {})
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


def behind_labels(case_codes: Collection[UUID], keys: Keys) -> set[UUID]:
    """Who stands behind all labels of these cases; KeysLost where a case's key is gone."""
    keys.load(case_codes)
    participants = Participant.objects.filter(case_code__in=case_codes)
    return {one for each in participants if (one := subject_behind(each, keys))}


def places_of(subject: UUID, case_codes: Collection[UUID], keys: Keys) -> list[Participant]:
    """The person's place in each of these cases; a case whose key is gone leads to nobody."""
    keys.load(case_codes)
    tags = [participant_tag(code, subject.bytes, keys) for code in case_codes if keys.has(code)]
    rows = Participant.objects.filter(case_code__in=case_codes, tag__in=tags)
    return list(rows.exclude(link=None))


def participant_tag(case_code: UUID, behind: bytes, keys: Keys) -> bytes:
    """By what a participant is found again in one case, and in no other."""
    return digest(keys.of(case_code), b"participant", behind)
