"""Who asks the vault, and as what. The web process's word for a person gives no right by itself."""

from __future__ import annotations

from uuid import UUID

from logs.cases.models import Case
from logs.vault.assigning import Account, account_of, takes_part
from logs.vault.errands import Question
from orgo_audit.accounts.models import Membership, Organization, Role, User
from orgo_audit.errors import NotFound


def with_role(user_id: int, organization: Organization, *roles: Role) -> Account | None:
    """The account, where it is active and holds one of these roles in this organization."""
    held = Membership.objects.filter(user=user_id, organization=organization, role__in=roles)
    return account_of(user_id) if held.exists() else None


def asking(question: Question, *roles: Role) -> Account:
    """Who asks; NotFound where they hold none of these roles."""
    account = with_role(question.asker, question.organization, *roles)
    if account is None:
        raise NotFound
    return account


def asking_hr(question: Question, case_code: UUID | None) -> tuple[Account, Case]:
    """The HR manager who asks about an assigned case; NotFound for everybody and all else.

    Also for one who takes part in it, whoever assigned it.
    """
    account = asking(question, Role.HR_MANAGER)
    case = case_of(question.organization, case_code, casegrant__user=account.id)
    if takes_part(account, case.code, question.keys):
        raise NotFound
    return account, case


def case_of(organization: Organization, case_code: UUID | None, **conditions: object) -> Case:
    cases = Case.objects.filter(pk=case_code) if case_code else Case.objects.none()
    case = cases.filter(organization=organization, **conditions).first()
    if case is None:
        raise NotFound
    return case


def names_of(user_ids: set[int]) -> dict[int, str]:
    return dict(User.objects.filter(pk__in=user_ids).values_list("pk", "username"))
