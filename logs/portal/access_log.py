"""The restricted access log, for those who oversee: who looked at which case, and what for.

Neither HR nor an admin reads it; whoever does leaves a line in it.
"""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from logs.admin.listing import single_values
from logs.cases import looks
from logs.cases.access import organizations_overseen_by
from logs.cases.models import Look, LookedAt
from logs.portal.frame import role_page, show
from logs.portal.listing import SHORT_CODE
from orgo_audit.accounts.models import Organization, User
from orgo_audit.errors import BadInput
from orgo_audit.requests import address_of

PAGE_SIZE = 100
# Overseers see no case, so their own looks need no other reason.
PURPOSE = "oversight"


@role_page(organizations_overseen_by)
@require_safe
def access_log(request: HttpRequest, organizations: list[Organization]) -> HttpResponse:
    given = single_values(request.GET, frozenset({"before"}))
    before = _line_in(given["before"]) if "before" in given else None
    lines, has_more = looks.lines(organizations, before=before, size=PAGE_SIZE)
    for organization in organizations:
        looks.record(
            cast("User", request.user),
            organization,
            LookedAt.ACCESS_LOG,
            rows=len(lines),
            purpose=PURPOSE,
            address=address_of(request),
        )
    context = {
        "rows": _rows(lines, organizations),
        "organizations": len(organizations),
        "is_newest": before is None,
        "older": f"?before={lines[-1].pk}" if has_more else "",
    }
    return show(request, "cases/access_log.html", context)


def _rows(lines: list[Look], organizations: list[Organization]) -> list[dict[str, object]]:
    known = {organization.pk: organization.slug for organization in organizations}
    return [
        {
            "look": line,
            "code": str(line.case_code or "")[:SHORT_CODE],
            "organization": known[line.organization_id],
        }
        for line in lines
    ]


def _line_in(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise BadInput("expected the number of a line", path="before")
