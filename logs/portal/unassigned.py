"""The data protection officer's page of cases that nobody works on: listed, and given to HR."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from logs.cases import unassigned
from logs.cases.unassigned import Officer, UnassignedCase
from logs.portal.frame import role_page, show
from logs.portal.listing import SHORT_CODE, kind_of
from orgo_audit.callers import address_of
from orgo_audit.errors import BadInput, NotFound, OrgoError

LONGEST_NAME = 150
_HELD = {
    "unlisted": "no sensitive workflow of the policy is named; once it is listed, a case is made",
    "crowded": "more people are named than a case takes",
    "refused": "refused at the door, and perhaps sensitive",
    "unreadable": "the vault cannot open it: was its key replaced?",
}
# One answer for whoever is no HR manager here and whoever takes part in the case.
NOT_ACCEPTED = "This case cannot be given to that name. Try another HR manager’s user name."


class GivingForm(forms.Form):
    """One of the cases, and an HR manager by name: no list of them, from which one is missing."""

    case = forms.ChoiceField(label="Case")
    user = forms.CharField(
        label="HR manager",
        max_length=LONGEST_NAME,
        help_text="The user name, as it is typed to sign in.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    # How the page is answered where the form comes back.
    status = 400

    def __init__(self, data: Any, cases: dict[str, UnassignedCase]) -> None:
        super().__init__(data)
        self._cases = cases
        choices = [(code, _words_of(case)) for code, case in cases.items()]
        if len(choices) > 1:
            choices.insert(0, ("", "choose…"))
        self.fields["case"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def give(self, officer: Officer) -> bool:
        """Whether it is done; if not, the form says what is to be tried."""
        case, name = self._cases[self.cleaned_data["case"]], self.cleaned_data["user"]
        try:
            unassigned.assign(officer, case, name)
        except BadInput:
            self.add_error("user", NOT_ACCEPTED)
        except NotFound:
            self.add_error("case", "This case is not there any more. Choose another one.")
        except OrgoError as problem:
            self.status = problem.status
            self.add_error(None, problem.full_sentence)
        return self.is_valid()


@role_page(unassigned.officer)
@require_http_methods(["GET", "HEAD", "POST"])
def listed(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The cases that no HR manager has; a POST gives one of them to somebody."""
    officer = replace(officer, address=address_of(request))
    found = unassigned.unassigned(officer)
    cases = found.cases
    form = GivingForm(request.POST if request.method == "POST" else None, cases)
    if form.is_valid() and form.give(officer):
        messages.success(request, "The case is given, and on that person’s list now.")
        return redirect("unassigned-cases")
    unassigned.record_look(officer, cases)
    context = {
        "title": "Unassigned cases",
        "lines": [(case, _short(case), kind_of(case.workflow)) for case in cases.values()],
        "many": len(officer.organizations) > 1,
        "held": [(found.held[why], words) for why, words in _HELD.items() if found.held[why]],
        "form": form,
    }
    status = form.status if form.errors else 200
    return show(request, "cases/unassigned.html", context, status=status)


def _words_of(case: UnassignedCase) -> str:
    return f"{_short(case)}, {kind_of(case.workflow)}, opened {case.opened_on.isoformat()}"


def _short(case: UnassignedCase) -> str:
    return str(case.code)[:SHORT_CODE]
