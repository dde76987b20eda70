"""Erases a person of the restricted world: keys destroyed, every store visited and read back.

Labels stay ("Anon1, erased"), and the case stays workable. Backups forget with the epoch. In doubt
whom it would hit, nothing is erased, and the certificate says why.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from logs.cases.acts import Act
from logs.cases.models import (
    ApprovalRequest,
    Case,
    CaseEvent,
    CaseState,
    RequestState,
)
from logs.record.models import SealedItem
from logs.retention import erasing, holds
from logs.retention.models import ErasurePlan
from logs.vault import approvals, dossiers, held_items, keys, rotation, subjects
from logs.vault.case_holds import CaseHolds
from logs.vault.dossiers import Dossier
from logs.vault.keys import Keys, destroy
from logs.vault.models import (
    HeldItem,
    HeldReason,
    Identity,
    Participant,
    SealedEvents,
    Subject,
    VaultRequest,
    WrappedKey,
)
from logs.vault.petitions import APPROVALS
from logs.vault.questions import Question
from logs.vault.subjects import Sought
from orgo_audit.accounts.models import Organization
from orgo_audit.policy import versions

logger = logging.getLogger(__name__)
NOTHING_LEFT = "nothing left"
_SEVERAL = (
    "this name stands in several cases, and may be several people's: ask for NAME in CASE-CODE, or"
    " for an address"
)
_OPEN = "needed while a case is open (GDPR Art. 17(3)(e)); ask again once it is closed"
_HELD = (
    "kept under a legal hold (GDPR Art. 17(3)(e)); ask again once it is released and the notice"
    " is over"
)
_NOT_TWO = "fewer than two count any more; ask again"
_BESIDE_OTHERS = (
    "waiting in no case may name the person beside others: have them placed first (list their"
    " workflow in the policy), then ask again"
)
_PERHAPS = "left: they give the name and are in no case, so they may be about somebody else"
_ORDINARY = "ordinary logs"
_SOON = "being erased; what went and what stays is told here soon"
_NOT_IN_A_CASE = "not searched: there a name is not one case's; ask for an address"
_STAYS = {
    "hold": (f"{_ORDINARY} under a legal hold", "until it is released"),
    "duty": (f"{_ORDINARY} that a regime wants kept", "for as long as it asks for"),
    "own_record": (
        f"{_ORDINARY}, the portal's own events",
        "for their period: they account for who did what in it",
    ),
}
_BY_ANOTHER = "the person was erased by another request"


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


def carry_out_granted() -> int:
    """Carries out what two custodians have granted, one transaction each; how many ended.

    While something waits in the inbox it does nothing: that may name the person. One that fails is
    tried again, and stops neither the others nor the vault.
    """
    if SealedItem.objects.exists():
        return 0
    approved = VaultRequest.objects.annotate(given=Count("approvals"))
    waiting = approved.filter(ended_at=None, given__gte=APPROVALS).order_by("pk")
    return sum(
        _is_ended(row.pk, row.organization) for row in waiting.select_related("organization")
    )


def _is_ended(identifier: UUID, organization: Organization) -> bool:
    try:
        with keys.session() as own:
            question = Question(organization, None, {}, own)
            dossier = dossiers.take(identifier, organization, own)
            if dossier.petition.act is Act.ERASE and dossier.words.granted_at is not None:
                _end_granted(dossier, question)
            return dossier.is_over
    except (InterfaceError, OperationalError):
        raise
    except Exception as fault:  # noqa: BLE001  (it must not stop what waits behind it)
        logger.error("an erasure failed; it is tried again", extra={"fault": type(fault).__name__})
        return False


def _end_granted(dossier: Dossier, question: Question) -> None:
    """The requests that name the person go too, this one last."""
    now, organization = timezone.now(), question.organization
    person = dossier.words.person_in_case
    erased = _refused("approvals", _NOT_TWO)
    if approvals.is_approved(dossier, question):
        erased = carry_out(organization, person, question.keys, now=now)
    certificate = erased.as_json()
    if erased.is_done:
        named = _end_requests(dossier, subjects.sought(person), question, now)
        dossier.end(RequestState.DONE, now=now)
        erasing.approve(dossier.row.pk, now)
        certificate.append(asdict(_named_in_requests(named)))
    else:
        dossier.end(RequestState.DENIED, now=now)
    ApprovalRequest.objects.filter(pk=dossier.row.pk).update(certificate=certificate)


def carry_out(organization: Organization, person: str, own: Keys, *, now: datetime) -> Erasure:
    """Erases whoever is known by this address or name; an unknown person leaves nothing to erase.

    Refused while the person takes part in an open case, and while a legal hold names the person or
    keeps anything that would go: then the data are still needed for legal claims (GDPR Art.
    17(3)(e)). Refused where a name may be several people's, and where something held names the
    person beside others, who would vanish with it.
    """
    whom = subjects.sought(person)
    tags = subjects.tags_of(organization, whom, own)
    known = list(Subject.objects.filter(organization=organization, tag__in=tags)[:2])
    if len(known) > 1:
        return _refused("people", _SEVERAL)
    places = _places(organization, known, own)
    holds.keep_still()
    on_hold = CaseHolds.of(organization, now)
    # Locked, so that none is opened again while its texts are read and go.
    cases = list(Case.objects.select_for_update().filter(pk__in=_cases(places)).order_by("pk"))
    if any(case.state == CaseState.OPEN for case in cases):
        return _refused("cases", _OPEN)
    policy = versions.current().for_organization(organization.slug)
    naming = held_items.naming(organization, whom, policy, on_hold)
    is_named = on_hold.name(whom.name) or on_hold.name(whom.key)
    if is_named or naming.on_hold or any(on_hold.keep(case, own) for case in cases):
        return _refused("legal holds", _HELD)
    if naming.beside_others:
        return _refused("held reports", f"{len(naming.beside_others)} {_BESIDE_OTHERS}")
    for subject in known:
        _destroy(subject, places, now.date())
    HeldItem.objects.filter(pk__in=naming.alone).delete()
    ordinary = Visited(_ORDINARY, _SOON if whom.case is None else _NOT_IN_A_CASE)
    told = _read_back(organization, known, places, tags, naming)
    return Erasure(True, (*told, ordinary))


def _refused(store: str, why: str) -> Erasure:
    return Erasure(False, (Visited(store, why),))


def _places(organization: Organization, known: Iterable[Subject], own: Keys) -> list[Participant]:
    """The person's place in each case in which they take part."""
    codes = list(Case.objects.filter(organization=organization).values_list("pk", flat=True))
    return [place for one in known for place in subjects.places_of(one.pk, codes, own)]


def _cases(places: Iterable[Participant]) -> list[UUID]:
    return [place.case_code for place in places]


def _destroy(subject: Subject, places: Sequence[Participant], today: date) -> None:
    cases = _cases(places)
    sealed = SealedEvents.objects.filter(case_code__in=cases)
    # One text names several people, so the texts of these cases go as a whole.
    destroy([subject.pk, *sealed.values_list("pk", flat=True)])
    Identity.objects.filter(subject=subject).delete()
    own = Participant.objects.filter(pk__in=[place.pk for place in places])
    own.update(link=None, erased_on=today)
    sealed.update(content=b"")
    CaseEvent.objects.filter(case__in=cases).update(released_text=None)
    Subject.objects.filter(pk=subject.pk).update(tag=None, erased_on=today)


# --- requests that name the person ----------------------------------------------------------------


def _end_requests(dossier: Dossier, whom: Sought, question: Question, now: datetime) -> list[UUID]:
    """Ends what else asks for this erasure; the ids of all requests that named the person."""
    named = [dossier.row.pk]
    for other in dossiers.all_of(question.organization, question.keys):
        if other.row.pk != dossier.row.pk and _asks_for(other, whom):
            _end_other(other, now)
            named.append(other.row.pk)
    return named


def _asks_for(other: Dossier, whom: Sought) -> bool:
    is_erasure = other.petition.act is Act.ERASE
    return is_erasure and whom.is_met_by(subjects.sought(other.words.person_in_case))


def _end_other(other: Dossier, now: datetime) -> None:
    if other.is_over:
        destroy([other.row.pk])
        return
    other.end(RequestState.WITHDRAWN, now=now)
    why = [asdict(Visited("requests", _BY_ANOTHER))]
    ApprovalRequest.objects.filter(pk=other.row.pk).update(certificate=why)


def _named_in_requests(named: Collection[UUID]) -> Visited:
    return _counted("requests that named the person", WrappedKey.objects.filter(owner__in=named))


# --- the ordinary world ---------------------------------------------------------------------------


def tell_of_events() -> None:
    """Puts into the certificates what the worker erased of the ordinary logs, and what stays."""
    for plan in erasing.done():
        with transaction.atomic():
            request = ApprovalRequest.objects.select_for_update().filter(pk=plan.pk).first()
            if request is not None:
                told = [line for line in request.certificate or () if line["store"] != _ORDINARY]
                request.certificate = told + [asdict(line) for line in _of_events(plan)]
                request.save(update_fields=["certificate"])
            erasing.forget(plan.pk)


def _of_events(plan: ErasurePlan) -> Iterator[Visited]:
    until = f"{plan.planned_at:%Y-%m-%d %H:%M} UTC"
    yield Visited(_ORDINARY, f"{plan.events} erased; searched as they were at {until}")
    for reason, (store, why) in _STAYS.items():
        if number := plan.kept.get(reason):
            yield Visited(store, f"{number} left, {why}")
    yield Visited("quarantine", "not searched: what was refused goes within 30 days")


# --- the certificate ------------------------------------------------------------------------------


def _read_back(
    organization: Organization,
    known: Iterable[Subject],
    places: Sequence[Participant],
    tags: Collection[bytes],
    naming: held_items.Naming,
) -> Iterator[Visited]:
    """The same lines for everybody: nobody is to learn from them who was known."""
    owners, cases = [subject.pk for subject in known], _cases(places)
    own_places = Participant.objects.filter(pk__in=[place.pk for place in places])
    sealed = SealedEvents.objects.filter(case_code__in=cases)
    texts = list(sealed.values_list("pk", flat=True))
    yield _counted("look-up", Subject.objects.filter(organization=organization, tag__in=tags))
    yield _counted("key", WrappedKey.objects.filter(owner__in=owners))
    yield _counted("identity", Identity.objects.filter(subject__in=owners))
    yield _counted("labels that lead to the person", own_places.exclude(link=None))
    yield _counted("sealed texts of the person's cases", sealed.exclude(content=b""))
    yield _counted("keys of these texts", WrappedKey.objects.filter(owner__in=texts))
    yield _counted(
        "released texts", CaseEvent.objects.filter(case__in=cases).exclude(released_text=None)
    )
    yield _counted_held(naming)
    waiting = HeldItem.objects.filter(organization=organization, reason=HeldReason.UNREADABLE)
    yield _counted("held envelopes that nobody can open", waiting)
    yield Visited("notes of HR", "not searched: HR's own words, to be read by HR")
    days = rotation.LONGEST_EPOCH.days
    yield Visited("backups", f"end with the epoch of the keys, in at most {days} days")


def _counted_held(naming: held_items.Naming) -> Visited:
    counted = _counted("held reports", HeldItem.objects.filter(pk__in=naming.alone))
    if naming.perhaps:
        return Visited(counted.store, f"{len(naming.perhaps)} {_PERHAPS}")
    removed = f"; {len(naming.alone)} removed" if naming.alone else ""
    return Visited(counted.store, counted.result + removed)


def _counted(store: str, rows: QuerySet[Any]) -> Visited:
    left = rows.count()
    return Visited(store, f"{left} left" if left else NOTHING_LEFT)
