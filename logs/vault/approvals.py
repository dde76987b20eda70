"""Whose approval of a request counts: judged from the signatures each time, never by a state."""

from __future__ import annotations

from logs.vault import custodians
from logs.vault.accounts import Account, takes_part, with_role
from logs.vault.dossiers import Dossier, Words
from logs.vault.models import VaultApproval
from logs.vault.petitions import Objection, Petition, are_enough, may_decide
from logs.vault.questions import Question
from orgo_audit.accounts.models import Role


def objection(account: Account, dossier: Dossier, question: Question) -> Objection | None:
    """Why this custodian may not decide now, or None."""
    given = VaultApproval.objects.filter(request=dossier.row)
    decided_by = set(given.values_list("user_id", flat=True))
    return _objection(account, dossier, question, decided_by)


def _objection(
    account: Account, dossier: Dossier, question: Question, decided_by: set[int]
) -> Objection | None:
    concerned = [account.id] if concerns(account, dossier.petition, dossier.words, question) else []
    return may_decide(
        dossier.petition, account.id, participant_ids=concerned, decided_by=decided_by
    )


def concerns(account: Account, petition: Petition, words: Words, question: Question) -> bool:
    """Whether the request is about this very person, or a case in which they take part."""
    if words.person and account.is_same_as([words.person]):
        return True
    case = petition.case or words.case
    return case is not None and takes_part(account, [case], question.keys)


def counted(dossier: Dossier, question: Question) -> list[VaultApproval]:
    """The approvals that count at this moment, in their order."""
    rows = VaultApproval.objects.filter(request=dossier.row).order_by("approved_at", "pk")
    return [row for row in rows.select_related("passkey") if _counts(row, dossier, question)]


def _counts(row: VaultApproval, dossier: Dossier, question: Question) -> bool:
    passkey, organization = row.passkey, question.organization
    account = with_role(row.user_id, organization, Role.CUSTODIAN)
    return (
        account is not None
        and passkey.user_id == account.id
        and passkey.organization_id == organization.pk
        and custodians.is_usable(passkey, question.keys)
        and custodians.has_signed(passkey, row.assertion, dossier.challenge)
        and _objection(account, dossier, question, set()) is None
    )


def is_approved(dossier: Dossier, question: Question) -> bool:
    """Whether enough approvals count at this moment."""
    return are_enough(dossier.petition, [row.user_id for row in counted(dossier, question)])
