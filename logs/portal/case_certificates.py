"""The certificates of ended cases, for those who oversee: a list, and each as JSON and PDF.

How many cases there were, and when they ended, is for no admin. Each look is in the access log.
"""

from __future__ import annotations

import json
from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from logs.admin.listing import cursor_in, single_values
from logs.cases import looks
from logs.cases.access import organizations_overseen_by
from logs.cases.models import LookedAt
from logs.portal.access_log import PURPOSE
from logs.portal.frame import role_page, show
from logs.record.paging import Cursor
from logs.retention import ended_cases
from logs.retention.answers import certificate_as_json
from logs.retention.models import DestructionCertificate
from logs.retention.pdf import certificate_pdf
from orgo_audit.accounts.models import Organization, User
from orgo_audit.requests import address_of

PAGE_SIZE = 100


@role_page(organizations_overseen_by)
@require_safe
def listed(request: HttpRequest, organizations: list[Organization]) -> HttpResponse:
    cursor = cursor_in(single_values(request.GET, frozenset({"cursor"})))
    page = ended_cases.page(organizations, cursor, size=PAGE_SIZE)
    for organization in organizations:
        rows = sum(row.organization_id == organization.pk for row in page.rows)
        _look(request, organization, rows=rows)
    context = {
        "certificates": page.rows,
        "organizations": len(organizations),
        "cursor": cursor,
        "newer": _href(page.previous),
        "older": _href(page.next),
    }
    return show(request, "cases/certificates.html", context)


@role_page(organizations_overseen_by)
@require_safe
def as_json(
    request: HttpRequest, organizations: list[Organization], certificate_id: UUID
) -> HttpResponse:
    one = _one(request, organizations, certificate_id)
    content = json.dumps(certificate_as_json(one), indent=2) + "\n"
    return _file(content.encode(), "application/json", f"certificate-{one.pk}.json")


@role_page(organizations_overseen_by)
@require_safe
def as_pdf(
    request: HttpRequest, organizations: list[Organization], certificate_id: UUID
) -> HttpResponse:
    one = _one(request, organizations, certificate_id)
    return _file(certificate_pdf(one), "application/pdf", f"certificate-{one.pk}.pdf")


def _one(
    request: HttpRequest, organizations: list[Organization], certificate_id: UUID
) -> DestructionCertificate:
    one = ended_cases.one(organizations, certificate_id)
    _look(request, cast("Organization", one.organization), case=one.case_code)
    return one


def _look(
    request: HttpRequest,
    organization: Organization,
    *,
    case: UUID | None = None,
    rows: int | None = None,
) -> None:
    looks.record(
        cast("User", request.user),
        organization,
        LookedAt.CERTIFIED,
        case=case,
        rows=rows,
        purpose=PURPOSE,
        address=address_of(request),
    )


def _href(cursor: Cursor | None) -> str:
    return f"?{urlencode({'cursor': cursor.as_text()})}" if cursor else ""


def _file(content: bytes, media_type: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=media_type, headers=headers)
