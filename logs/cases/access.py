"""Who may see which cases: the one place that decides. Nobody but an HR manager ever may.

A case needs both: the policy's view of its workflow, and a grant of this very case. Custodians,
auditors and data protection officers see requests and the restricted access log, never a case.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from guardian.shortcuts import get_objects_for_user

from logs.cases.models import Case
from logs.record.access import granted_views
from orgo_audit.accounts.models import Membership, Organization, Role, User
from orgo_audit.accounts.people import Identity, organizations_with_role
from orgo_audit.errors import NotFound
from orgo_audit.policy import versions
from orgo_audit.policy.schema import OrganizationPolicy, anonymized_view

PERMISSION = "logs.view_case"
OVERSEERS = (Role.DPO, Role.AUDITOR)


@dataclass(frozen=True, slots=True)
class HrViewer:
    """An HR manager, the workflows that the policy lets see, and what this look is for."""

    user: User
    workflows: dict[Organization, tuple[str, ...]]
    address: str | None
    purpose: str = ""

    @property
    def organizations(self) -> list[Organization]:
        return sorted(self.workflows, key=lambda organization: organization.slug)

    def organization(self, pk: int) -> Organization:
        return next(one for one in self.workflows if one.pk == pk)


def hr_viewer(identity: Identity, address: str | None = None, purpose: str = "") -> HrViewer:
    """NotFound for everybody who is no HR manager, or whom the policy shows nothing."""
    found = workflows_shown_to(identity)
    if not isinstance(identity, User) or not found:
        raise NotFound
    return HrViewer(identity, found, address, purpose)


def sees_cases(user: User) -> bool:
    """Whether somebody is an HR manager whom the policy shows a kind of cases."""
    return bool(workflows_shown_to(user))


def workflows_shown_to(identity: Identity) -> dict[Organization, tuple[str, ...]]:
    """Which kinds of cases the policy shows an HR manager where; nothing for everybody else."""
    if not isinstance(identity, User):
        return {}
    found = {}
    for organization, views in granted_views(identity, Role.HR_MANAGER).items():
        known = policy_of(organization).sensitive_workflows
        if shown := tuple(name for name in known if anonymized_view(name) in views):
            found[organization] = shown
    return found


def policy_of(organization: Organization) -> OrganizationPolicy:
    return versions.current().for_organization(organization.slug)


def readable_cases(viewer: HrViewer) -> QuerySet[Case]:
    """The assigned cases of the workflows that the viewer may see. To be used behind `as_hr`."""
    shown = Q(pk=None)
    for organization, workflows in viewer.workflows.items():
        shown |= Q(organization=organization.pk, workflow__in=workflows)
    cases: QuerySet[Case] = get_objects_for_user(
        viewer.user,
        PERMISSION,
        Case,
        use_groups=False,
        with_superuser=False,
        accept_global_perms=False,
    )
    return cases.filter(shown)


def hr_managers_of(organization: Organization) -> QuerySet[User]:
    """To whom its cases may be assigned, by name."""
    held = Membership.objects.filter(organization=organization, role=Role.HR_MANAGER)
    return User.objects.filter(is_active=True, pk__in=held.values("user")).order_by("username")


def organizations_decided_by(identity: Identity) -> list[Organization]:
    """Where somebody is custodian; NotFound for everybody else."""
    return _with_role(identity, Role.CUSTODIAN)


def organizations_overseen_by(identity: Identity) -> list[Organization]:
    """Where somebody may read the restricted access log; NotFound for everybody else."""
    return _with_role(identity, *OVERSEERS)


def _with_role(identity: Identity, *roles: Role) -> list[Organization]:
    found = organizations_with_role(identity, *roles)
    if not found:
        raise NotFound
    return found


@dataclass(frozen=True, slots=True)
class Custodian:
    """Somebody who decides on requests, and where."""

    user: User
    organizations: list[Organization]

    def organization(self, slug: str) -> Organization:
        """NotFound where they do not serve."""
        for one in self.organizations:
            if one.slug == slug:
                return one
        raise NotFound


def custodian(identity: Identity) -> Custodian:
    """NotFound for everybody who is none."""
    organizations = organizations_decided_by(identity)
    if not isinstance(identity, User):
        raise NotFound
    return Custodian(identity, organizations)
