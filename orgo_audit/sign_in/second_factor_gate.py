"""Keeps everything closed until a person's second factor is given. Never looks at a code itself."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from rest_framework.authentication import get_authorization_header

from orgo_audit.accounts import second_factor
from orgo_audit.accounts.models import User
from orgo_audit.accounts.second_factor import Standing
from orgo_audit.api import problem

# The device whose code was given in this session; another device, or none, makes it worthless.
VERIFIED_WITH = "second_factor"
FORMS = {Standing.CODE_DUE: "second-factor", Standing.SET_UP_DUE: "second-factor-set-up"}
OPEN = frozenset(
    {
        "/sign-in/",
        "/sign-out/",
        "/second-factor/",
        "/second-factor/set-up/",
        "/api/v1/schema/",
        "/api/v1/docs/",
        "/metrics",
        "/healthz",
        "/readyz",
    }
)
_SENTENCE = "this account needs a second factor; give it on the portal's pages, or send a token"


def second_factor_gate(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """One query for whoever is signed in, so that a change takes hold with the next request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path in OPEN or request.path.startswith("/static/") or _brings_token(request):
            return get_response(request)
        if not isinstance(request.user, User):
            return get_response(request)
        standing = standing_of(request, request.user)
        if standing is Standing.CLEAR:
            return get_response(request)
        return _closed(request, standing)

    return middleware


def standing_of(request: HttpRequest, user: User) -> Standing:
    return second_factor.standing_of(user, request.session.get(VERIFIED_WITH))


def _is_api(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")


def _brings_token(request: HttpRequest) -> bool:
    """The API then looks at the token alone; pages look at the session alone."""
    if not _is_api(request):
        return False
    return get_authorization_header(request).lower().split()[:1] == [b"bearer"]  # type: ignore[arg-type]  # it reads `META` only


def _closed(request: HttpRequest, standing: Standing) -> HttpResponse:
    if _is_api(request):
        challenge = {"WWW-Authenticate": "Bearer"}
        return problem(401, "second_factor_needed", _SENTENCE, headers=challenge)
    goes_on = request.get_full_path() if request.method in ("GET", "HEAD") else reverse("home")
    return redirect_to_login(goes_on, reverse(FORMS[standing]))
