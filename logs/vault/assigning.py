"""Which HR managers get a case: never one who takes part in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from logs.cases.models import Case, CaseGrant
from logs.vault import subjects
from logs.vault.keys import Keys
from logs.vault.models import Participant
from logs.vault.namesakes import Known
from logs.vault.people import Person
from orgo_audit.accounts.models import Membership, Organization, Role, User
from orgo_audit.policy.schema import OrganizationPolicy


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


def assign(
    organization: Organization,
    cases: Sequence[tuple[Case, list[Person], bool]],
    policy: OrganizationPolicy,
) -> None:
    """Gives new cases to HR; takes a case from whoever has come to take part in it."""
    managers = accounts_with_role(organization, Role.HR_MANAGER)
    permission = view_permission()
    grants = []
    for case, joined, is_new in cases:
        named = Known.by({value for person in joined for value in person.fields.values()})
        partakers = {manager.id for manager in managers if manager.known.may_be(named)}
        if is_new:
            chosen = (
                m for m in managers if m.id not in partakers and _is_assignee(m, case, policy)
            )
            grants += [_grant(case, manager.id, permission) for manager in chosen]
        elif partakers:
            CaseGrant.objects.filter(content_object=case, user__in=partakers).delete()
    CaseGrant.objects.bulk_create(grants)


def _is_assignee(manager: Account, case: Case, policy: OrganizationPolicy) -> bool:
    workflow = policy.sensitive_workflows.get(case.workflow)
    return workflow is None or not workflow.assignees or manager.username in workflow.assignees


def view_permission() -> Permission:
    content_type = ContentType.objects.get_for_model(Case)
    return Permission.objects.get(content_type=content_type, codename="view_case")


def _grant(case: Case, user_id: int, permission: Permission) -> CaseGrant:
    return CaseGrant(content_object=case, user_id=user_id, permission=permission)


def takes_part(account: Account, case_code: UUID, keys: Keys) -> bool:
    """Whether this person is one of the case's participants."""
    participants = Participant.objects.filter(case_code=case_code)
    behind = (subjects.subject_behind(participant, keys) for participant in participants)
    return account.is_same_as(subjects.facts_of_many({one for one in behind if one}, keys))


def give(case: Case, user_id: int) -> None:
    """Assigns the case; the caller has made sure that this person takes no part in it."""
    CaseGrant.objects.get_or_create(
        content_object=case, user_id=user_id, permission=view_permission()
    )


def take_away(case: Case, user_id: int) -> None:
    CaseGrant.objects.filter(content_object=case, user=user_id).delete()
