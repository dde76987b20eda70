"""What forms share whose content goes to the vault. Keeps nothing of what was typed."""

from __future__ import annotations

from typing import Any

from django import forms

from orgo_audit.accounts.models import Organization
from orgo_audit.errors import OrgoError


class OrganizationForm(forms.Form):
    """Asks for which organization, where there is a choice."""

    organization = forms.ModelChoiceField(
        Organization.objects.none(), to_field_name="slug", empty_label=None
    )

    def __init__(self, data: Any, organizations: list[Organization]) -> None:
        super().__init__(data)
        self._only = organizations[0] if len(organizations) == 1 else None
        if self._only:
            del self.fields["organization"]
            return
        own = Organization.objects.filter(pk__in=[one.pk for one in organizations])
        self.fields["organization"].queryset = own.order_by("slug")  # type: ignore[attr-defined]  # a ModelChoiceField

    @property
    def chosen(self) -> Organization:
        """Of a valid form."""
        return self._only or self.cleaned_data["organization"]


def explain(form: forms.Form, problem: OrgoError) -> None:
    """Puts a refusal beside the field that it is about, else above all; what was typed stays."""
    place = problem.path if problem.path in form.fields else None
    form.add_error(place, problem.full_sentence)
