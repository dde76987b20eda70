"""Service tokens in Django admin, each admin's own organizations' only. Shows a token's text once.

The text is in the answer to the POST that made the token and nowhere else: no redirect, no session.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone

from orgo_audit import token_changes
from orgo_audit.accounts.models import Organization, Scope, ServiceToken
from orgo_audit.accounts.token_states import ending_unreplaced, row_of
from orgo_audit.accounts.tokens import NewToken
from orgo_audit.admin import ReadOnlyAdmin, own_organizations, site
from orgo_audit.errors import OrgoError
from orgo_audit.periods import Period, parse_period

ENDED_SHOWN = 100
LIFETIMES = ("7 days", "30 days", "90 days", "180 days", "1 year")
DEFAULT_LIFETIME = "90 days"
AT_ONCE = "none"
OVERLAPS = {AT_ONCE: "no longer", "1 hour": "1 hour", "24 hours": "24 hours", "7 days": "7 days"}
DEFAULT_OVERLAP = "24 hours"


def own_tokens(request: HttpRequest) -> QuerySet[ServiceToken]:
    """Those of the organizations where this person is admin: the others do not exist."""
    own = ServiceToken.objects.filter(organization__in=own_organizations(request))
    return own.select_related("organization")


def lifetime_field() -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label="Expires after",
        choices=[(text, text) for text in LIFETIMES],
        initial=DEFAULT_LIFETIME,
        coerce=parse_period,
    )


def overlap_of(choice: str) -> Period | None:
    return None if choice == AT_ONCE else parse_period(choice)


class CreateForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        label="Service",
        help_text="Such as email_parser. It becomes the source of the service's events.",
    )
    organization = forms.ModelChoiceField(
        Organization.objects.none(), to_field_name="slug", empty_label=None
    )
    scopes = forms.TypedMultipleChoiceField(
        label="What it may do",
        choices=Scope.choices,
        coerce=Scope,
        widget=forms.CheckboxSelectMultiple,
    )
    lifetime = lifetime_field()

    def __init__(self, data: Any, organizations: list[Organization]) -> None:
        super().__init__(data)
        chosen = Organization.objects.filter(pk__in=[one.pk for one in organizations])
        self.fields["organization"].queryset = chosen.order_by("slug")  # type: ignore[attr-defined]  # a ModelChoiceField


class RotateForm(forms.Form):
    overlap = forms.ChoiceField(
        label="The old one still holds for",
        choices=list(OVERLAPS.items()),
        initial=DEFAULT_OVERLAP,
        help_text="Time to give the new one to the service, so that it is never cut off.",
    )
    lifetime = lifetime_field()


@admin.register(ServiceToken, site=site)
class ServiceTokenAdmin(ReadOnlyAdmin):
    """Parses, calls one function of `token_changes`, renders."""

    def get_urls(self) -> list[URLPattern]:
        name = "accounts_servicetoken"
        rotate, revoke = self.page(self.rotate_view), self.page(self.revoke_view)
        return [
            path("", self.page(self.changelist_view), name=f"{name}_changelist"),
            path("add/", self.page(self.create_view), name=f"{name}_create"),
            path("<int:token_id>/rotate/", rotate, name=f"{name}_rotate"),
            path("<int:token_id>/revoke/", revoke, name=f"{name}_revoke"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        now = timezone.now()
        rows = [row_of(token, now) for token in own_tokens(request).order_by("name", "-pk")]
        ended = [row for row in rows if not row.is_valid]
        context = {
            "title": "Service tokens",
            "valid": [row for row in rows if row.is_valid],
            "ended": sorted(ended, key=lambda row: -row.token.pk)[:ENDED_SHOWN],
            "ended_shown": ENDED_SHOWN,
            "organizations": len(own_organizations(request)),
        }
        return self.render(request, "orgo_audit/tokens.html", context)

    def create_view(self, request: HttpRequest) -> HttpResponse:
        form = CreateForm(request.POST or None, own_organizations(request))
        if form.is_valid():
            told = form.cleaned_data
            try:
                made = token_changes.create(
                    told["name"],
                    told["organization"],
                    told["scopes"],
                    expires_at=told["lifetime"].after(timezone.now()),
                    by=request.user.get_username(),
                )
            except OrgoError as problem:
                form.add_error(problem.path or None, problem.full_sentence)
            else:
                return self._show(request, made)
        context = {"title": "New service token", "form": form, "button": "Make the token"}
        return self.render(request, "orgo_audit/tokens_form.html", context)

    def rotate_view(self, request: HttpRequest, token_id: int) -> HttpResponse:
        token = self._token(request, token_id)
        form = RotateForm(request.POST or None)
        if form.is_valid():
            told = form.cleaned_data
            try:
                made = token_changes.rotate(
                    [token],
                    overlap=overlap_of(told["overlap"]),
                    lifetime=told["lifetime"],
                    by=request.user.get_username(),
                    now=timezone.now(),
                )
            except OrgoError as problem:
                form.add_error(None, problem.full_sentence)
            else:
                return self._show(request, made, old=token)
        context = {
            "title": f"Rotate the token of {token.name}",
            "row": row_of(token, timezone.now()),
            "form": form,
            "button": "Make the new token",
        }
        return self.render(request, "orgo_audit/tokens_form.html", context)

    def revoke_view(self, request: HttpRequest, token_id: int) -> HttpResponse:
        token = self._token(request, token_id)
        if request.method == "POST":
            try:
                token_changes.revoke([token], by=request.user.get_username(), now=timezone.now())
            except OrgoError as problem:
                messages.error(request, problem.full_sentence)
            else:
                messages.success(request, f"The token {token.pk} of {token.name} is revoked.")
            return HttpResponseRedirect(self.list_url)
        row = row_of(token, timezone.now())
        context = {"title": f"Revoke the token of {token.name}?", "row": row}
        return self.render(request, "orgo_audit/tokens_revoke.html", context)

    def _token(self, request: HttpRequest, token_id: int) -> ServiceToken:
        token = own_tokens(request).filter(pk=token_id).first()
        if token is None:
            raise Http404
        return token

    def _show(
        self, request: HttpRequest, made: NewToken, old: ServiceToken | None = None
    ) -> HttpResponse:
        if old is not None:
            old.refresh_from_db(fields=["expires_at"])
        now = timezone.now()
        context = {
            "title": f"The new token of {made.token.name}",
            "text": made.text,
            "row": row_of(made.token, now),
            "old": row_of(old, now) if old else None,
            "example": curl_example(made.token, now),
        }
        return self.render(request, "orgo_audit/tokens_new.html", context)


def curl_example(token: ServiceToken, now: datetime) -> str:
    """A first request that this token may make, to be run as it stands; nothing for alerts."""
    head = 'curl -H "Authorization: Bearer $ORGO_TOKEN"'
    address = f"{settings.ORGO_PUBLIC_URL}/api/v1"
    if token.has_scope(Scope.INGEST):
        told = {"timestamp": now.isoformat(timespec="seconds"), "action": "Token Tried"}
        return (
            f"{head} -H 'Content-Type: application/json' \\\n"
            f"  -d '{json.dumps(told)}' {address}/activity-logs/"
        )
    return f"{head} '{address}/logs/?page_size=1'" if token.has_scope(Scope.READ) else ""


def front_page(request: HttpRequest) -> dict[str, Any]:
    """How many tokens hold, and which of them a service is about to lose."""
    now = timezone.now()
    valid = list(own_tokens(request).filter(revoked_at=None, expires_at__gt=now))
    ending = sorted(ending_unreplaced(valid, now), key=lambda token: token.expires_at)
    return {
        "valid_tokens": len(valid),
        "ending_tokens": [row_of(token, now) for token in ending],
    }


site.front_page.append(front_page)
