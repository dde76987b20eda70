"""Puts sign-ins, failed ones and sign-outs on record, whichever door they came through."""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from logs import interface
from orgo_audit.accounts import lockout, second_factor, sessions
from orgo_audit.accounts.models import User
from orgo_audit.callers import address_of


@receiver(user_logged_in)
def signed_in(*, request: HttpRequest, user: User, **_: Any) -> None:
    lockout.unlock(user.get_username())
    address = address_of(request)
    agent = request.META.get("HTTP_USER_AGENT", "")
    sessions.begin(request.session, address=address or "", agent=agent, now=timezone.now())
    is_due = second_factor.standing_of(user, None) is not second_factor.Standing.CLEAR
    interface.report_account("Login", user, address, {"second_factor": "due"} if is_due else {})


@receiver(user_logged_out)
def signed_out(*, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        interface.report_account("Logout", user, address_of(request))


@receiver(user_login_failed)
def failed(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    if getattr(request, "axes_locked_out", False) and not _was_tried(request):
        return
    interface.report_failed_sign_in(str(credentials.get("username", "")), address_of(request))


def _was_tried(request: HttpRequest | None) -> bool:
    """False where django-axes refused before it looked at the password."""
    return bool(getattr(request, "axes_failures_since_start", 0))


@receiver(user_locked_out)
def locked_out(*, request: HttpRequest, **_: Any) -> None:
    # As the form has read it, not as it was typed: a blank around a name does not hide whose it is.
    name = getattr(request, "axes_credentials", {}).get("username", "")
    interface.report_lockout(str(name), address_of(request))
