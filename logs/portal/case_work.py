"""What HR does with a case, by forms: steps, notes, assignment, a reveal asked for.

Whatever is refused, or finds the vault away, comes back as it was typed.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from logs.cases import errands, reading, working
from logs.cases.access import HrViewer, hr_managers_of
from logs.cases.acts import LONGEST_TEXT, MAX_MINUTES, MAX_VIEWS
from logs.cases.models import Case
from logs.portal.cases import destroyed_after, facts_of, open_steps, today
from logs.portal.frame import hr_page, show
from logs.portal.vault_forms import explain, too_few_custodians
from orgo_audit.accounts.models import User
from orgo_audit.errors import BadInput, Conflict, NotFound, OrgoError

FIELDS = {
    "identity": "who it is, as it was reported",
    "name": "name",
    "email": "e-mail address",
    "phone": "phone number",
    "address": "address",
}
# The vault's word for somebody who takes part in the case. It is not passed on.
NOT_ASSIGNABLE = "not_assignable"
# What looks like somebody's e-mail address, which no note should have.
_ADDRESS = re.compile(r"(?<![^\s@<>()\",;:])[^\s@<>()\",;:]+@[^\s@<>()\",;:]+\.[^\W\d_]{2,}")
DONE = {
    "acknowledged": "The receipt is noted as acknowledged.",
    "answered": "The feedback is noted as given.",
    "closed": "The case is closed.",
    "reopened": "The case is open again.",
}


def back_to(code: UUID) -> HttpResponse:
    return HttpResponseRedirect(reverse("case", args=[code]))


# --- steps and notes ------------------------------------------------------------------------------


@hr_page
@require_http_methods(["GET", "HEAD", "POST"])
def case_step(request: HttpRequest, viewer: HrViewer, code: UUID, step: str) -> HttpResponse:
    """Asks for confirmation by GET, takes the step by POST."""
    case = reading.case_to_work(viewer, code)
    if step not in working.STEPS:
        raise Http404
    if request.method != "POST":
        return _confirm(request, case, step)
    try:
        working.take_step(viewer, case, step, today=today())
    except Conflict:
        messages.error(request, "Nothing was changed: somebody else has just changed this case.")
    else:
        messages.success(request, DONE[step])
    return back_to(code)


def _confirm(request: HttpRequest, case: Case, step: str) -> HttpResponse:
    chosen = next((one for one in open_steps(case) if one.name == step), None)
    if chosen is None:
        return back_to(case.pk)
    kept_until = destroyed_after(case, closed_on=today())
    context = {**facts_of(case), "step": chosen, "kept_until": kept_until}
    return show(request, "cases/step.html", context)


@hr_page
@require_http_methods(["GET", "HEAD", "POST"])
def case_notes(request: HttpRequest, viewer: HrViewer, code: UUID) -> HttpResponse:
    """Keeps a note; whoever comes by its address alone, as after a sign-in, is led to the case."""
    case = reading.case_to_work(viewer, code)
    if request.method != "POST":
        return back_to(code)
    text = request.POST.get("text", "")
    if (found := _ADDRESS.search(text)) and "as_it_is" not in request.POST:
        return _note_page(request, case, text, status=400, address=found[0])
    try:
        working.write_note(viewer, case, text)
    except BadInput as problem:
        return _note_page(request, case, text, status=problem.status, problem=problem)
    messages.success(request, "The note is kept.")
    return back_to(code)


def _note_page(
    request: HttpRequest, case: Case, text: str, *, status: int, **why: object
) -> HttpResponse:
    """The note as it was typed, and why it is not kept yet."""
    context = {**facts_of(case), "text": text, "longest_note": working.LONGEST_NOTE, **why}
    return show(request, "cases/note.html", context, status=status)


# --- what the vault is asked for ------------------------------------------------------------------


class VaultForm(forms.Form):
    """Asks the vault; what it refuses stands beside the field, and nothing typed is lost."""

    # How the page is answered where the form comes back.
    status = 400

    def ask(
        self, kind: str, viewer: HrViewer, case: Case, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        """The vault's answer; None where it has none, and then the form says why."""
        try:
            return errands.ask(kind, case.organization, body, by=viewer.user)
        except NotFound:
            self.add_error(None, "There is nobody with this label in this case.")
        except OrgoError as problem:
            if problem.code == NOT_ASSIGNABLE:
                return {}
            self.status = problem.status
            explain(self, problem)
        return None


class AssignmentForm(VaultForm):
    """An HR manager of the case's organization, and whether the case is opened to them."""

    user = forms.ModelChoiceField(User.objects.none(), label="HR manager", empty_label="choose…")
    assigned = forms.TypedChoiceField(
        label="This case",
        choices=[("yes", "is opened to them"), ("no", "is closed to them")],
        coerce=lambda choice: choice == "yes",
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Any, case: Case) -> None:
        super().__init__(data)
        chosen = hr_managers_of(case.organization)
        self.fields["user"].queryset = chosen  # type: ignore[attr-defined]  # a ModelChoiceField


class RevealForm(VaultForm):
    """One field of one person, for a few minutes and looks, with a reason."""

    label = forms.ChoiceField(
        label="Whose",
        error_messages={"invalid_choice": "Give a label of this case such as Anon1."},
    )
    field = forms.ChoiceField(label="What", choices=list(FIELDS.items()), initial="identity")
    minutes = forms.IntegerField(
        label="For how many minutes",
        min_value=1,
        max_value=MAX_MINUTES,
        initial=10,
        help_text=f"At most {MAX_MINUTES}, from the second approval on.",
    )
    views = forms.IntegerField(
        label="How many times",
        min_value=1,
        max_value=MAX_VIEWS,
        initial=1,
        help_text=f"At most {MAX_VIEWS}.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="The custodians decide by it. It is kept with the request.",
    )

    def __init__(self, data: Any, case: Case) -> None:
        super().__init__(data)
        labels = [(label, label) for label in reading.labels(case)]
        self.fields["label"].choices = [("", "choose…"), *labels]  # type: ignore[attr-defined]  # a ChoiceField


@hr_page
@require_http_methods(["GET", "HEAD", "POST"])
def case_assignment(request: HttpRequest, viewer: HrViewer, code: UUID) -> HttpResponse:
    """Opens the case to an HR manager, or closes it. Never tells whether the vault did so.

    It does not where that person takes part in the case: the difference would say so.
    """
    case = reading.case_to_work(viewer, code)
    form = AssignmentForm(request.POST if request.method == "POST" else None, case)
    if form.is_valid():
        person: User = form.cleaned_data["user"]
        body = {"case": str(code), "user": person.pk, "assigned": form.cleaned_data["assigned"]}
        if form.ask("assign", viewer, case, body) is not None:
            messages.success(request, "It is done, unless that person takes part in the case.")
            closed_to_oneself = person.pk == viewer.user.pk and not body["assigned"]
            return HttpResponseRedirect(reverse("cases")) if closed_to_oneself else back_to(code)
    return _form_page(request, case, form, "cases/assignment.html")


@hr_page
@require_http_methods(["GET", "HEAD", "POST"])
def case_reveal_request(request: HttpRequest, viewer: HrViewer, code: UUID) -> HttpResponse:
    """Asks two custodians, through the vault; leads to the request's own page."""
    case = reading.case_to_work(viewer, code)
    form = RevealForm(request.POST if request.method == "POST" else None, case)
    if form.is_valid():
        body = {"case": str(code), **form.cleaned_data}
        if (answer := form.ask("ask_reveal", viewer, case, body)) is not None:
            return HttpResponseRedirect(f"{reverse('cases')}reveals/{UUID(answer['id'])}/")
    lacking = too_few_custodians([case.organization], viewer.user)
    return _form_page(request, case, form, "cases/ask_reveal.html", lacking=lacking)


def _form_page(
    request: HttpRequest, case: Case, form: VaultForm, template: str, **more: object
) -> HttpResponse:
    context = {**facts_of(case), "form": form, **more}
    return show(request, template, context, status=form.status if form.errors else 200)
