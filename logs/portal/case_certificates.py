"""The certificates of ended cases, for those who oversee: a list, and each as JSON and PDF.

How many cases there were, and when they ended, is for no admin. Each look is in the access log.
"""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from logs.cases import looks
from logs.cases.access import organizations_overseen_by
from logs.cases.looks import Overseer
from logs.cases.models import LookedAt
from logs.pages import certificate_files
from logs.portal.frame import role_page, show
from logs.retention import certificates
from logs.retention.models import DestructionCertificate
from orgo_audit.accounts.models import Organization
from orgo_audit.addresses import cursor_in, page_href, single_values
from orgo_audit.callers import address_of, person_of

PAGE_SIZE = 100


@role_page(organizations_overseen_by)
@require_safe
def listed(request: HttpRequest, organizations: list[Organization]) -> HttpResponse:
    cursor = cursor_in(single_values(request.GET, frozenset({"cursor"})))
    page = certificates.page(certificates.of_cases(organizations), cursor, size=PAGE_SIZE)
    for organization in organizations:
        rows = sum(row.organization_id == organization.pk for row in page.rows)
        _look(request, organization, rows=rows)
    context = {
        "certificates": page.rows,
        "organizations": len(organizations),
        "cursor": cursor,
        "newer": page_href(page.previous),
        "older": page_href(page.next),
    }
    return show(request, "cases/certificates.html", context)


@role_page(organizations_overseen_by)
@require_safe
def as_json(
    request: HttpRequest, organizations: list[Organization], certificate_id: UUID
) -> HttpResponse:
    return certificate_files.as_json(_one(request, organizations, certificate_id))


@role_page(organizations_overseen_by)
@require_safe
def as_pdf(
    request: HttpRequest, organizations: list[Organization], certificate_id: UUID
) -> HttpResponse:
    return certificate_files.as_pdf(_one(request, organizations, certificate_id))


def _one(
    request: HttpRequest, organizations: list[Organization], certificate_id: UUID
) -> DestructionCertificate:
    one = certificates.one(certificates.of_cases(organizations), certificate_id)
    _look(request, cast("Organization", one.organization), case=one.case_code)
    return one


def _look(
    request: HttpRequest,
    organization: Organization,
    *,
    case: UUID | None = None,
    rows: int | None = None,
) -> None:
    overseer = Overseer(person_of(request), address_of(request))
    looks.record(overseer, organization, LookedAt.CERTIFIED, case=case, rows=rows)
