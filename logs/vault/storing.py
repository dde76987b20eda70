"""Writes events into their cases: labels, HR's projection, and the sealed rest.

One organization's events at a time, in one transaction of the caller's. What HR gets is built
here and nowhere else: an action, a status, a day, roles and labels.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from logs.cases.models import Case, CaseEvent, CaseState
from logs.record.rows import Row
from logs.vault import assigning, ordinary_words, sealing, subjects
from logs.vault.case_files import CaseFile, Placed, load_participants, put_in_order
from logs.vault.copying import copy_rows, copy_texts
from logs.vault.keys import Keys
from logs.vault.models import CaseTag, HeldReason, KeyKind, Participant
from logs.vault.people import Person
from logs.vault.placing import (
    NamingKeys,
    Reference,
    cut,
    naming_blocks,
    people_of,
    references_of,
)
from orgo_audit.accounts.models import Organization
from orgo_audit.policy.schema import OrganizationPolicy, SensitiveWorkflow

OTHER = "Other"
_EVENT_COLUMNS = ("code", "case_id", "occurred_at", "place", "action", "status", "participants")
# More than any case of people is; what goes beyond waits for somebody to look at it.
MOST_IN_EVENT = 1000
MOST_IN_CASE = 2000
_json = msgspec.json.Encoder().encode


def store(
    organization: Organization, events: Sequence[Placed], policy: OrganizationPolicy, keys: Keys
) -> dict[HeldReason, list[Placed]]:
    """Stores the events; returns those that cannot be.

    Nothing tells to which workflow they belong, or they name too many people.
    """
    writing = _Writing(organization, policy, keys)
    unplaced = writing.find_cases(events)
    return {HeldReason.UNLISTED: unplaced, HeldReason.CROWDED: writing.write()}


class _Writing:
    """What one call of `store` collects, to write it in few statements."""

    def __init__(self, organization: Organization, policy: OrganizationPolicy, keys: Keys) -> None:
        self.organization = organization
        self.policy = policy
        self.keys = keys
        self.files: dict[UUID, CaseFile] = {}
        self.placed: list[tuple[CaseFile, Placed]] = []
        self.by_tag: dict[bytes, UUID] = {}
        self.new_tags: dict[bytes, UUID] = {}
        self.participants: list[tuple[Any, ...]] = []
        self.tags: dict[Reference, bytes] = {}
        self.naming: dict[str, NamingKeys] = {}
        self.people: dict[tuple[str, bytes], list[Person]] = {}
        self.shown: dict[tuple[str, str], str | None] = {}

    # --- which case ---------------------------------------------------------------------------

    def find_cases(self, events: Sequence[Placed]) -> list[Placed]:
        tags = [self._tags(event) for event in events]
        self._load({tag for own in tags for tag in own})
        unplaced = []
        for event, own in zip(events, tags, strict=True):
            file = self._case_of(event, own)
            if file is None:
                unplaced.append(event)
            else:
                self.placed.append((file, event))
        return unplaced

    def _tags(self, event: Placed) -> list[bytes]:
        found = references_of(event.sent, event.workflow or "")
        return [self._tag(reference) for reference in found]

    def _tag(self, reference: Reference) -> bytes:
        if reference not in self.tags:
            kind, value = reference.kind, reference.value
            self.tags[reference] = self.keys.index(self.organization.pk, kind, value)
        return self.tags[reference]

    def _load(self, tags: set[bytes]) -> None:
        known = CaseTag.objects.filter(organization=self.organization, tag__in=tags)
        for tag, code in known.values_list("tag", "case_code"):
            self.by_tag[bytes(tag)] = code
        rows = Case.objects.in_bulk(set(self.by_tag.values()))
        self.keys.load(list(rows))
        for code, row in rows.items():
            file = self.files[code] = CaseFile(row, self._workflow(row.workflow))
            file.opened_before = row.opened_on
        load_participants(self.files)
        for code, place, time in sealing.last_of(self.files, self.keys):
            self.files[code].next_place = place + 1
            self.files[code].last_time = time

    def _case_of(self, event: Placed, tags: list[bytes]) -> CaseFile | None:
        code = next((self.by_tag[tag] for tag in tags if tag in self.by_tag), None)
        if code is None or code not in self.files:
            workflow = event.workflow or self._only_workflow()
            if workflow is None:
                return None
            code = self._new_case(workflow, event).code
        for tag in tags:
            if tag not in self.by_tag:
                self.by_tag[tag] = self.new_tags[tag] = code
        return self.files[code]

    def _only_workflow(self) -> str | None:
        """Where there is one sensitive workflow only, a sign without a name means that one."""
        names = list(self.policy.sensitive_workflows)
        return names[0] if len(names) == 1 else None

    def _workflow(self, name: str) -> SensitiveWorkflow | None:
        return self.policy.sensitive_workflows.get(name)

    def _new_case(self, workflow: str, event: Placed) -> CaseFile:
        row = Case(
            organization=self.organization,
            workflow=workflow,
            opened_on=event.occurred_at.date(),
        )
        self.keys.make(KeyKind.CASE, row.code)
        file = self.files[row.code] = CaseFile(row, self._workflow(workflow), is_new=True)
        return file

    # --- what is written ----------------------------------------------------------------------

    def write(self) -> list[Placed]:
        """Returns the events that name too many people, of which nothing is written."""
        people = [(file, event, self._people(file, event)) for file, event in self.placed]
        # By the list itself: events that name people alike share it.
        namings = {(file.text, id(found)): (file, found) for file, _, found in people}
        known = self._known(namings.values())
        participants = {
            place: self._labelled(file, found, known) for place, (file, found) in namings.items()
        }
        crowded: list[Placed] = []

        def rows() -> Iterator[Row]:
            for file, event, found in people:
                told = participants[file.text, id(found)]
                if told is None:
                    crowded.append(event)
                else:
                    yield self._row_of(file, event, told)

        copy_texts(CaseEvent, _EVENT_COLUMNS, rows())  # their cases follow: the key is deferred
        self._save()
        return crowded

    def _known(self, namings: Iterable[tuple[CaseFile, list[Person]]]) -> Mapping[str, UUID]:
        named = (
            (file.code, person)
            for file, found in namings
            if len(found) <= MOST_IN_EVENT
            for person in found
            if person.key
        )
        return subjects.known_or_new(self.organization, named, self.keys)

    def _people(self, file: CaseFile, event: Placed) -> list[Person]:
        """A case's events name the same people again and again: each naming is read once."""
        name = file.row.workflow
        if file.workflow is None:
            return []
        if name not in self.naming:
            self.naming[name] = NamingKeys(file.workflow)
        blocks = naming_blocks(event.sent, self.naming[name])
        place = (name, _json(blocks))
        if place not in self.people:
            self.people[place] = people_of(blocks, file.workflow)
        return self.people[place]

    def _labelled(
        self, file: CaseFile, found: list[Person], known: Mapping[str, UUID]
    ) -> str | None:
        """Each person's role and label, as JSON; a new one is joined to the case.

        None where they are too many.
        """
        if len(found) > MOST_IN_EVENT:
            return None
        subjects_found = [
            known[subjects.known_as(file.code, person.key)] if person.key else None
            for person in found
        ]
        tags = [
            file.tag_of(self.keys, subject, person.sent_label)
            for person, subject in zip(found, subjects_found, strict=True)
        ]
        if len(file.labels.keys() | tags) > MOST_IN_CASE:
            return None
        told = [
            {"role": person.role, "label": self._label(file, person, subject, tag)}
            for person, subject, tag in zip(found, subjects_found, tags, strict=True)
        ]
        return _json(told).decode()

    def _label(self, file: CaseFile, person: Person, subject: UUID | None, tag: bytes) -> str:
        label, is_new = file.label_for(tag, person.sent_label)
        if is_new:
            link = None
            if subject is not None:
                link = self.keys.encrypt(file.code, subject.bytes, f"participant {label}")
            file.joined.append(person)
            self.participants.append((uuid.uuid4(), file.code, label, tag, link))
        return label

    def _row_of(self, file: CaseFile, event: Placed, participants: str) -> Row:
        """What HR gets of the event, in the order of _EVENT_COLUMNS; its file goes on by one."""
        sent, occurred_at = event.sent, event.occurred_at
        code, place = file.take(event.item, occurred_at)
        return (
            code,
            file.text,
            cut(occurred_at, file.grain).isoformat(),
            str(place),
            self._action(file, sent.get("action", sent.get("error"))),
            self._status(sent.get("status")),
            participants,
        )

    def _action(self, file: CaseFile, said: object) -> str:
        listed = file.workflow.actions if file.workflow else ()
        return self._shown(said, listed, file.row.workflow) or OTHER

    def _status(self, said: object) -> str | None:
        return self._shown(said, (), "")

    def _shown(self, said: object, listed: Sequence[str], listed_by: str) -> str | None:
        """Senders say the same few words again and again: each is looked at once."""
        if not isinstance(said, str):
            return None
        place = (listed_by, said)
        if place not in self.shown:
            self.shown[place] = ordinary_words.shown(said, listed)
        return self.shown[place]

    def _save(self) -> None:
        touched = [file for file in self.files.values() if file.sealed]
        self._save_cases(touched)
        copy_rows(Participant, ("id", "case_code", "label", "tag", "link"), self.participants)
        sealing.seal(((file.code, file.sealed) for file in touched), self.keys)
        for file in touched:
            if file.has_late:
                put_in_order(file.code, self.keys)
        assigning.assign(
            self.organization,
            [(file.row, file.joined, file.is_new) for file in touched],
            self.policy,
        )

    def _save_cases(self, touched: list[CaseFile]) -> None:
        Case.objects.bulk_create(file.row for file in touched if file.is_new)
        known = [file for file in touched if not file.is_new]
        earlier = [file.row for file in known if file.row.opened_on != file.opened_before]
        Case.objects.bulk_update(earlier, ["opened_on"], batch_size=500)
        # Something new has happened: it must not be destroyed with what was closed.
        closed = Case.objects.filter(pk__in=[file.code for file in known], state=CaseState.CLOSED)
        closed.update(state=CaseState.OPEN, closed_on=None)
        copy_rows(
            CaseTag,
            ("id", "organization_id", "tag", "case_code"),
            (
                (uuid.uuid4(), self.organization.pk, tag, code)
                for tag, code in self.new_tags.items()
                if self.files[code].sealed or not self.files[code].is_new
            ),
        )
