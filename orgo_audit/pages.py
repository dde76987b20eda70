"""The pages that belong to nobody in particular: home, and the calm answers to errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse

from logs import interface
from orgo_audit import api
from orgo_audit.accounts.models import Role, User
from orgo_audit.accounts.people import organizations_with_role
from orgo_audit.admin import PageRefused, is_admin
from orgo_audit.callers import address_of, method_of, person_of, route_of
from orgo_audit.errors import Unavailable

Answer = Callable[[HttpRequest], HttpResponse]

# Where people of the restricted world begin who see no case.
_FRONT_PAGES = {"reveals": (Role.CUSTODIAN,), "case-access-log": (Role.DPO, Role.AUDITOR)}


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Leads each role to what it has; whoever has nothing yet is told so, calmly."""
    if is_admin(request):
        return redirect("admin:index")
    person = person_of(request)
    if interface.sees_cases(person):
        return redirect("cases")
    for page, roles in _FRONT_PAGES.items():
        if organizations_with_role(person, *roles):
            return redirect(page)
    return render(request, "orgo_audit/nothing_yet.html")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 400, "bad_request")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 403, "not_allowed")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    _report_refusal(request, "CSRF")
    if request.path == reverse("sign-in") and request.user.is_authenticated:
        return redirect(request.get_full_path())  # signed in by another tab meanwhile: it leads on
    return _error(request, 403, "not_allowed")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, PageRefused):
        _report_refusal(request, "no role")
    return _error(request, 404, "not_found")


def wrong_method(get_response: Answer) -> Answer:
    """Puts words to the refusal of a method, which Django leaves empty."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or response.content:
            return response
        allowed = response.headers["Allow"]
        page = _error(request, response.status_code, "method_not_allowed", allowed=allowed)
        page.headers["Allow"] = allowed
        return page

    return middleware


def server_error(request: HttpRequest) -> HttpResponse:
    """Asks nothing of the session or the database: they may be what is broken."""
    error = sys.exception()
    is_away = isinstance(error, api.DATABASE_AWAY)
    if request.path.startswith("/api/"):
        return api.database_away() if is_away else _error(request, 500, "server_error")
    status, code = 500, "server_error"
    if is_away or isinstance(error, Unavailable):
        status, code = 503, "database_away" if is_away else "unavailable"
    page = render_to_string(
        "orgo_audit/error.html", {"status": status, "sentence": _SENTENCES[code]}
    )
    headers = {"Retry-After": api.RETRY_AFTER_SECONDS} if status == 503 else None
    return HttpResponse(page, status=status, headers=headers)


_SENTENCES = {
    "bad_request": "This request could not be understood.",
    "not_allowed": "You may not do this, or the form was open for too long. Go back and try again.",
    "not_found": "There is nothing here.",
    "method_not_allowed": "This address cannot be used like this: it takes {allowed} alone.",
    "database_away": "The database is away for a moment. What was recorded is safe.",
    "unavailable": (
        "A part that this needs is not ready; /readyz says which. What was recorded is safe."
    ),
    "server_error": "Something went wrong on our side. What was recorded is safe.",
}


def _report_refusal(request: HttpRequest, why: str) -> None:
    user = request.user if isinstance(request.user, User) else None
    what = f"{method_of(request)} {route_of(request)}"
    interface.report_refusal(user, address_of(request), what, why)


def _error(request: HttpRequest, status: int, code: str, **facts: str) -> HttpResponse:
    sentence = _SENTENCES[code].format(**facts)
    if request.path.startswith("/api/"):
        return api.problem(status, code, sentence)
    context = {"status": status, "sentence": sentence}
    return render(request, "orgo_audit/error.html", context, status=status)
