"""What all pages of the restricted area share: who may enter, for what purpose, refusals.

Whoever may not enter finds nothing here; whoever sees cases has said why.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from logs.cases.access import hr_viewer
from logs.portal import purpose
from orgo_audit.accounts.models import User
from orgo_audit.accounts.people import Identity
from orgo_audit.admin import PageRefused
from orgo_audit.callers import address_of
from orgo_audit.errors import NotFound, OrgoError

View = Callable[..., HttpResponseBase]
Found = TypeVar("Found")

_TITLES = {
    400: "This cannot be used",
    403: "You may not do this",
    409: "This is no longer possible",
    503: "The vault is away for a moment",
}


def hr_page(view: View) -> View:
    """For HR managers: the view gets the viewer, who carries the purpose of this session."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        def enter(user: User) -> HttpResponseBase:
            told = purpose.of(request)
            viewer = _or_refused(lambda: hr_viewer(user, address_of(request), told))
            if not told:
                return ask_purpose(request, purpose.wanted_address(request))
            return view(request, viewer, *args, **kwargs)

        return _entered(request, enter)

    return guarded


def role_page(found_for: Callable[[Identity], object]) -> Callable[[View], View]:
    """For whoever this function finds something for, such as organizations: the view gets it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            def enter(user: User) -> HttpResponseBase:
                found = _or_refused(lambda: found_for(user))
                return view(request, found, *args, **kwargs)

            return _entered(request, enter)

        return guarded

    return decorate


def purpose_page(request: HttpRequest) -> HttpResponseBase:
    """Asks an HR manager what this session is for, and leads on to where they wanted to go."""

    def enter(user: User) -> HttpResponseBase:
        _or_refused(lambda: hr_viewer(user))
        if request.method != "POST":
            return ask_purpose(request, purpose.page_before(request))
        form = purpose.PurposeForm(request.POST)
        if not form.is_valid():
            return ask_purpose(request, purpose.safe_address(request.POST.get("next", "")), form)
        purpose.keep(request, form.cleaned_data["purpose"], form.cleaned_data["words"])
        return HttpResponseRedirect(purpose.safe_address(form.cleaned_data["next"]))

    return _entered(request, enter)


def ask_purpose(
    request: HttpRequest, wanted: str, form: purpose.PurposeForm | None = None
) -> HttpResponse:
    context = {"form": form or purpose.PurposeForm(), "wanted": wanted, "other": purpose.OTHER}
    return show(request, "cases/purpose.html", context, status=400 if form else 200)


def show(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A page of this area, which says what for somebody is here."""
    return render(request, template, {"purpose": purpose.of(request)} | context, status=status)


def _entered(request: HttpRequest, enter: Callable[[User], HttpResponseBase]) -> HttpResponseBase:
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path(), reverse("sign-in"))
    try:
        return enter(request.user)
    except NotFound:
        raise Http404 from None
    except OrgoError as problem:
        context = {"title": _TITLES.get(problem.status, _TITLES[400]), "problem": problem}
        return show(request, "cases/refused.html", context, status=problem.status)


def _or_refused(resolve: Callable[[], Found]) -> Found:
    """Whoever lacks the role is put on record; whatever else is not there is not."""
    try:
        return resolve()
    except NotFound:
        raise PageRefused from None
