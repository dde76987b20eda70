"""Puts sign-ins, failed ones and sign-outs on record, whichever door they came through."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from logs import interface
from orgo_audit.accounts.models import User
from orgo_audit.requests import address_of


@receiver(user_logged_in)
def signed_in(*, request: HttpRequest, user: User, **_: Any) -> None:
    interface.report_sign_in(user, address_of(request))


@receiver(user_logged_out)
def signed_out(*, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        interface.report_sign_out(user, address_of(request))


@receiver(user_login_failed)
def failed(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    interface.report_failed_sign_in(str(credentials.get("username", "")), address_of(request))
