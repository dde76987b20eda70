"""The retention plan in Django admin: what goes when, what is held, what waits for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
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
from django.urls import URLPattern, path
from django.utils import timezone

from logs.admin.events import viewer_of
from logs.record import own_events
from logs.retention import approvals, facts, keeping, overview, plan, runs
from logs.retention.holds import holds_of
from logs.retention.keeping import KeptByPolicy
from logs.retention.models import Decision, LegalHold, PlannedDestruction
from logs.retention.overview import PlannedSegment, Published
from logs.retention.wording import events, held
from orgo_audit.admin import ReadOnlyAdmin, own_organizations, site
from orgo_audit.callers import person_of
from orgo_audit.errors import Conflict, NotFound, OrgoError, Unavailable


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happens to a segment; `kind` is the decision's, as a template asks for it."""

    kind: str
    organization: str = ""
    rows: str = ""
    at: datetime | None = None
    holds: tuple[LegalHold, ...] = ()
    published: Published | None = None
    may_approve: bool = False


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment of the plan in the table's words."""

    name: str
    rows: str
    bytes: int | None
    is_closed: bool
    lines: list[Line]


def lines_of(one: PlannedSegment, holds: dict[UUID, LegalHold], person: str) -> Iterator[Line]:
    """What happens to the segment, decision by decision."""
    published = {found.row.whose or "": found for found in one.published}
    for decision in one.plan.decisions:
        match decision:
            case plan.Drop(at, organizations):
                found = next(filter(None, map(published.get, ("", *organizations))), None)
                yield _destruction("drop", "", "", at, found, person)
            case plan.Remove(at, organization, rows):
                found = published.get(organization)
                yield _destruction("remove", organization, events(rows), at, found, person)
            case plan.Held(organization, by, rows):
                known = tuple(holds[hold] for hold in by if hold in holds)
                yield Line("held", organization, held(rows), holds=known)
            case plan.Wait(until):
                yield Line("wait", at=until)
            case plan.Conflict(organization):
                yield Line("conflict", organization)


def _destruction(
    kind: str, organization: str, rows: str, at: datetime, found: Published | None, person: str
) -> Line:
    may_approve = found is not None and found.can_be_approved_by(person)
    return Line(kind, organization, rows, at, published=found, may_approve=may_approve)


def rows_of(told: overview.Overview, holds: Sequence[LegalHold], person: str) -> list[SegmentRow]:
    by_id = {hold.pk: hold for hold in holds}
    return [
        SegmentRow(
            one.plan.segment.name,
            "" if one.rows is None else f"{one.rows:,}",
            one.bytes,
            one.plan.segment.is_closed,
            list(lines_of(one, by_id, person)),
        )
        for one in told.segments
    ]


class ResolutionForm(forms.Form):
    decision = forms.ChoiceField(
        label="Decision", choices=Decision.choices, widget=forms.RadioSelect
    )
    basis = forms.CharField(
        label="On which ground",
        help_text="The law, the advice or the order that you go by. It stays on record.",
        max_length=keeping.LONGEST_BASIS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


@admin.register(PlannedDestruction, site=site)
class RetentionAdmin(ReadOnlyAdmin):
    """Parses, calls one function of the room, renders."""

    def get_urls(self) -> list[URLPattern]:
        name = "logs_planneddestruction"
        return [
            path("", self.page(self.changelist_view), name=f"{name}_changelist"),
            path("<uuid:plan_id>/approve/", self.page(self.approve_view), name=f"{name}_approve"),
            path(
                "<slug:organization>/<slug:kept>/resolve/",
                self.page(self.resolve_view),
                name=f"{name}_resolve",
            ),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        now, own = timezone.now(), own_organizations(request)
        own_events.report_read(viewer_of(request), own, "retention plan", {})
        holds = list(holds_of(own).filter(released_at=None))
        kept = keeping.kept_by(own)
        try:
            with facts.within_a_page():
                told = overview.overview(own, now=now)
            untold = ""
        except Unavailable as problem:
            told, untold = overview.Overview([], None), problem.full_sentence
        context = {
            "title": "Retention",
            "rows": rows_of(told, holds, request.user.get_username()),
            "earliest": told.earliest,
            "untold": untold,
            "organizations": len(own),
            "kept": kept,
            "waiting": [one for one in kept if one.waits],
            "holds": len(holds),
            "last_run": runs.last_finished(),
            "is_overdue": runs.is_overdue(now),
            "now": now,
        }
        return self.render(request, "logs/retention.html", context)

    def approve_view(self, request: HttpRequest, plan_id: UUID) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseRedirect(self.list_url)
        try:
            row = approvals.approve(person_of(request), plan_id)
        except NotFound:
            raise Http404 from None
        except Conflict as conflict:
            messages.error(request, conflict.full_sentence)
        else:
            messages.success(request, f"Your approval of {row.segment} is on record.")
        return HttpResponseRedirect(self.list_url)

    def resolve_view(self, request: HttpRequest, organization: str, kept: str) -> HttpResponse:
        one = self._conflict(request, organization, kept)
        form = ResolutionForm(request.POST or None)
        if form.is_valid():
            try:
                keeping.resolve(
                    one.organization,
                    kept=kept,
                    decision=form.cleaned_data["decision"],
                    basis=form.cleaned_data["basis"],
                    by=request.user.get_username(),
                )
            except OrgoError as problem:
                form.add_error(problem.path or None, problem.full_sentence)
            else:
                messages.success(request, f"Your decision about {one.what} is on record.")
                return HttpResponseRedirect(self.list_url)
        context = {
            "title": f"Conflict: {one.what} of {one.organization}",
            "one": one,
            "form": form,
        }
        return self.render(request, "logs/retention_conflict.html", context)

    def _conflict(self, request: HttpRequest, organization: str, kept: str) -> KeptByPolicy:
        own = [one for one in own_organizations(request) if one.slug == organization]
        for one in keeping.kept_by(own):
            if one.kept == kept and one.rule.in_conflict:
                return one
        raise Http404
