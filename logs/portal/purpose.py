"""What a session's looks are for: asked once, kept in the session, carried by every look."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

SESSION_KEY = "purpose"
OTHER = "other"
CHOICES = {
    "work": "Work on a case",
    "reporting": "Reporting",
    "handover": "Handover",
    OTHER: "Something else",
}
LONGEST_WORDS = 150


class PurposeForm(forms.Form):
    """One of the usual purposes, or another one in words."""

    purpose = forms.ChoiceField(
        choices=list(CHOICES.items()),
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose what you are here for.",
            "invalid_choice": "Choose one of these.",
        },
    )
    words = forms.CharField(required=False, max_length=LONGEST_WORDS)
    next = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        if told.get("purpose") == OTHER and not told.get("words"):
            self.add_error("words", "Say in a few words what you are here for.")
        return told


def of(request: HttpRequest) -> str:
    """What this session is for; empty where nobody has said so yet."""
    told: str = request.session.get(SESSION_KEY, "")
    return told


def keep(request: HttpRequest, purpose: str, words: str) -> None:
    """All later looks of this session carry it."""
    request.session[SESSION_KEY] = words if purpose == OTHER else CHOICES[purpose]


def wanted_address(request: HttpRequest) -> str:
    """Where somebody goes who has yet to say why: here, or to the list where this was no page."""
    return request.get_full_path() if request.method == "GET" else reverse("cases")


def page_before(request: HttpRequest) -> str:
    """The page of ours from which somebody came; the browser tells it to us alone."""
    told = urlsplit(request.headers.get("Referer", ""))
    came_from_us = told.netloc == request.get_host()
    return safe_address(told._replace(scheme="", netloc="").geturl() if came_from_us else "")


def safe_address(address: str) -> str:
    """The address, where it is one of this area; else the list of cases."""
    start = reverse("cases")
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_ours and address.startswith(start) else start
