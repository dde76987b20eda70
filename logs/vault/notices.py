"""Who is told that something happened: never what, to whom or about whom."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from logs.cases.access import OVERSEERS
from logs.cases.acts import Act, Happening
from logs.cases.models import CaseGrant, Notice
from orgo_audit.accounts.models import Membership, Organization, Role


def tell(
    organization: Organization,
    act: Act,
    happening: Happening,
    case_code: UUID | None = None,
    *,
    also: Collection[int] = (),
) -> None:
    """A notice to each assigned HR manager of the case, and to each overseer, for the worker."""
    told = _receivers(organization, case_code).union(also)
    Notice.objects.bulk_create(
        Notice(
            organization=organization,
            user_id=user_id,
            kind=f"{act.value}_{happening.value}",
            case_code=case_code,
        )
        for user_id in sorted(told)
    )


def _receivers(organization: Organization, case_code: UUID | None) -> set[int]:
    assigned = CaseGrant.objects.filter(content_object=case_code).values("user")
    told = Q(role__in=OVERSEERS) | Q(role=Role.HR_MANAGER, user__in=assigned)
    held = Membership.objects.filter(told, organization=organization, user__is_active=True)
    return set(held.values_list("user", flat=True))
