"""Free text for HR: masked by machine, read by a custodian, released by that person or not at all.

A custodian sees the masked text only: whoever the case is about is not known by reading it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count

from logs.cases.models import Case, CaseEvent, LookedAt
from logs.vault import marks, sealing, subjects
from logs.vault.accounts import asking, case_of, takes_part
from logs.vault.keys import Keys
from logs.vault.masking import masked
from logs.vault.models import Participant
from logs.vault.people import OTHER, Person, key_of_text
from logs.vault.placing import NamingKeys
from logs.vault.questions import Question, answers
from orgo_audit.accounts.models import Role
from orgo_audit.errors import BadInput, NotFound
from orgo_audit.policy import versions
from orgo_audit.policy.schema import SensitiveWorkflow

LONGEST_TEXT = 20_000
MOST_EVENTS = 50
MOST_CASES = 100
_WORD = re.compile(r"\w+")
_TO_LAST_BLANK = re.compile(r".*\s", re.DOTALL)
# What HR has of an event already, or must not have at all; beside all keys that name people.
_NO_TEXT = frozenset(
    {
        *("timestamp", "action", "error", "status", "workflow", "case_id", "task_id", "email_id"),
        *("ip_address", "from", "to", "user"),
    }
)


@answers("text_cases")
def text_cases(question: Question) -> dict[str, Any]:
    """The newest cases whose masked texts this custodian may read."""
    custodian = asking(question, Role.CUSTODIAN)
    _leave_look(question, None, "cases with texts listed")
    rows = Case.objects.filter(organization=question.organization).order_by("-opened_on", "-code")
    counted = rows.annotate(
        events_there=Count("events"), texts_released=Count("events__released_text")
    )
    return {
        "cases": [
            {
                "case": str(case.pk),
                "opened_on": case.opened_on.isoformat(),
                "events": case.events_there,
                "released": case.texts_released,
            }
            for case in counted[:MOST_CASES]
            if not takes_part(custodian, [case.pk], question.keys)
        ]
    }


@answers("texts")
def texts(question: Question) -> dict[str, Any]:
    """Masked texts of the case's events, in their order, and what HR has of each event.

    `[{event, place, action, day, text, released}]`.

    Of a page of events behind the place `after`; `next` is the place to go on from, if any.
    """
    case = _case(question)
    after = question.number("after") if "after" in question.body else 0
    behind = CaseEvent.objects.filter(case=case, place__gt=after).order_by("place")
    events = list(behind[: MOST_EVENTS + 1])
    page = events[:MOST_EVENTS]
    masked_text = _masked_texts(case, page, question)
    found = [
        {
            "event": str(event.pk),
            "place": event.place,
            "action": event.action,
            "day": event.occurred_at.date().isoformat(),
            "text": masked_text[event.pk],
            "released": event.released_text,
        }
        for event in page
        if event.pk in masked_text
    ]
    _leave_look(question, case, "masked texts read")
    return {"texts": found, "next": page[-1].place if len(events) > len(page) else None}


@answers("release_text")
def release_text(question: Question) -> dict[str, Any]:
    """Shows HR what a custodian has left of the event's masked text.

    Nothing may be added to it. If names could be typed in, masking them would tell who has which
    label.
    """
    case = _case(question)
    event = CaseEvent.objects.filter(case=case, pk=_uuid(question, "event")).first()
    if event is None:
        raise NotFound
    left = question.text("text", LONGEST_TEXT)
    whole = _masked_texts(case, [event], question).get(event.pk, "")
    if not _is_what_is_left(left, whole):
        raise BadInput(
            "expected words of the masked text in their order, and […] for what was taken out",
            path="text",
        )
    CaseEvent.objects.filter(pk=event.pk).update(released_text=left)
    _leave_look(question, case, "text released")
    return {"text": left}


def _is_what_is_left(left: str, whole: str) -> bool:
    rest = iter(_WORD.findall(whole))
    return all(word in rest for word in _WORD.findall(left))


def _case(question: Question) -> Case:
    """NotFound for who is no custodian, for another organization's case, and for who takes part."""
    custodian = asking(question, Role.CUSTODIAN)
    case = case_of(question.organization, _uuid(question, "case"))
    if takes_part(custodian, [case.pk], question.keys):
        raise NotFound
    return case


def _leave_look(question: Question, case: Case | None, why: str) -> None:
    code = case.pk if case else None
    marks.leave(question.organization, question.asker, LookedAt.TEXT, why, case_code=code)


def _uuid(question: Question, name: str) -> UUID:
    try:
        return UUID(question.text(name, 36))
    except ValueError:
        raise BadInput("expected a code", path=name) from None


def _people(case: Case, keys: Keys) -> tuple[list[Person], dict[str, str]]:
    people, labels = [], {}
    for participant in Participant.objects.filter(case_code=case.pk):
        subject = subjects.subject_behind(participant, keys)
        fields = subjects.fields_of(subject, keys) if subject else {}
        if fields:
            key = key_of_text(fields.get("email") or fields.get("name") or fields["identity"])
            people.append(Person(OTHER, key, fields))  # type: ignore[arg-type]  # the fields' names
            labels[key] = participant.label
    return people, labels


def _masked_texts(case: Case, events: Sequence[CaseEvent], question: Question) -> dict[UUID, str]:
    """All words of each event that HR has not, masked; nothing where there are none any more."""
    policy = versions.current().for_organization(question.organization.slug)
    naming = NamingKeys(policy.sensitive_workflows.get(case.workflow, SensitiveWorkflow()))
    items = sealing.items_of(case.pk, [event.pk for event in events], question.keys)
    texts = {code: "\n".join(_words(item["event"], naming)) for code, item in items.items()}
    people, labels = _people(case, question.keys)
    return {code: _masked(text, people, labels) for code, text in texts.items() if text}


def _masked(text: str, people: Sequence[Person], labels: Mapping[str, str]) -> str:
    """One that is too long is cut between two words: half a name would pass the mask."""
    if len(text) <= LONGEST_TEXT:
        return masked(text, people, labels)
    whole = _TO_LAST_BLANK.match(text[:LONGEST_TEXT])
    return masked(whole[0].rstrip() if whole else "", people, labels) + " […]"


def _words(value: Any, naming: NamingKeys) -> Iterator[str]:
    if isinstance(value, dict):
        for key, child in value.items():
            if key not in _NO_TEXT and not naming[key]:
                yield from _words(child, naming)
    elif isinstance(value, list):
        for child in value:
            yield from _words(child, naming)
    elif isinstance(value, str) and value.strip():
        yield value
