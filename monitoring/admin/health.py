"""Health checks in Django admin: the last result of each, its history, and a run by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from logs.interface import format_instant
from monitoring import heartbeat, tasks
from monitoring.admin.viewing import looked
from monitoring.health_checks import registry, running
from monitoring.health_checks.database import DRILL
from monitoring.health_checks.models import HealthCheckResult
from orgo_audit import paging
from orgo_audit.addresses import cursor_in, page_href, single_values
from orgo_audit.admin import ReadOnlyAdmin, own_organizations, site
from orgo_audit.errors import BadInput
from orgo_audit.spreadsheets import harmless

PAGE_SIZE = 100
TREND_RUNS = 20
EXPORTED = ("name", "state", "started_at", "duration_ms", "detail", "asked_by")
_KNOWN = frozenset({*registry.CHECKS, DRILL})
_BLOCK = 500


@admin.register(HealthCheckResult, site=site)
class HealthAdmin(ReadOnlyAdmin):
    """Parses, calls one function, renders."""

    def get_urls(self) -> list[URLPattern]:
        name, one = "monitoring_healthcheckresult", "<slug:check>"
        return [
            path("", self.page(self.changelist_view), name=f"{name}_changelist"),
            path(f"{one}/", self.page(self.runs_view), name=f"{name}_history"),
            path(f"{one}/export/", self.page(self.export_view), name=f"{name}_export"),
            path(f"{one}/run/", self.page(self.run_view), name=f"{name}_run"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        looked(request, own_organizations(request), "health checks")
        context = {"title": "Health", "rows": rows(timezone.now())}
        return self.render(request, "monitoring/health.html", context)

    def runs_view(self, request: HttpRequest, check: str) -> HttpResponse:
        own_runs = _runs(check)
        try:
            cursor = cursor_in(single_values(request.GET, frozenset({"cursor"})))
        except BadInput as problem:
            context = {"title": "This page cannot be used", "problem": problem, "label": "Page"}
            return self.render(request, "logs/bad_filter.html", context, status=400)
        looked(request, own_organizations(request), f"health check {check}")
        page = paging.page(own_runs, cursor, size=PAGE_SIZE, by="started_at")
        context = {
            "title": f"Health check: {check.replace('_', ' ')}",
            "check": check,
            "verifies": registry.CHECKS[check].verifies if check in registry.CHECKS else "",
            "runs": page.rows,
            "cursor": cursor,
            "newer": page_href(page.previous),
            "older": page_href(page.next),
        }
        return self.render(request, "monitoring/health_history.html", context)

    def export_view(self, request: HttpRequest, check: str) -> HttpResponseBase:
        runs = _runs(check).order_by("-started_at", "-id")
        looked(request, own_organizations(request), f"health check {check} as a file")
        answer = StreamingHttpResponse(_lines(runs.iterator(_BLOCK)), content_type="text/csv")
        answer.headers["Content-Disposition"] = f'attachment; filename="health-{check}.csv"'
        return answer

    def run_view(self, request: HttpRequest, check: str) -> HttpResponse:
        if check not in registry.CHECKS:
            raise Http404
        if request.method == "POST":
            looked(request, own_organizations(request), f"health check {check}, asked for a run")
            if tasks.nudge(tasks.run_health_check, check, True):
                messages.info(
                    request, f"The worker was asked to check {check}: reload in a moment."
                )
            else:
                messages.error(request, "The broker is away: nothing was asked for.")
        return HttpResponseRedirect(reverse("admin:monitoring_healthcheckresult_changelist"))


def _runs(check: str) -> Any:
    if check not in _KNOWN:
        raise Http404
    return HealthCheckResult.objects.filter(name=check)


# --- what the page shows ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One check: its last result, whether it is overdue, how long its last runs took."""

    name: str
    verifies: str
    every: str
    last: HealthCheckResult | None
    expected_by: datetime | None
    trend: str

    @property
    def state(self) -> str:
        if self.expected_by:
            return "overdue"
        return self.last.state if self.last else "never"


def rows(now: datetime) -> list[Row]:
    last, missed = running.latest(), {one.name: one.expected_by for one in heartbeat.missed(now)}
    return [
        Row(
            name,
            registry.CHECKS[name].verifies,
            every,
            last.get(name),
            missed.get(f"health check: {name}"),
            _trend(name) if name in last else "",
        )
        for name, every in registry.frequencies().items()
    ]


def _trend(name: str) -> str:
    """The points of a line in a frame of 100 by 20: how long the last runs took."""
    newest = HealthCheckResult.objects.filter(name=name).order_by("-started_at")
    times = list(newest.values_list("duration_ms", flat=True)[:TREND_RUNS])[::-1]
    if len(times) < 2:
        return ""
    highest, step = max(*times, 1), 100 / (len(times) - 1)
    return " ".join(
        f"{place * step:.1f},{19 - 18 * took / highest:.1f}" for place, took in enumerate(times)
    )


def _lines(runs: Iterator[HealthCheckResult]) -> Iterator[str]:
    yield _line(EXPORTED)
    for run in runs:
        yield _line([_cell(getattr(run, name)) for name in EXPORTED])


def _cell(value: object) -> str:
    return format_instant(value) if isinstance(value, datetime) else harmless(str(value))


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
