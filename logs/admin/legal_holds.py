"""Legal holds in Django admin: placed by one person, released by two."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
)
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from logs.admin.events import viewer_of
from logs.record import own_events
from logs.retention import holds
from logs.retention.models import LONGEST, LegalHold, ScopeKind
from orgo_audit.accounts.models import Organization
from orgo_audit.admin import ReadOnlyAdmin, own_organizations, site
from orgo_audit.errors import Conflict, NotFound, OrgoError, Unavailable

RELEASED_SHOWN = 100
STEPS = {"ask": holds.ask_release, "release": holds.release}
# A hold's scope, and what its value is, in the form's words.
SCOPES = {
    ScopeKind.TASK: "a task, by its id",
    ScopeKind.USER: "a person, by the name or address in the events",
    ScopeKind.SEGMENT: "a segment, such as activity-2026-11",
    ScopeKind.CASE: "a case of the restricted area, by its code",
}


class HoldForm(forms.Form):
    # Whether what is to be held is nothing today, so that somebody has to look again.
    matches_nothing = False
    matter = forms.CharField(
        max_length=LONGEST["matter"], help_text="The dispute or the order, by its name."
    )
    reason = forms.CharField(max_length=LONGEST["reason"], widget=forms.Textarea(attrs={"rows": 3}))
    owner = forms.CharField(
        max_length=LONGEST["owner"], help_text="Who answers for it, such as your counsel."
    )
    organization = forms.ModelChoiceField(
        Organization.objects.none(), to_field_name="slug", empty_label=None
    )
    scope_kind = forms.ChoiceField(label="What is kept", choices=list(SCOPES.items()))
    scope = forms.CharField(
        label="Which one",
        max_length=LONGEST["scope"],
        help_text="Such as 12345 for a task, or activity-2026-11 for a segment. Whatever it covers,"
        " and will cover, is not destroyed from now on.",
    )

    def __init__(self, data: Any, organizations: list[Organization]) -> None:
        super().__init__(data)
        chosen = Organization.objects.filter(pk__in=[one.pk for one in organizations])
        self.fields["organization"].queryset = chosen.order_by("slug")  # type: ignore[attr-defined]  # a ModelChoiceField

    @property
    def wanted(self) -> str:
        """What is to be held, as the form sends it back: who has seen that it is nothing knows."""
        names = ("organization", "scope_kind", "scope")
        return "|".join(str(self.data.get(name, "")).strip() for name in names)


@admin.register(LegalHold, site=site)
class LegalHoldAdmin(ReadOnlyAdmin):
    """Parses, calls one function of `holds`, renders."""

    def get_urls(self) -> list[URLPattern]:
        name = "logs_legalhold"
        return [
            path("", self.page(self.changelist_view), name=f"{name}_changelist"),
            path("add/", self.page(self.place_view), name=f"{name}_create"),
            path("<uuid:hold_id>/change/", self.page(self.hold_view), name=f"{name}_change"),
            path("<uuid:hold_id>/release/", self.page(self.release_view), name=f"{name}_release"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        own = own_organizations(request)
        own_events.report_read(viewer_of(request), own, "legal holds", {})
        every = holds.holds_of(own)
        active = list(every.filter(released_at=None).order_by("review_on", "placed_at", "pk"))
        holds.set_leavers_aside(active)
        context = {
            "title": "Legal holds",
            "active": active,
            "released": list(
                every.exclude(released_at=None).order_by("-released_at", "pk")[:RELEASED_SHOWN]
            ),
            "released_shown": RELEASED_SHOWN,
            "organizations": len(own),
            "today": timezone.now().date(),
        }
        return self.render(request, "logs/hold_list.html", context)

    def place_view(self, request: HttpRequest) -> HttpResponse:
        form = HoldForm(request.POST or None, own_organizations(request))
        if form.is_valid():
            try:
                hold = _placed(form, by=request.user.get_username())
            except holds.KeepsNothing:
                form.matches_nothing = True
            except OrgoError as problem:
                form.add_error(problem.path or None, problem.full_sentence)
            else:
                messages.success(request, "The hold is placed. This is what it keeps now.")
                return HttpResponseRedirect(self._url_of(hold))
        context = {"title": "New legal hold", "form": form}
        return self.render(request, "logs/hold_new.html", context)

    def hold_view(self, request: HttpRequest, hold_id: UUID) -> HttpResponse:
        hold = self._hold(request, hold_id)
        own_events.report_read(viewer_of(request), [hold.organization], f"legal hold {hold_id}", {})
        holds.set_leavers_aside([hold])
        is_case = hold.scope_kind == ScopeKind.CASE
        rows = {} if is_case or hold.released_at else holds.rows_by_segment(hold)
        name = request.user.get_username()
        context = {
            "title": hold.matter,
            "hold": hold,
            "is_case": is_case,
            "is_counted": rows is not None,
            "rows": [(segment, f"{count:,}") for segment, count in (rows or {}).items()],
            "total": f"{sum((rows or {}).values()):,}",
            "may_release": hold.released_at is None and hold.release_asked_by != name,
            "what_follows": _what_follows(hold),
        }
        return self.render(request, "logs/hold.html", context)

    def release_view(self, request: HttpRequest, hold_id: UUID) -> HttpResponse:
        hold = self._hold(request, hold_id)
        if request.method != "POST":
            return HttpResponseRedirect(self._url_of(hold))
        step = STEPS.get(request.POST.get("step", ""))
        if step is None:
            messages.error(request, UNSAID)
            return HttpResponseRedirect(self._url_of(hold))
        name = request.user.get_username()
        try:
            follows = _what_follows(hold)
            hold = step(hold.organization, hold_id, by=name, now=timezone.now())
        except (Conflict, Unavailable) as problem:
            messages.error(request, f"{problem.full_sentence} Nothing was done.")
        else:
            released = f"The hold is released; {follows}."
            messages.success(request, released if hold.released_at else ASKED)
        return HttpResponseRedirect(self._url_of(hold))

    def _hold(self, request: HttpRequest, hold_id: UUID) -> LegalHold:
        try:
            return holds.hold(own_organizations(request), hold_id)
        except NotFound:
            raise Http404 from None

    def _url_of(self, hold: LegalHold) -> str:
        return reverse("admin:logs_legalhold_change", args=[hold.pk])


ASKED = "You have asked for the release. The hold still holds until a second person releases it."
UNSAID = "The form did not say which step it means. Nothing was done."


def _placed(form: HoldForm, *, by: str) -> LegalHold:
    told = form.cleaned_data
    return holds.place(
        told["organization"],
        matter=told["matter"],
        reason=told["reason"],
        owner=told["owner"],
        scope_kind=told["scope_kind"],
        scope_value=told["scope"],
        by=by,
        now=timezone.now(),
        even_of_nothing=form.data.get("nothing") == form.wanted,
    )


def _what_follows(hold: LegalHold) -> str:
    """What a release leads to, as the end of a sentence."""
    if hold.scope_kind == ScopeKind.CASE:
        notice = holds.notice_of(hold.organization)
        return f"the case, if it is over, goes {notice} later, the policy's notice"
    return "what is over its period goes with one of the next nightly runs"
