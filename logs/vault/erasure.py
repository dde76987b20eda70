"""Erases a person of the restricted world: keys destroyed, every store visited and read back.

Labels stay ("Anon1, erased"), and the case stays workable. Backups forget with the epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from logs.cases.models import (
    ApprovalRequest,
    Case,
    CaseEvent,
    CaseState,
    RequestState,
)
from logs.vault import envelopes, keys, rotation, subjects
from logs.vault.dossiers import Dossier
from logs.vault.errands import Question
from logs.vault.keys import Keys
from logs.vault.models import (
    HeldItem,
    HeldReason,
    Identity,
    Participant,
    SealedEvents,
    Subject,
    WrappedKey,
)
from logs.vault.people import key_of_text, people_in, tokens_of
from logs.vault.petitions import Act
from logs.vault.requests import carries_out
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput

NOTHING_LEFT = "nothing left"


@dataclass(frozen=True, slots=True)
class Visited:
    """A line of the certificate: a store, and what was found in it afterwards."""

    store: str
    result: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whether it was carried out, and the certificate, or why it was not."""

    is_done: bool
    certificate: tuple[Visited, ...]

    def as_json(self) -> list[dict[str, str]]:
        return [asdict(visited) for visited in self.certificate]


@carries_out(Act.ERASE)
def carry_out_granted(dossier: Dossier, question: Question) -> None:
    """What two custodians have granted. The request names the person, so its key goes too."""
    now = timezone.now()
    erased = carry_out(question.organization, dossier.words.person, question.keys, today=now.date())
    state = RequestState.DONE if erased.is_done else RequestState.DENIED
    ApprovalRequest.objects.filter(pk=dossier.row.pk).update(certificate=erased.as_json())
    dossier.end(state, now=now)
    keys.destroy([dossier.row.pk])


def carry_out(organization: Organization, person: str, own: Keys, *, today: date) -> Erasure:
    """Erases whoever is known by this address or name; an unknown person leaves nothing to erase.

    Refused while the person takes part in an open case: then the data are still needed for legal
    claims (GDPR Art. 17(3)(e)).
    """
    if not (key := key_of_text(person)):
        raise BadInput("expected an address or a name", path="person")
    tag = own.index(organization.pk, subjects.KIND, key)
    subject = Subject.objects.filter(organization=organization, tag=tag).first()
    cases = _cases_of(organization, subject.pk, own) if subject else {}
    if Case.objects.filter(pk__in=cases, state=CaseState.OPEN).exists():
        why = "needed while a case is open (GDPR Art. 17(3)(e)); ask again once it is closed"
        return Erasure(False, (Visited("cases", why),))
    if subject is not None:
        _destroy(subject, cases, today)
    _forget_held(organization, key, own)
    return Erasure(True, tuple(_read_back(organization, subject, cases, tag)))


def _cases_of(organization: Organization, subject: UUID, own: Keys) -> dict[UUID, Participant]:
    """The cases in which the person takes part, each with the person's place in it."""
    codes = Case.objects.filter(organization=organization).values_list("pk", flat=True)
    linked = Participant.objects.filter(case_code__in=list(codes)).exclude(link=None)
    rows = list(linked)
    own.load({row.case_code for row in rows})
    return {row.case_code: row for row in rows if subjects.subject_behind(row, own) == subject}


def _destroy(subject: Subject, cases: Mapping[UUID, Participant], today: date) -> None:
    sealed = SealedEvents.objects.filter(case_code__in=cases)
    # One text names several people, so the texts of these cases go as a whole.
    keys.destroy([subject.pk, *sealed.values_list("pk", flat=True)])
    Identity.objects.filter(subject=subject).delete()
    places = Participant.objects.filter(pk__in=[row.pk for row in cases.values()])
    places.update(link=None, erased_on=today)
    sealed.update(content=b"")
    CaseEvent.objects.filter(case__in=cases).update(released_text=None)
    Subject.objects.filter(pk=subject.pk).update(tag=None, erased_on=today)


def _forget_held(organization: Organization, key: str, own: Keys) -> None:
    """Removes what waits in no case and names the person."""
    held = HeldItem.objects.filter(organization=organization)
    for item in held.exclude(reason=HeldReason.UNREADABLE):
        if _names(item, organization, key):
            item.delete()


def _names(item: HeldItem, organization: Organization, key: str) -> bool:
    """Whether the person's address, or every word of the name, stands in it."""
    text = str(envelopes.opened(bytes(item.envelope), organization.slug)).casefold()
    words = tokens_of(people_in({"other": key}, ()))
    return key in text or (bool(words) and all(word in text for word in words))


def _read_back(
    organization: Organization,
    subject: Subject | None,
    cases: Mapping[UUID, Participant],
    tag: bytes,
) -> Iterator[Visited]:
    """The same lines for everybody: nobody is to learn from them who was known."""
    owners = [subject.pk] if subject else []
    places = [row.pk for row in cases.values()]
    sealed = SealedEvents.objects.filter(case_code__in=cases)
    texts = list(sealed.values_list("pk", flat=True))
    yield _counted("look-up", Subject.objects.filter(organization=organization, tag=tag))
    yield _counted("key", WrappedKey.objects.filter(owner__in=owners))
    yield _counted("identity", Identity.objects.filter(subject__in=owners))
    yield _counted(
        "labels that lead to the person",
        Participant.objects.filter(pk__in=places).exclude(link=None),
    )
    yield _counted("sealed texts of the person's cases", sealed.exclude(content=b""))
    yield _counted("keys of these texts", WrappedKey.objects.filter(owner__in=texts))
    yield _counted(
        "released texts", CaseEvent.objects.filter(case__in=cases).exclude(released_text=None)
    )
    held = HeldItem.objects.filter(organization=organization, reason=HeldReason.UNREADABLE)
    yield _counted("held envelopes that nobody can open", held)
    yield Visited("notes of HR", "not searched: HR's own words, to be read by HR")
    days = rotation.LONGEST_EPOCH.days
    yield Visited("backups", f"end with the epoch of the keys, in at most {days} days")
    yield Visited("ordinary logs", "not part of this: retention and its own erasure")


def _counted(store: str, rows: QuerySet[Any]) -> Visited:
    left = rows.count()
    return Visited(store, f"{left} left" if left else NOTHING_LEFT)
