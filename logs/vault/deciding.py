"""Custodians decide: two approve exactly one request, or one ends it.

Nothing is ever decided by what `hr.approval_request` or `hr.decision` say: those are for pages.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from logs.cases.acts import Act, Happening
from logs.cases.models import ApprovalRequest, Decision, LookedAt, RequestState
from logs.vault import approvals, custodians, dossiers, enrolment, marks, notices
from logs.vault.accounts import Account, asking
from logs.vault.dossiers import Dossier
from logs.vault.keyring import KeysLost
from logs.vault.models import VaultApproval, VaultRequest
from logs.vault.petitions import Objection, is_open
from logs.vault.questions import Question, answers
from orgo_audit.accounts.models import Role
from orgo_audit.accounts.people import names_of
from orgo_audit.errors import Conflict, NotAllowed, NotFound

NEWEST_REQUESTS = 500


# --- what a custodian sees ------------------------------------------------------------------------


@answers("requests")
def list_requests(question: Question) -> dict[str, Any]:
    """The newest requests that this custodian may know of, newest first.

    A list that shows one which `challenge` then refuses would tell who takes part in its case.
    """
    custodian, seen = asking(question, Role.CUSTODIAN), dict[object, bool]()
    shown_rows = ApprovalRequest.objects.filter(organization=question.organization)
    newest = shown_rows.order_by("-asked_at", "-pk").values_list("pk", flat=True)[:NEWEST_REQUESTS]
    rows = VaultRequest.objects.filter(organization=question.organization).in_bulk(list(newest))
    question.keys.load(list(rows))
    known = [pk for pk in newest if pk in rows and _may_know(custodian, rows[pk], question, seen)]
    return {"ids": list(map(str, known))}


def _may_know(
    custodian: Account, row: VaultRequest, question: Question, seen: dict[object, bool]
) -> bool:
    """Each case is looked through once.

    What does not open any more, as an erasure that ended, is only for those who decided it.
    """
    try:
        dossier = dossiers.read(row, question.keys)
    except KeysLost:
        return Decision.objects.filter(request=row.pk, custodian=custodian.id).exists()
    about = dossier.petition.case or dossier.words.person_in_case
    if about not in seen:
        seen[about] = approvals.concerns(custodian, dossier.petition, dossier.words, question)
    return not seen[about]


@answers("challenge")
def challenge(question: Question) -> dict[str, Any]:
    """All that a custodian needs to decide, and what the browser is to sign."""
    custodian = asking(question, Role.CUSTODIAN)
    own = custodians.usable(custodian.id, question.organization, question.keys)
    dossier = _to_decide(custodian, question)
    return {
        "petition": json.loads(dossier.words.canonical),
        "reason": dossier.words.reason,
        "person": dossier.words.person_in_case,
        "requester": names_of({dossier.petition.requester}).get(dossier.petition.requester, ""),
        "options": custodians.options(own, dossier.challenge),
        "approvals": _approvals_so_far(dossier, question),
        "denials": _earlier_denials(dossier, question),
    }


def _approvals_so_far(dossier: Dossier, question: Question) -> list[dict[str, str]]:
    rows = approvals.counted(dossier, question)
    names = names_of({row.user_id for row in rows})
    return [{"custodian": names[row.user_id], "at": row.approved_at.isoformat()} for row in rows]


def _earlier_denials(dossier: Dossier, question: Question) -> list[dict[str, str]]:
    """Of requests for the same label of the same case: they stay visible to whoever decides."""
    petition = dossier.petition
    if petition.case is None:
        return []
    rows = Decision.objects.filter(
        approved=False,
        request__organization=question.organization,
        request__case_code=petition.case,
        request__label=petition.label,
    )
    found = list(
        rows.order_by("decided_at").values_list(
            "request", "request__field", "custodian", "decided_at"
        )
    )
    names = names_of({custodian for _, _, custodian, _ in found})
    return [
        {
            "custodian": names[custodian],
            "field": field,
            "at": decided_at.isoformat(),
            "why": _why_denied(identifier, question),
        }
        for identifier, field, custodian, decided_at in found
    ]


def _why_denied(identifier: UUID, question: Question) -> str:
    row = VaultRequest.objects.filter(pk=identifier).first()
    if row is None or not question.keys.has(row.pk):
        return ""
    return dossiers.read(row, question.keys).words.refusal


# --- deciding -------------------------------------------------------------------------------------


@answers("approve")
def approve(question: Question) -> dict[str, Any]:
    """With a passkey's signature over exactly this request. The second one grants it."""
    custodian = asking(question, Role.CUSTODIAN)
    own = custodians.usable(custodian.id, question.organization, question.keys)
    dossier, now = _to_decide(custodian, question), timezone.now()
    assertion = question.body.get("assertion")
    passkey = custodians.signed_with(own, assertion, dossier.challenge)
    VaultApproval.objects.create(
        request=dossier.row,
        passkey=passkey,
        user_id=custodian.id,
        assertion=custodians.kept(assertion),
        approved_at=now,
    )
    _put_down(custodian, dossier, question, now, approved=True)
    if approvals.is_approved(dossier, question):
        _grant(dossier, question, now)
    return _state_of(dossier)


def _grant(dossier: Dossier, question: Question, now: datetime) -> None:
    """A reveal may be viewed now. An erasure takes its time: it is carried out after the answer."""
    petition = dossier.petition
    dossier.note(question.keys, granted_at=now)
    row = ApprovalRequest.objects.filter(pk=petition.id)
    row.update(state=RequestState.APPROVED)
    if petition.act is Act.REVEAL:
        row.update(expires_at=now + timedelta(minutes=petition.minutes))
    notices.tell(question.organization, petition.act, Happening.APPROVED, petition.case)


@answers("deny")
def deny(question: Question) -> dict[str, Any]:
    """One denial ends a request, whoever approved before."""
    custodian = asking(question, Role.CUSTODIAN)
    why = question.text("why")
    dossier, now = _to_decide(custodian, question), timezone.now()
    dossier.note(question.keys, refusal=why)
    _put_down(custodian, dossier, question, now, approved=False)
    dossier.end(RequestState.DENIED, now=now)
    petition = dossier.petition
    notices.tell(question.organization, petition.act, Happening.DENIED, petition.case)
    return _state_of(dossier)


@answers("withdraw")
def withdraw(question: Question) -> dict[str, Any]:
    """By whoever asked, while nobody has granted it."""
    dossier = dossiers.take(question.identifier("id"), question.organization, question.keys)
    if dossier.petition.requester != question.asker:
        raise NotFound
    _refuse_closed(dossier)
    dossier.end(RequestState.WITHDRAWN, now=timezone.now())
    marks.leave_about(question.organization, question.asker, LookedAt.REQUEST, dossier.petition)
    return _state_of(dossier)


def _to_decide(custodian: Account, question: Question) -> Dossier:
    """The open request, locked, where this custodian may decide it."""
    dossier = dossiers.take(question.identifier("id"), question.organization, question.keys)
    match approvals.objection(custodian, dossier, question):
        case Objection.PARTICIPANT:
            raise NotFound
        case Objection.REQUESTER:
            raise NotAllowed("nobody decides a request of their own", code="own_request")
        case Objection.DECIDED:
            raise Conflict("you have approved this already", code="decided_already")
    _refuse_closed(dossier)
    return dossier


def _refuse_closed(dossier: Dossier) -> None:
    is_granted = dossier.words.granted_at is not None
    if dossier.is_over or is_granted or not is_open(dossier.petition, now=timezone.now()):
        raise Conflict("this request is no longer open", code="not_open")


def _put_down(
    custodian: Account, dossier: Dossier, question: Question, now: datetime, *, approved: bool
) -> None:
    Decision.objects.create(
        request_id=dossier.row.pk, custodian_id=custodian.id, approved=approved, decided_at=now
    )
    marks.leave_about(question.organization, custodian.id, LookedAt.DECISION, dossier.petition)


def _state_of(dossier: Dossier) -> dict[str, Any]:
    return {"state": ApprovalRequest.objects.values_list("state", flat=True).get(pk=dossier.row.pk)}


# --- time -----------------------------------------------------------------------------------------


@transaction.atomic
def expire(now: datetime) -> None:
    """Ends what nobody decided in time, and reveals whose minutes are over."""
    waiting = Q(state=RequestState.PENDING) | Q(state=RequestState.APPROVED, act=Act.REVEAL)
    late = ApprovalRequest.objects.filter(waiting, expires_at__lte=now).select_related(
        "organization"
    )
    for request in late:
        VaultRequest.objects.select_for_update().filter(pk=request.pk).first()
        if not late.filter(pk=request.pk).exists():
            continue
        dossiers.end(request.pk, RequestState.EXPIRED, now=now)
        act, case = Act(request.act), request.case_code
        notices.tell(request.organization, act, Happening.EXPIRED, case)
    enrolment.expire(now)
