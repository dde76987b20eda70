"""A case while events are written into it: its labels, its places, its order."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from logs.cases.models import Case, CaseEvent
from logs.vault import sealing, subjects
from logs.vault.keys import Keys
from logs.vault.models import Participant
from logs.vault.people import Person
from orgo_audit.policy.schema import SensitiveWorkflow, TimeGrain


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with the workflow that it says or shows; None where only its task may tell."""

    item: Mapping[str, Any]
    recorded_at: datetime
    workflow: str | None

    @property
    def sent(self) -> Mapping[str, Any]:
        sent: Mapping[str, Any] = self.item["event"]
        return sent

    @property
    def occurred_at(self) -> datetime:
        """The sender's time in UTC; ours where there is none, which an accepted event has."""
        told = self.sent.get("timestamp")
        try:
            instant = datetime.fromisoformat(told) if isinstance(told, str) else self.recorded_at
            return instant.astimezone(UTC)
        except (ValueError, OverflowError):
            return self.recorded_at.astimezone(UTC)


@dataclass(slots=True)
class CaseFile:
    """A case while events are written into it."""

    row: Case
    workflow: SensitiveWorkflow | None  # as the policy lists it now
    is_new: bool = False
    labels: dict[bytes, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    next_number: int = 1
    next_place: int = 1
    last_time: datetime | None = None
    has_late: bool = False
    joined: list[Person] = field(default_factory=list)
    # By what stands behind a person here: the participant's keyed digest.
    tags: dict[bytes, bytes] = field(default_factory=dict)
    sealed: list[sealing.Told] = field(default_factory=list)
    opened_before: date | None = None
    text: str = field(init=False)  # the code, as all that is copied wants it

    def __post_init__(self) -> None:
        self.text = str(self.row.code)

    @property
    def code(self) -> UUID:
        return self.row.code

    @property
    def grain(self) -> TimeGrain:
        return self.workflow.time_grain if self.workflow else "day"

    def tag_of(self, keys: Keys, subject: UUID | None, sent_label: str | None) -> bytes:
        behind = subject.bytes if subject else f"label {sent_label}".encode()
        if behind not in self.tags:
            self.tags[behind] = subjects.participant_tag(self.code, behind, keys)
        return self.tags[behind]

    def label_for(self, tag: bytes, wished: str | None) -> tuple[str, bool]:
        """The participant's label, and whether it is new in this case."""
        if known := self.labels.get(tag):
            return known, False
        label = wished if wished and wished not in self.used else self._smallest_free()
        self.keep(tag, label)
        return label, True

    def keep(self, tag: bytes, label: str) -> None:
        self.labels[tag] = label
        self.used.add(label)

    def take(self, item: Mapping[str, Any], occurred_at: datetime) -> tuple[str, int]:
        """Goes on by this event: its code and its place."""
        code, place = _code_in(self.text), self.next_place
        self.sealed.append((code, occurred_at, item))
        self.next_place += 1
        if self.last_time and occurred_at < self.last_time:
            self.has_late = True
        else:
            self.last_time = occurred_at
        self.row.opened_on = min(self.row.opened_on, occurred_at.date())
        return code, place

    def _smallest_free(self) -> str:
        while f"Anon{self.next_number}" in self.used:
            self.next_number += 1
        return f"Anon{self.next_number}"


def _code_in(case_code: str) -> str:
    """A random code that begins as its case's does: wholly random ones would touch a page of the
    index each."""
    rest = secrets.token_hex(8)[1:]
    return f"{case_code[:20]}{rest[:3]}-{rest[3:]}"


def load_participants(files: Mapping[UUID, CaseFile]) -> None:
    rows = Participant.objects.filter(case_code__in=files)
    for code, tag, label in rows.values_list("case_code", "tag", "label"):
        files[code].keep(bytes(tag), label)


def put_in_order(case_code: UUID, keys: Keys) -> None:
    """Numbers a case's events by their exact times: one came later than those after it."""
    places = dict(CaseEvent.objects.filter(case_id=case_code).values_list("code", "place"))
    times = sealing.times_of(case_code, keys)
    ordered = sorted(times, key=lambda code: (times[code], places[code]))
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE "hr"."case_event" e SET place = n.place FROM'
            " unnest(%s::uuid[]) WITH ORDINALITY AS n (code, place)"
            " WHERE e.code = n.code AND e.place <> n.place",
            [ordered],
        )
