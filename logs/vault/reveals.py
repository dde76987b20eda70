"""Shows one field of one person, as often and as long as two custodians granted.

Each look is on record before the value leaves: the answer is readable only once all of it is
committed.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from logs.cases.acts import Act, Happening
from logs.cases.models import ApprovalRequest, LookedAt, RequestState
from logs.vault import approvals, dossiers, marks, notices, subjects
from logs.vault.accounts import asking_hr
from logs.vault.dossiers import Dossier
from logs.vault.models import Participant, VaultView
from logs.vault.petitions import view_is_allowed
from logs.vault.questions import Question, answers
from orgo_audit.errors import Conflict, NotFound


@answers("view")
def view(question: Question) -> dict[str, Any]:
    """The value, for whoever asked for it and still works on the case."""
    dossier = dossiers.take(question.identifier("id"), question.organization, question.keys)
    petition = dossier.petition
    if petition.act is not Act.REVEAL or petition.requester != question.asker:
        raise NotFound
    _, case = asking_hr(question, petition.case)
    _put_down(dossier, question)
    behind = Participant.objects.get(case_code=case.code, label=petition.label)
    return _value(behind, petition.field, question)


def _put_down(dossier: Dossier, question: Question) -> None:
    """Counts the look; Conflict where there is none left, or there never was one."""
    now, petition = timezone.now(), dossier.petition
    done = VaultView.objects.filter(request=dossier.row).count()
    granted_at = dossier.words.granted_at
    if granted_at is None or not approvals.is_approved(dossier, question):
        raise Conflict("two custodians have not approved this", code="not_approved")
    allowed = view_is_allowed(petition, granted_at=granted_at, views_done=done, now=now)
    if dossier.is_over or not allowed:
        raise Conflict("this reveal is over: ask for another one", code="reveal_over")
    VaultView.objects.create(request=dossier.row, user_id=question.asker, viewed_at=now)
    ApprovalRequest.objects.filter(pk=dossier.row.pk).update(views_done=done + 1)
    marks.leave_about(question.organization, question.asker, LookedAt.REVEAL, petition)
    notices.tell(question.organization, petition.act, Happening.VIEWED, petition.case)
    if done + 1 == petition.views:
        dossier.end(RequestState.SPENT, now=now)


def _value(behind: Participant, field: str, question: Question) -> dict[str, Any]:
    """The field's value, or None where it is not known."""
    subject = subjects.subject_behind(behind, question.keys)
    if subject is None:
        return {"value": None, "erased": behind.erased_on is not None}
    question.keys.of(subject)  # a key that is missing all the same is lost, and not an erasure
    fields = subjects.fields_of(subject, question.keys)
    return {"value": fields.get(field), "erased": False}
