"""What forms share whose content goes to the vault. Keeps nothing of what was typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import Q

from orgo_audit.accounts.models import Membership, Organization, Role, User
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


def too_few_custodians(organizations: Iterable[Organization], asker: User | None) -> list[str]:
    """Where fewer than two others could decide: a request waits in vain there.

    Takes no notice of who takes part in what: that would tell.
    """
    others = Q(role=Role.CUSTODIAN, user__is_active=True)
    if asker is not None:
        others &= ~Q(user=asker)
    able = Counter(Membership.objects.filter(others).values_list("organization__slug", flat=True))
    return [one.slug for one in organizations if able[one.slug] < 2]  # noqa: PLR2004


def explain(form: forms.Form, problem: OrgoError) -> None:
    """Puts a refusal beside the field that it is about, else above all; what was typed stays."""
    place = problem.path if problem.path in form.fields else None
    form.add_error(place, problem.full_sentence)
