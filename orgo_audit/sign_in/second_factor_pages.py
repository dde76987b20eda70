"""The pages of the second factor. Shows recovery codes once, and never repeats a typed code.

New codes are in the answer to the POST that made them and nowhere else: no redirect, no session.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Callable
from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_safe
from django_otp.plugins.otp_totp.models import TOTPDevice

from logs import interface
from orgo_audit.accounts import second_factor
from orgo_audit.accounts.second_factor import Standing, Verdict
from orgo_audit.callers import address_of, person_of
from orgo_audit.errors import Conflict
from orgo_audit.sign_in.second_factor_gate import FORMS, VERIFIED_WITH, standing_of

MOST_REFUSALS = 5
_REFUSALS = "second_factor_refusals"
_SECRET = "second_factor_secret"  # noqa: S105  (the name of a place in the session)
_CODE = re.compile(f"[0-9]{{6}}|[0-9]{{{second_factor.RECOVERY_DIGITS}}}")
_REFUSED = "This code is wrong, or was used before. Wait for the next one."
_NOT_YET = "This is not the code of now. Is your phone's clock set by itself? Type the next code."
_form_methods = require_http_methods(["GET", "HEAD", "POST"])


class CodeForm(forms.Form):
    """Six digits of an app, or the twelve of a recovery code; spaces and hyphens do not count."""

    code = forms.CharField(max_length=40)

    def clean_code(self) -> str:
        typed = re.sub(r"[\s-]", "", str(self.cleaned_data["code"]))
        if not _CODE.fullmatch(typed):
            raise forms.ValidationError("A code has 6 digits, a recovery code 12.")
        return typed


@login_required
@_form_methods
def give_code(request: HttpRequest) -> HttpResponse:
    """Asks for a code after the password, and leads on."""
    standing = standing_of(request, person_of(request))
    if standing is Standing.SET_UP_DUE:
        return redirect_to_login(_goes_on_to(request), reverse(FORMS[standing]))
    if standing is Standing.CLEAR:
        return redirect(_goes_on_to(request))
    return _with_code(request, "orgo_audit/second_factor.html", _let_in, is_closed=True)


@login_required
@_form_methods
def set_up(request: HttpRequest) -> HttpResponse:
    """Shows a new secret, and keeps it once the app gives its code."""
    person = person_of(request)
    if second_factor.device_of(person) is not None:
        return redirect("second-factor-settings")
    secret = request.session.setdefault(_SECRET, second_factor.new_secret())
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            if codes := _set_up(request, secret, form.cleaned_data["code"]):
                return _show(request, codes, goes_on_to=_goes_on_to(request))
        except Conflict:
            return redirect("second-factor-settings")
        form.add_error("code", _NOT_YET)
    device = second_factor.unsaved_device(person, secret)
    is_demanded = second_factor.is_demanded(person)
    context = {
        "form": form,
        "next": _goes_on_to(request),
        "picture": segno.make(device.config_url).svg_data_uri(scale=4, light="#fff", omitsize=True),
        "secret": _grouped(b32encode(device.bin_key).decode()),
        "is_demanded": is_demanded,
        "is_closed": is_demanded,
    }
    return render(request, "orgo_audit/second_factor_set_up.html", context)


@login_required
@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    """How one's own sign-in is secured."""
    person = person_of(request)
    context = {
        "device": second_factor.device_of(person),
        "codes_left": second_factor.recovery_codes_left(person),
        "is_demanded": second_factor.is_demanded(person),
    }
    return render(request, "orgo_audit/second_factor_settings.html", context)


@login_required
@_form_methods
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes, against a fresh code."""
    if second_factor.device_of(person_of(request)) is None:
        return redirect("second-factor-settings")
    return _with_code(request, "orgo_audit/second_factor_recovery.html", _replace_codes)


@login_required
@_form_methods
def remove(request: HttpRequest) -> HttpResponse:
    """Back to the password alone, against a fresh code, where the policy lets one."""
    person = person_of(request)
    if second_factor.device_of(person) is None:
        return redirect("second-factor-settings")
    if second_factor.is_demanded(person):
        messages.error(request, "Your organization's policy asks for a second factor.")
        return redirect("second-factor-settings")
    return _with_code(request, "orgo_audit/second_factor_remove.html", _remove)


# --- what follows an accepted code --------------------------------------------------------------


def _let_in(request: HttpRequest) -> HttpResponse:
    device = second_factor.device_of(person_of(request))
    if device is not None:
        _verify(request, device)
    return redirect(_goes_on_to(request))


def _replace_codes(request: HttpRequest) -> HttpResponse:
    codes = second_factor.make_recovery_codes(person_of(request))
    _report(request, "Recovery Codes Replaced")
    return _show(request, codes, goes_on_to=reverse("second-factor-settings"))


def _remove(request: HttpRequest) -> HttpResponse:
    second_factor.remove(person_of(request))
    request.session.pop(VERIFIED_WITH, None)
    _report(request, "Second Factor Removed")
    messages.success(request, "Your second factor is removed. The password alone lets you in.")
    return redirect("second-factor-settings")


# --- what the pages share -----------------------------------------------------------------------


def _with_code(
    request: HttpRequest,
    template: str,
    act: Callable[[HttpRequest], HttpResponse],
    *,
    is_closed: bool = False,
) -> HttpResponse:
    """The form, and `act` once it holds the right code. What happened and its event are one."""
    form = CodeForm(request.POST or None)
    if form.is_valid():
        with transaction.atomic():
            if _is_accepted(request, form):
                return act(request)
        if request.session.get(_REFUSALS, 0) >= MOST_REFUSALS:
            return _back_to_the_password(request)
    context = {"form": form, "next": _goes_on_to(request), "is_closed": is_closed}
    return render(request, template, context)


def _is_accepted(request: HttpRequest, form: CodeForm) -> bool:
    judged = second_factor.judge(person_of(request), form.cleaned_data["code"])
    if judged.is_good:
        request.session.pop(_REFUSALS, None)
        _welcome(request, judged.verdict)
        return True
    if judged.verdict is Verdict.TOO_SOON:
        wait = f"{judged.wait_seconds} second{'' if judged.wait_seconds == 1 else 's'}"
        form.add_error("code", f"Too many wrong codes. Wait {wait}, then type a new one.")
        return False
    request.session[_REFUSALS] = request.session.get(_REFUSALS, 0) + 1
    _report(request, "Second Factor Refused")
    form.add_error("code", _REFUSED)
    return False


def _welcome(request: HttpRequest, verdict: Verdict) -> None:
    if verdict is Verdict.ACCEPTED:
        _report(request, "Second Factor Verified")
        return
    left = second_factor.recovery_codes_left(person_of(request))
    _report(request, "Recovery Code Used", left=left)
    told = f"{left} recovery code{'' if left == 1 else 's'} left."
    link = format_html('<a href="{}">Make new ones</a>', reverse("recovery-codes"))
    messages.warning(request, format_html("{} {} in time.", told, link))


def _back_to_the_password(request: HttpRequest) -> HttpResponse:
    goes_on = _goes_on_to(request)
    logout(request)
    messages.error(request, "Too many wrong codes. Sign in again.")
    return redirect_to_login(goes_on, reverse("sign-in"))


@transaction.atomic
def _set_up(request: HttpRequest, secret: str, code: str) -> list[str]:
    """The recovery codes of the new device; none where the code is wrong."""
    person = person_of(request)
    device = second_factor.set_up(person, secret, code)
    if device is None:
        return []
    codes = second_factor.make_recovery_codes(person)
    del request.session[_SECRET]
    _verify(request, device)
    _report(request, "Second Factor Set Up")
    return codes


def _verify(request: HttpRequest, device: TOTPDevice) -> None:
    """From now on this session is one that a code was given in, under a new key."""
    request.session.cycle_key()
    request.session[VERIFIED_WITH] = device.pk


def _show(request: HttpRequest, codes: list[str], *, goes_on_to: str) -> HttpResponse:
    context = {"codes": [_grouped(code) for code in codes], "next": goes_on_to}
    return render(request, "orgo_audit/second_factor_codes.html", context)


def _goes_on_to(request: HttpRequest) -> str:
    """Where the person wanted to go, if that is a page of ours."""
    asked = request.POST.get(REDIRECT_FIELD_NAME, request.GET.get(REDIRECT_FIELD_NAME, ""))
    is_ours = url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return asked if is_ours else reverse("home")


def _grouped(text: str) -> str:
    """In fours, as people read and type it."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _report(request: HttpRequest, action: str, **told: Any) -> None:
    interface.report_account(action, person_of(request), address_of(request), told)
