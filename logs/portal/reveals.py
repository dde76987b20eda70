"""The pages of requests that two custodians decide. Never keeps a revealed value.

It is in the answer to the POST that asked for it and nowhere else: no redirect, no session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from logs.cases import errands, requests
from logs.cases.acts import LONGEST_TEXT, Act
from logs.cases.models import RequestState
from logs.cases.requests import RequestViewer, ShownRequest
from logs.portal import purpose
from logs.portal.ceremonies import Ceremony, places, signed_answer
from logs.portal.frame import role_page, show
from logs.portal.vault_forms import OrganizationForm, explain, too_few_custodians
from logs.retention import erasing
from orgo_audit.accounts.models import Organization, User
from orgo_audit.callers import address_of
from orgo_audit.errors import BadInput, Conflict, NotAllowed, NotFound, OrgoError, Unavailable

LONGEST_PERSON = 320
_SAID = {
    "approve": "Your approval is recorded.",
    "deny": "The request is denied, and your reason is recorded.",
    "withdraw": "The request is withdrawn.",
}


class DenyForm(forms.Form):
    why = forms.CharField(
        label="Why not",
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One denial ends the request. Of a reveal, custodians see your reason when the"
        " same label is asked for again.",
    )


class ErasureForm(OrganizationForm):
    person = forms.CharField(
        label="Person",
        max_length=LONGEST_PERSON,
        help_text="The e-mail address under which they are known, or their name as it was sent"
        " without an address. A name that stands in several cases may be several people’s: then"
        " give NAME in CASE-CODE, with the case’s whole code.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = forms.CharField(
        label="Reason", max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 4})
    )


# --- the pages ----------------------------------------------------------------------------------


@role_page(requests.request_viewer)
@require_safe
def listed(request: HttpRequest, viewer: RequestViewer) -> HttpResponse:
    """What waits, then what ended lately."""
    still_open, ended = requests.open_and_ended(_here(viewer, request), now=timezone.now())
    context = {
        "title": "Reveal requests",
        "open": still_open,
        "ended": ended,
        "days": requests.SHOWN_FOR.days,
        "most": requests.MOST_ENDED,
        "viewer": viewer,
        "may_ask_erasure": bool(_erasing(viewer)),
    }
    return show(request, "cases/reveals.html", context)


@role_page(requests.request_viewer)
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, viewer: RequestViewer, request_id: UUID) -> HttpResponse:
    """One request: decided by a custodian, seen or withdrawn by whoever asked."""
    here = _here(viewer, request)
    if request.method != "POST":
        return _page(request, here, requests.one(here, request_id))
    try:
        return _act(request, here, requests.again(here, request_id))
    except Unavailable as problem:
        return _away(request, problem)


@role_page(requests.request_viewer)
@require_http_methods(["GET", "HEAD", "POST"])
def new_erasure(request: HttpRequest, viewer: RequestViewer) -> HttpResponse:
    """Asks two custodians to erase a person: of the restricted world, and in the ordinary logs."""
    organizations = _erasing(viewer)
    if not organizations:
        raise NotFound
    form = ErasureForm(request.POST if request.method == "POST" else None, organizations)
    status = 400 if form.is_bound else 200
    if form.is_valid():
        told = {name: form.cleaned_data[name] for name in ("person", "reason")}
        try:
            answer = errands.ask("ask_erasure", form.chosen, told, by=viewer.user)
        except OrgoError as problem:
            explain(form, problem)
            status = problem.status
        else:
            messages.success(request, "The request is made. You need not stay on this page.")
            return redirect("reveal", request_id=UUID(answer["id"]))
    lacking = too_few_custodians(organizations, viewer.user)
    context = {"title": "Ask for an erasure", "form": form, "lacking": lacking}
    return show(request, "cases/erasure_new.html", context, status=status)


def _here(viewer: RequestViewer, request: HttpRequest) -> RequestViewer:
    return replace(viewer, address=address_of(request), said=purpose.of(request))


def _erasing(viewer: RequestViewer) -> list[Organization]:
    return requests.organizations_to_erase_in(viewer.user)


# --- what is done with a request ----------------------------------------------------------------


def _act(request: HttpRequest, viewer: RequestViewer, shown: ShownRequest) -> HttpResponse:
    act = _ACTS.get(request.POST.get("do", ""))
    if act is None:
        raise BadRequest
    try:
        return act(request, viewer, shown)
    except (BadInput, Conflict, NotAllowed) as problem:
        return _page(request, viewer, requests.again(viewer, shown.row.pk), problem=problem)


def _away(request: HttpRequest, problem: Unavailable) -> HttpResponse:
    """Tells nothing of the request, which may concern whoever asks; what was typed stays."""
    typed = DenyForm(request.POST) if request.POST.get("do") == "deny" else None
    context = {"title": "The vault is away for a moment", "problem": problem, "form": typed}
    return show(request, "cases/reveal_away.html", context, status=problem.status)


def _approve(request: HttpRequest, viewer: RequestViewer, shown: ShownRequest) -> HttpResponse:
    _ask("approve", viewer, shown, assertion=signed_answer(request))
    return _done(request, shown, "approve")


def _deny(request: HttpRequest, viewer: RequestViewer, shown: ShownRequest) -> HttpResponse:
    form = DenyForm(request.POST)
    if not form.is_valid():
        return _page(request, viewer, shown, form=form)
    _ask("deny", viewer, shown, why=form.cleaned_data["why"])
    return _done(request, shown, "deny")


def _withdraw(request: HttpRequest, viewer: RequestViewer, shown: ShownRequest) -> HttpResponse:
    _ask("withdraw", viewer, shown)
    return _done(request, shown, "withdraw")


def _view(request: HttpRequest, viewer: RequestViewer, shown: ShownRequest) -> HttpResponse:
    value = _ask("view", viewer, shown)
    return _page(request, viewer, requests.again(viewer, shown.row.pk), value=value)


_ACTS: dict[str, Callable[[HttpRequest, RequestViewer, ShownRequest], HttpResponse]] = {
    "approve": _approve,
    "deny": _deny,
    "withdraw": _withdraw,
    "view": _view,
}


def _ask(kind: str, viewer: RequestViewer, shown: ShownRequest, **body: Any) -> dict[str, Any]:
    own = {"id": str(shown.row.pk)} | body
    return errands.ask(kind, shown.organization, own, by=viewer.user)


def _done(request: HttpRequest, shown: ShownRequest, act: str) -> HttpResponse:
    messages.success(request, _SAID[act])
    return redirect("reveal", request_id=shown.row.pk)


# --- one request's page -------------------------------------------------------------------------


def _page(
    request: HttpRequest,
    viewer: RequestViewer,
    shown: ShownRequest,
    *,
    problem: OrgoError | None = None,
    form: DenyForm | None = None,
    value: dict[str, Any] | None = None,
) -> HttpResponse:
    row, now = shown.row, timezone.now()
    is_own = row.requester_id == viewer.user.pk
    plan = erasing.plan_of(row.pk) if row.act == Act.ERASE else None
    context: dict[str, Any] = {
        "title": _title(shown),
        "shown": shown,
        "is_own": is_own,
        "value": value,
        "problem": problem,
        "form": form or DenyForm(),
        "is_reveal": row.act == Act.REVEAL,
        "events": erasing.sentence(plan) if plan else "",
        "is_searched": plan is None or plan.planned_at is not None,
        "is_over": row.expires_at <= now,
        "views_left": max(row.views - row.views_done, 0),
    }
    is_pending = row.state == RequestState.PENDING
    if is_pending:
        asker = User.objects.filter(pk=row.requester_id or 0).first()
        context["lacking"] = too_few_custodians([shown.organization], asker)
    if is_pending and not is_own and shown.organization in viewer.decides:
        context |= _to_decide(viewer, shown) | places(request)
    status = problem.status if problem else 400 if form else 200
    return show(request, "cases/reveal.html", context, status=status)


def _title(shown: ShownRequest) -> str:
    row = shown.row
    if row.act == Act.REVEAL:
        return f"Reveal of {row.label} in case {str(row.case_code)[:8]}"
    return "Erasure of a person"


def _to_decide(viewer: RequestViewer, shown: ShownRequest) -> dict[str, Any]:
    """All that the vault tells this custodian, or why it tells nothing."""
    try:
        told = _ask("challenge", viewer, shown)
    except (Conflict, NotAllowed, Unavailable) as refusal:
        return {"refusal": refusal}
    button = "Approve with your passkey"
    return {"told": told, "ceremony": Ceremony("approve", button, told["options"])}
