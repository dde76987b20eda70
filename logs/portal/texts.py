"""A custodian's pages of free text: read it masked, clean it further, release it to HR."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from logs.cases import access, errands
from logs.cases.access import Custodian
from logs.portal.frame import role_page, show
from orgo_audit.errors import BadInput, NotFound, OrgoError, Unavailable


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
    """Masked texts of one case, a page of events behind `?after=`; a POST releases one of them.

    One form holds them all: what was taken out of the others is still there after a release.
    """
    typed, chosen, problem = _typed(request), "", None
    if request.method == "POST":
        chosen = request.POST.get("release", "")
        if chosen not in typed:
            raise BadRequest
        problem = _release(custodian, code, typed[chosen])
    told = _texts(request, custodian, code, problem)
    context = {
        "title": "Texts of a case",
        "code": str(code),
        "texts": [_shown(text, typed.get(text["event"], {})) for text in told["texts"]],
        "next": told["next"],
        "after": _after(request),
        "chosen": chosen,
        "problem": problem,
    }
    return show(request, "cases/case_texts.html", context, status=_status(problem))


def _typed(request: HttpRequest) -> dict[str, dict[str, str]]:
    """What stood in the form, by event."""
    columns = (request.POST.getlist(name) for name in ("event", "place", "text"))
    return {
        event: {"event": event, "place": place, "typed": text.replace("\r\n", "\n")}
        for event, place, text in zip(*columns, strict=False)
    }


def _shown(text: dict[str, Any], typed: dict[str, str]) -> dict[str, Any]:
    """With what its field holds: what was typed, else what HR has, else all of it."""
    return {"typed": text.get("released") or text.get("text")} | typed | text


def _release(custodian: Custodian, code: UUID, typed: dict[str, str]) -> OrgoError | None:
    """Gives HR what is left of this text; why not, where that cannot be."""
    body = {"case": str(code), "event": typed["event"], "text": typed["typed"]}
    try:
        _ask("release_text", custodian, body)
    except (BadInput, Unavailable) as problem:
        return problem
    return None


def _texts(
    request: HttpRequest, custodian: Custodian, code: UUID, problem: OrgoError | None
) -> dict[str, Any]:
    """The page's texts by the vault; while it is away, those that stood in the form."""
    try:
        if isinstance(problem, Unavailable):
            raise problem
        return _ask("texts", custodian, {"case": str(code), "after": _after(request)})
    except Unavailable:
        if request.method != "POST":
            raise
        return {"texts": list(_typed(request).values()), "next": None}


def _after(request: HttpRequest) -> int:
    try:
        return int(request.GET.get("after", "0"))
    except ValueError:
        raise BadInput("expected an event's number", path="after") from None


def _ask(kind: str, custodian: Custodian, body: dict[str, Any]) -> dict[str, Any]:
    """By the organization that has this case; NotFound where none has it."""
    for organization in custodian.organizations:
        try:
            return errands.ask(kind, organization, body, by=custodian.user)
        except NotFound:
            continue
    raise NotFound


def _status(problem: OrgoError | None) -> int:
    return problem.status if problem else 200
