"""Who asks the vault, as what, and whether they take part in a case.

The web process's word for a person gives no right by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from logs.cases.models import Case
from logs.vault import subjects
from logs.vault.keys import Keys
from logs.vault.namesakes import Known
from logs.vault.questions import Question
from orgo_audit.accounts.models import Membership, Organization, Role, User
from orgo_audit.errors import NotFound


@dataclass(frozen=True, slots=True)
class Account:
    """A person who signs in, as far as it takes to know them again in a case."""

    id: int
    username: str
    known: Known

    def is_same_as(self, names: Iterable[str]) -> bool:
        """Whether one of these names or addresses may be this person's; in doubt it is.

        So whoever bears a first name that is said alone does not get the case.
        """
        return self.known.may_be(Known.by(names))


def account_of(user_id: int) -> Account | None:
    rows = User.objects.filter(pk=user_id, is_active=True)
    return next((_account(*row) for row in rows.values_list("id", "username", "email")), None)


def _account(user_id: int, username: str, email: str) -> Account:
    return Account(user_id, username, Known.by((username, email)))


def accounts_with_role(organization: Organization, role: Role) -> list[Account]:
    held = Membership.objects.filter(organization=organization, role=role, user__is_active=True)
    rows = held.order_by("user_id").values_list("user_id", "user__username", "user__email")
    return [_account(*row) for row in rows]


def with_role(user_id: int, organization: Organization, *roles: Role) -> Account | None:
    """The account, where it is active and holds one of these roles in this organization."""
    held = Membership.objects.filter(user=user_id, organization=organization, role__in=roles)
    return account_of(user_id) if held.exists() else None


def takes_part(account: Account, case_codes: Iterable[UUID], keys: Keys) -> bool:
    """Whether this person is a participant of one of these cases."""
    behind = subjects.behind_labels(list(case_codes), keys)
    return account.is_same_as(subjects.facts_of_many(behind, keys))


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
    if takes_part(account, [case.code], question.keys):
        raise NotFound
    return account, case


def case_of(organization: Organization, case_code: UUID | None, **conditions: object) -> Case:
    cases = Case.objects.filter(pk=case_code) if case_code else Case.objects.none()
    case = cases.filter(organization=organization, **conditions).first()
    if case is None:
        raise NotFound
    return case
