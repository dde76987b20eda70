"""Which HR managers get a case: never one who takes part in it."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from logs.cases.models import Case, CaseGrant
from logs.vault.accounts import Account, accounts_with_role
from logs.vault.namesakes import Known
from logs.vault.people import Person
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.policy.schema import OrganizationPolicy


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


def give(case: Case, user_id: int) -> None:
    """Assigns the case; the caller has made sure that this person takes no part in it."""
    CaseGrant.objects.get_or_create(
        content_object=case, user_id=user_id, permission=view_permission()
    )


def take_away(case: Case, user_id: int) -> None:
    CaseGrant.objects.filter(content_object=case, user=user_id).delete()
