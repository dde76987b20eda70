"""Which account a sign-in is counted against. django-axes counts; names stay unreadable there."""

from __future__ import annotations

from typing import Any

from axes.utils import reset
from django.http import HttpRequest
from django.utils.crypto import salted_hmac


def account_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """A keyed digest of the name: people type passwords there, and the counter is a table."""
    typed = (credentials or request.POST).get("username") or ""
    return _digest(str(typed))


def unlock(name: str) -> bool:
    """Lets an account try again at once; False where nothing was counted against it."""
    return bool(reset(username=_digest(name)))


def _digest(name: str) -> str:
    return salted_hmac("sign-in account", name.encode(errors="replace").decode()).hexdigest()
