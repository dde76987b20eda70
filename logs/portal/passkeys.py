"""The pages of custodians' passkeys: add, prove, compare, confirm, revoke. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from logs.cases import access, errands, passkeys
from logs.cases.access import Custodian
from logs.cases.acts import LONGEST_PASSKEY_NAME
from logs.cases.models import PasskeyState
from logs.cases.passkeys import ShownPasskey
from logs.portal.ceremonies import Ceremony, places, signed_answer
from logs.portal.frame import role_page, show
from logs.portal.vault_forms import OrganizationForm, explain
from orgo_audit.errors import BadInput, Conflict, NotAllowed, NotFound, OrgoError, Unavailable

_form_methods = require_http_methods(["GET", "HEAD", "POST"])


class NameForm(OrganizationForm):
    name = forms.CharField(
        label="Name of the new passkey",
        max_length=LONGEST_PASSKEY_NAME,
        help_text="Such as “my phone” or “blue key”: for you and the other custodians.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@dataclass(frozen=True, slots=True)
class Step:
    """Where a custodian is in adding a passkey: after naming it come two uses of it."""

    number: int
    ceremony: Ceremony
    fingerprint: str = ""


# --- one's own ----------------------------------------------------------------------------------


@role_page(access.custodian)
@_form_methods
def listed(request: HttpRequest, custodian: Custodian) -> HttpResponse:
    """One's own passkeys, each step of a new one, and what waits for a comparison."""
    if request.method != "POST":
        return _page(request, custodian)
    act = _ACTS.get(request.POST.get("do", ""))
    if act is None:
        raise BadRequest
    try:
        return act(request, custodian)
    except (BadInput, Conflict, NotAllowed, Unavailable) as problem:
        return _page(request, custodian, problem=problem)


def _begin(request: HttpRequest, custodian: Custodian) -> HttpResponse:
    form = NameForm(request.POST, custodian.organizations)
    if not form.is_valid():
        return _page(request, custodian, form=form)
    name = {"name": form.cleaned_data["name"]}
    try:
        told = errands.ask("enrol_begin", form.chosen, name, by=custodian.user)
    except (BadInput, Conflict, Unavailable) as problem:
        explain(form, problem)
        return _page(request, custodian, form=form, status=problem.status)
    beside = {"id": told["id"], "organization": form.chosen.slug}
    made = Ceremony(
        "finish", "Create the passkey", told["options"], makes_passkey=True, beside=beside
    )
    return _page(request, custodian, step=Step(2, made))


def _finish(request: HttpRequest, custodian: Custodian) -> HttpResponse:
    told = _ask_about(request, custodian, "enrol_finish", response=signed_answer(request))
    beside = {name: request.POST.get(name, "") for name in ("id", "organization")}
    proof = Ceremony("prove", "Sign with the new passkey", told["options"], beside=beside)
    return _page(request, custodian, step=Step(3, proof, told["fingerprint"]))


def _prove(request: HttpRequest, custodian: Custodian) -> HttpResponse:
    _ask_about(request, custodian, "enrol_prove", assertion=signed_answer(request))
    messages.success(
        request, "Your passkey works. Now tell its fingerprint to another custodian, who confirms."
    )
    return redirect("passkeys")


def _revoke(request: HttpRequest, custodian: Custodian) -> HttpResponse:
    _ask_about(request, custodian, "revoke_passkey")
    messages.success(request, "The passkey is revoked.")
    return redirect("passkeys")


_ACTS: dict[str, Callable[[HttpRequest, Custodian], HttpResponse]] = {
    "begin": _begin,
    "finish": _finish,
    "prove": _prove,
    "revoke": _revoke,
}


def _ask_about(
    request: HttpRequest, custodian: Custodian, kind: str, **body: Any
) -> dict[str, Any]:
    organization = custodian.organization(request.POST.get("organization", ""))
    own = {"id": request.POST.get("id", "")} | body
    return errands.ask(kind, organization, own, by=custodian.user)


def _page(
    request: HttpRequest,
    custodian: Custodian,
    *,
    form: NameForm | None = None,
    step: Step | None = None,
    problem: OrgoError | None = None,
    status: int = 400,
) -> HttpResponse:
    shown = passkeys.shown(custodian)
    context = {
        "title": "Passkeys",
        "own": [one for one in shown if one.is_own],
        "others": [one for one in shown if not one.is_own],
        "form": form or NameForm(None, custodian.organizations),
        "step": step,
        "problem": problem,
        "many": len(custodian.organizations) > 1,
    }
    is_refused = problem is not None or (form is not None and form.is_bound)
    code = (problem.status if problem else status) if is_refused else 200
    return show(request, "cases/passkeys.html", context | places(request), status=code)


# --- another custodian's ------------------------------------------------------------------------


@role_page(access.custodian)
@_form_methods
def confirm(request: HttpRequest, custodian: Custodian, passkey_id: UUID) -> HttpResponse:
    """Compares another custodian's new passkey, and confirms it with a passkey of one's own."""
    shown = passkeys.one(custodian, passkey_id)
    if shown.is_own or shown.row.state != PasskeyState.PROVEN:
        raise NotFound
    problem = None
    if request.method == "POST":
        try:
            _ask(custodian, shown, assertion=signed_answer(request))
        except (BadInput, Conflict, NotAllowed, Unavailable) as refusal:
            problem = refusal
        else:
            messages.success(request, f"The passkey of {shown.owner} is confirmed.")
            return redirect("passkeys")
    context = {"title": f"Confirm the passkey of {shown.owner}", "shown": shown}
    context |= {"problem": problem} | _to_compare(custodian, shown) | places(request)
    status = problem.status if problem else 200
    return show(request, "cases/passkey_confirm.html", context, status=status)


def _ask(custodian: Custodian, shown: ShownPasskey, **body: Any) -> dict[str, Any]:
    own = {"id": str(shown.row.pk)} | body
    return errands.ask("enrol_confirm", shown.organization, own, by=custodian.user)


def _to_compare(custodian: Custodian, shown: ShownPasskey) -> dict[str, Any]:
    """What the vault itself knows of the passkey, or why it tells nothing."""
    try:
        told = _ask(custodian, shown)
    except (Conflict, NotAllowed, Unavailable) as refusal:
        return {"refusal": refusal}
    button = "It is the same: confirm with my passkey"
    return {"told": told, "ceremony": Ceremony("confirm", button, told["options"])}
