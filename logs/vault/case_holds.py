"""What legal holds keep of the restricted world: cases, and what waits to be one. In doubt all.

What a hold covers may have moved here since, when its task turned sensitive: here it stays held.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from logs.cases.models import Case
from logs.record.sensitivity import references
from logs.retention import holds
from logs.retention.models import LONGEST, LegalHold, ScopeKind
from logs.vault import sealing, subjects
from logs.vault.case_files import Placed
from logs.vault.keyring import KeysLost
from logs.vault.keys import Keys
from logs.vault.models import CaseTag
from logs.vault.people import key_of_text
from logs.vault.placing import pairs_in
from orgo_audit.accounts.models import Organization

Reference = tuple[str, str]
_MONTH = re.compile("-([1-9][0-9]{3})-(0[1-9]|1[0-2])$")
# By so much a sender's clock may be ahead of ours, and more.
_AHEAD_DAYS = 1


@dataclass(frozen=True, slots=True)
class CaseHolds:
    """What one organization's holds name; a released one counts until the notice is over."""

    cases: frozenset[str]
    months: frozenset[tuple[date, date]]
    task_ids: frozenset[str]
    people: frozenset[str]

    @classmethod
    def of(cls, organization: Organization, now: datetime) -> CaseHolds:
        still_held = holds.notice_of(organization).before(now)
        rows = LegalHold.objects.filter(
            Q(released_at=None) | Q(released_at__gt=still_held), organization=organization
        )
        named: dict[str, set[str]] = {kind: set() for kind in ScopeKind.values}
        for kind, value in rows.values_list("scope_kind", "scope_value"):
            named[kind].add(value)
        months = {days for segment in named[ScopeKind.SEGMENT] for days in _days_of(segment)}
        people = {form for name in named[ScopeKind.USER] for form in _forms_of(name)}
        cases, task_ids = frozenset(named[ScopeKind.CASE]), frozenset(named[ScopeKind.TASK])
        return cls(cases, frozenset(months), task_ids, frozenset(people))

    @property
    def _tasks(self) -> set[Reference]:
        return {("task_id", task) for task in self.task_ids}

    def keep(self, case: Case, keys: Keys) -> bool:
        return self.keep_unopened(case) or self._keep_opened(case, keys)

    def keep_unopened(self, case: Case) -> bool:
        """Whether they name the case, or a month in which it may have got an event.

        It got them between its opening and its closing: a later one would have opened it again.
        """
        if str(case.code) in self.cases:
            return True
        return self._name_a_month(case.opened_on, case.closed_on or date.max)

    def keep_waiting(
        self, content: Mapping[str, Any], held_on: date, facts: Iterable[Iterable[str]]
    ) -> bool:
        """Whether they name a task, a month or one of the facts of what is in no case yet."""
        recorded_at = datetime.fromisoformat(content["recorded_at"])
        for item, told in zip(content["items"], facts, strict=True):
            occurred_on = _occurred_at(item, recorded_at).date()
            first, last = sorted((occurred_on, recorded_at.date()))
            spoken = references(item["event"])
            # A hold on a task is one on its mails, and nobody can tell here whose mail this is.
            has_mail = bool(self.task_ids) and any(kind == "email_id" for kind, _ in spoken)
            if (
                has_mail
                or self._tasks & spoken
                or self._name_a_month(first, max(last, held_on))
                or any(map(self.name, told))
            ):
                return True
        return False

    def name(self, text: str) -> bool:
        """Whether they name whoever is named so."""
        return not self.people.isdisjoint(_forms_of(text))

    def _keep_opened(self, case: Case, keys: Keys) -> bool:
        """Whether they name a task or a person of it; also where nobody can tell any more."""
        if not (self.task_ids or self.people):
            return False
        try:
            spoken = self._tasks | self._mails_of_tasks(case.organization_id, keys)
            return (
                _has_a_tag(case, spoken, keys)
                or self._name_a_participant(case, keys)
                or any(
                    self._keep_item(item["event"], spoken)
                    for item in sealing.all_items_of(case.pk, keys)
                )
            )
        except KeysLost:
            return True

    def _mails_of_tasks(self, organization: int, keys: Keys) -> set[Reference]:
        """A hold on a task is one on its mails, which may lie in another case than the task."""
        tags = [keys.index(organization, "task_id", task) for task in self.task_ids]
        cases = CaseTag.objects.filter(tag__in=tags).values_list("case_code", flat=True)
        mails: set[Reference] = set()
        for code in list(cases):
            for item in sealing.all_items_of(code, keys):
                named = references(item["event"])
                if self._tasks & named:
                    mails |= {one for one in named if one[0] == "email_id"}
        return mails

    def _name_a_participant(self, case: Case, keys: Keys) -> bool:
        if not self.people:
            return False
        behind = subjects.behind_labels([case.pk], keys)
        return any(self.name(fact) for fact in subjects.facts_of_many(behind, keys))

    def _keep_item(self, sent: Mapping[str, Any], spoken: set[Reference]) -> bool:
        """Another case may have the task's tag, and whoever acted need not be a participant."""
        if spoken & references(sent):
            return True
        texts = (str(value) for _, value in pairs_in(sent) if isinstance(value, str | int))
        return bool(self.people) and any(map(self.name, texts))

    def _name_a_month(self, first: date, last: date) -> bool:
        """Whether one of theirs has a day from the first to the last."""
        # Numbers, for a sender may name the calendar's first day, and a hold its last.
        earliest = first.toordinal() - _AHEAD_DAYS
        return any(began <= last and earliest <= ended.toordinal() for began, ended in self.months)


def _occurred_at(item: Mapping[str, Any], recorded_at: datetime) -> datetime:
    if isinstance(item["event"], dict):
        return Placed(item, recorded_at, workflow=None).occurred_at
    return recorded_at


def _has_a_tag(case: Case, spoken: set[Reference], keys: Keys) -> bool:
    tags = [keys.index(case.organization_id, kind, value) for kind, value in spoken]
    return CaseTag.objects.filter(case_code=case.pk, tag__in=tags).exists()


def _forms_of(name: str) -> Iterator[str]:
    """As an erasure compares names, and as the ordinary logs do."""
    if len(name) <= LONGEST["scope"]:
        yield name.strip().casefold()
        if key := key_of_text(name):
            yield key


def _days_of(segment: str) -> Iterator[tuple[date, date]]:
    """The first and the last day of its month; nothing where it names none, as `held_event`."""
    if found := _MONTH.search(segment):
        year, month = map(int, found.groups())
        yield date(year, month, 1), date(year, month, monthrange(year, month)[1])
