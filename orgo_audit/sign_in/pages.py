"""The pages by which people come in and go: sign-in, password, where one is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from logs import interface
from orgo_audit.accounts import sessions
from orgo_audit.accounts.models import Session, User
from orgo_audit.callers import address_of, person_of


class SignIn(LoginView):
    """The one sign-in form, for every role."""

    template_name = "orgo_audit/sign_in.html"
    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        """Where the person wanted to go; never back to this form, which would be a loop."""
        wanted = super().get_redirect_url()
        return "" if wanted.partition("?")[0] == reverse("sign-in") else wanted


def locked_out(request: HttpRequest, answer: HttpResponse, credentials: Any) -> HttpResponse:
    """Too many wrong passwords: the same for names that exist and for those that do not."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    context = {
        "form": AuthenticationForm(request),
        "next": request.POST.get("next", ""),
        "locked_minutes": minutes,
    }
    page = render(request, SignIn.template_name, context, status=429)
    page.headers["Retry-After"] = str(minutes * 60)
    return page


class NewPasswordForm(PasswordChangeForm):
    """Saves the password alone: the web login may change nothing else of a person."""

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=False)
        user.save(update_fields=["password"])
        return user


class ChangePassword(PasswordChangeView):
    """Everybody's own password; other sessions of the person end."""

    template_name = "orgo_audit/change_password.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("home")

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        sessions.end(others_of(self.request))
        interface.report_account("Password Changed", form.user, address_of(self.request))
        messages.success(self.request, "Your password is changed. Other sessions have ended.")
        return answer


class SignOut(LogoutView):
    """Signs out by POST and leads back to the form."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its person knows it again; `name` is what the form sends."""

    session: Session
    name: str
    browser: str
    is_this: bool


@login_required
@require_http_methods(["GET", "POST"])
def sessions_page(request: HttpRequest) -> HttpResponse:
    """Where one is signed in; ends one session, all others, or all."""
    if request.method == "POST":
        return _end_sessions(request)
    return render(request, "orgo_audit/sessions.html", {"rows": _rows(request)})


def others_of(request: HttpRequest) -> list[Session]:
    """The person's sessions but this one."""
    return [row.session for row in _rows(request) if not row.is_this]


def _rows(request: HttpRequest) -> list[SessionRow]:
    this = request.session.session_key
    return [
        SessionRow(
            session,
            sessions.name_of(session.session_key),
            sessions.browser_of(session.agent),
            session.session_key == this,
        )
        for session in sessions.sessions_of(person_of(request), now=timezone.now())
    ]


def _end_sessions(request: HttpRequest) -> HttpResponse:
    person, address = person_of(request), address_of(request)
    wanted = request.POST.get("end", "")
    if wanted == "all":
        sessions.end(others_of(request))
        interface.report_account("Sessions Ended", person, address, {"ended": "all"})
        logout(request)
        return redirect("sign-in")
    chosen = [
        row.session for row in _rows(request) if not row.is_this and wanted in ("others", row.name)
    ]
    if ended := sessions.end(chosen):
        interface.report_account("Sessions Ended", person, address, {"ended": ended})
    messages.success(request, f"{ended} other session{'' if ended == 1 else 's'} ended.")
    return redirect("sessions")
