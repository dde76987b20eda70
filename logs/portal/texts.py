"""A custodian's pages of free text: read it masked, clean it further, release it to HR."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from logs.cases import access, errands
from logs.cases.access import Custodian
from logs.portal.frame import role_page, show
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput, NotFound, OrgoError


@role_page(access.custodian)
@require_safe
def listed(request: HttpRequest, custodian: Custodian) -> HttpResponse:
    """The newest cases of each organization, and how many of their texts HR has."""
    told = [
        case | {"organization": organization.slug}
        for organization in custodian.organizations
        for case in errands.ask("text_cases", organization, {}, by=custodian.user)["cases"]
    ]
    context = {"title": "Texts", "cases": told, "many": len(custodian.organizations) > 1}
    return show(request, "cases/texts.html", context)


@role_page(access.custodian)
@require_http_methods(["GET", "HEAD", "POST"])
def of_case(request: HttpRequest, custodian: Custodian, code: UUID) -> HttpResponse:
    """Masked texts of one case, a page of events behind `?after=`; a POST releases one of them."""
    organization, told = _texts(custodian, code, _after(request))
    problem, typed = None, {}
    if request.method == "POST":
        event, text = (request.POST.get(name, "") for name in ("event", "text"))
        body = {"case": str(code), "event": event, "text": text}
        try:
            errands.ask("release_text", organization, body, by=custodian.user)
        except BadInput as refusal:
            problem, typed = refusal, {event: text}
        else:
            messages.success(request, "HR now reads this text with the event.")
            return redirect(request.get_full_path())
    context = {
        "title": "Texts of a case",
        "code": str(code),
        "texts": [
            text | {"typed": typed.get(text["event"], text["released"] or text["text"])}
            for text in told["texts"]
        ],
        "next": told["next"],
        "after": _after(request),
        "problem": problem,
    }
    return show(request, "cases/case_texts.html", context, status=_status(problem))


def _after(request: HttpRequest) -> int:
    try:
        return int(request.GET.get("after", "0"))
    except ValueError:
        raise BadInput("expected an event's number", path="after") from None


def _texts(custodian: Custodian, code: UUID, after: int) -> tuple[Organization, dict[str, Any]]:
    """The organization that has this case, and its texts; NotFound where none has it."""
    body = {"case": str(code), "after": after}
    for organization in custodian.organizations:
        try:
            return organization, errands.ask("texts", organization, body, by=custodian.user)
        except NotFound:
            continue
    raise NotFound


def _status(problem: OrgoError | None) -> int:
    return problem.status if problem else 200
