"""Takes in what two custodians are to decide: a reveal, an erasure. Decides nothing itself."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Any, get_args

from django.utils import timezone

from logs.cases.acts import Act, Happening
from logs.cases.models import ApprovalRequest, Case, LookedAt, RequestState
from logs.retention import erasing
from logs.vault import approvals, dossiers, marks, notices, people, subjects
from logs.vault.accounts import accounts_with_role, asking, asking_hr
from logs.vault.models import Participant
from logs.vault.petitions import OPEN_FOR, Petition
from logs.vault.questions import Question, answers
from orgo_audit.accounts.models import Role
from orgo_audit.errors import BadInput, Conflict, NotFound

# Of an erasure that an operator's command asks for.
NOBODY = 0
_NONCE_BYTES = 32


@answers("ask_reveal")
def ask_reveal(question: Question) -> dict[str, Any]:
    """By an HR manager to whom the case is assigned; one label, one field."""
    hr, case = asking_hr(question, question.identifier("case"))
    label, field = question.text("label"), question.text("field")
    if field not in get_args(people.Field):
        known = ", ".join(get_args(people.Field))
        raise BadInput(f"expected one of {known}", path="field")
    reason, now = question.text("reason"), timezone.now()
    petition = Petition(
        act=Act.REVEAL,
        id=uuid.uuid4(),
        organization=question.organization.slug,
        requester=hr.id,
        nonce=secrets.token_hex(_NONCE_BYTES),
        expires_at=now + OPEN_FOR,
        reason_digest=_digest(reason),
        case=case.code,
        label=label,
        field=field,
        minutes=question.number("minutes"),
        views=question.number("views"),
    )
    if not Participant.objects.filter(case_code=case.code, label=label).exists():
        raise NotFound
    _refuse_second(petition, now)
    return _put(question, petition, dossiers.Words(canonical=_text(petition), reason=reason), now)


def _refuse_second(petition: Petition, now: datetime) -> None:
    """Conflict while the same person's request for the same waits: each one is told by mail."""
    waiting = ApprovalRequest.objects.filter(
        act=Act.REVEAL,
        case_code=petition.case,
        label=petition.label,
        field=petition.field,
        requester_id=petition.requester,
        state=RequestState.PENDING,
        expires_at__gt=now,
    )
    known = waiting.values_list("pk", flat=True).first()
    if known is not None:
        raise Conflict(
            f"your request {known} asks for this already, and waits to be decided",
            code="asked_already",
        )


@answers("ask_erasure")
def ask_erasure(question: Question) -> dict[str, Any]:
    """By the data protection officer, a custodian, or an operator's command.

    Of an address, a name, or NAME in CASE-CODE. The answer never tells whether this person is
    known.
    """
    asks_in_person = question.user_id is not None
    requester = asking(question, Role.DPO, Role.CUSTODIAN).id if asks_in_person else NOBODY
    whom, reason, now = _sought(question), question.text("reason"), timezone.now()
    petition = Petition(
        act=Act.ERASE,
        id=uuid.uuid4(),
        organization=question.organization.slug,
        requester=requester,
        nonce=secrets.token_hex(_NONCE_BYTES),
        expires_at=now + OPEN_FOR,
        reason_digest=_digest(reason),
        subject=question.keys.index(question.organization.pk, subjects.KIND, whom.known_as).hex(),
    )
    words = dossiers.Words(
        canonical=_text(petition), reason=reason, person=whom.name, case=whom.case
    )
    if whom.case is None:
        erasing.ask(question.organization, petition.id, [whom.name, whom.key])
    return _put(question, petition, words, now)


@answers("erasure")
def tell_erasure(question: Question) -> dict[str, Any]:
    """What became of an erasure, for an operator's command alone: people have its page."""
    if question.user_id is not None:
        raise NotFound
    erasures = ApprovalRequest.objects.filter(organization=question.organization, act=Act.ERASE)
    row = erasures.filter(pk=question.identifier("id")).first()
    if row is None:
        raise NotFound
    return {"state": row.state, "certificate": row.certificate}


def _sought(question: Question) -> subjects.Sought:
    """BadInput where it names nobody, or a case that this organization has not."""
    whom = subjects.sought(question.text("person"))
    cases = Case.objects.filter(organization=question.organization)
    if whom.case is not None and not cases.filter(pk=whom.case).exists():
        raise BadInput("expected the code of a case of this organization after 'in'", path="person")
    return whom


def _digest(reason: str) -> str:
    return hashlib.sha256(reason.encode()).hexdigest()


def _text(petition: Petition) -> str:
    return petition.canonical().decode("ascii")


def _put(
    question: Question, petition: Petition, words: dossiers.Words, now: datetime
) -> dict[str, Any]:
    organization = question.organization
    dossiers.put(organization, petition, words, question.keys)
    ApprovalRequest.objects.create(
        id=petition.id,
        act=petition.act.value,
        organization=organization,
        case_code=petition.case,
        label=petition.label,
        field=petition.field,
        minutes=petition.minutes,
        views=petition.views,
        requester_id=question.user_id,
        asked_at=now,
        expires_at=petition.expires_at,
        state=RequestState.PENDING,
    )
    marks.leave_about(organization, question.user_id, LookedAt.REQUEST, petition)
    asked = _deciders(question, petition, words)
    notices.tell(organization, petition.act, Happening.ASKED, petition.case, also=asked)
    return {"id": str(petition.id)}


def _deciders(question: Question, petition: Petition, words: dossiers.Words) -> list[int]:
    """The custodians who may approve it."""
    custodians = accounts_with_role(question.organization, Role.CUSTODIAN)
    return [
        custodian.id
        for custodian in custodians
        if custodian.id != petition.requester
        and not approvals.concerns(custodian, petition, words, question)
    ]
