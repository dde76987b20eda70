"""The three logs in Django admin: list, one event, one trace. Every row comes from `reading`."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from logs.admin import listing
from logs.record import reading, tracing
from logs.record.access import Viewer
from logs.record.drafts import as_wire
from logs.record.models import ActivityLog, ErrorLog, Event, SecurityLog
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import User
from orgo_audit.admin import ReadOnlyAdmin, site
from orgo_audit.errors import BadInput, NotFound

LATE_AFTER_SECONDS = 3600


def viewer_of(request: HttpRequest) -> Viewer:
    return Viewer(cast("User", request.user), request.META.get("REMOTE_ADDR"))


class EventAdmin(ReadOnlyAdmin):
    """One log. Its list pages by key and never counts."""

    log_type: ClassVar[LogType]

    def get_urls(self) -> list[URLPattern]:
        name = self.opts.model_name
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name=f"logs_{name}_changelist"),
            path("<uuid:event_id>/change/", view(self.event_view), name=f"logs_{name}_change"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        try:
            if (cleaned := listing.clean_address(request.GET)) is not None:
                return HttpResponseRedirect(cleaned)
            asked = listing.ListRequest.parse(request.GET, self.log_type, now=timezone.now())
        except BadInput as problem:
            return self._bad_filter(request, problem)
        viewer = viewer_of(request)
        try:
            page = reading.read(viewer, asked.query, cursor=asked.cursor, size=listing.PAGE_SIZE)
        except NotFound:
            raise Http404 from None
        is_whole = page.next is None and page.previous is None
        estimate = 0 if is_whole else reading.estimate(viewer, asked.query)
        return self._render(
            request,
            "logs/event_list.html",
            {
                "title": str(self.opts.verbose_name_plural).capitalize(),
                "asked": asked,
                "rows": [(event, asked.cells(event)) for event in page.events],
                "count": listing.count_text(page, estimate),
                "newer": asked.page_href(page.previous),
                "older": asked.page_href(page.next),
            },
        )

    def event_view(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        try:
            event = reading.get(viewer_of(request), [self.log_type], event_id)
        except NotFound:
            raise Http404 from None
        return self._render(
            request,
            "logs/event.html",
            {
                "title": event.action,
                "event": event,
                "wire": as_wire(event, event.organization.slug),
                "values": self._values(event),
                "late": (event.recorded_at - event.occurred_at).total_seconds()
                > LATE_AFTER_SECONDS,
            },
        )

    def _values(self, event: Event) -> list[listing.Cell]:
        """The event's own fields, each leading to the list filtered by it."""
        asked = listing.ListRequest(self.log_type, {}, reading.EventQuery(frozenset()), None)
        every = (asked.cell(event, name) for name in (*listing.LABELS, "reason", "workflow"))
        return [cell for cell in every if cell.value]

    def _bad_filter(self, request: HttpRequest, problem: BadInput) -> HttpResponse:
        context = {"title": "This filter cannot be used", "problem": problem}
        return self._render(request, "logs/bad_filter.html", context, status=400)

    def _render(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        own = {
            "opts": self.opts,
            "list_url": reverse(f"admin:logs_{self.opts.model_name}_changelist"),
        }
        every = self.admin_site.each_context(request) | own | context
        return TemplateResponse(request, template, every, status=status)


@admin.register(ActivityLog, site=site)
class ActivityLogAdmin(EventAdmin):
    log_type = LogType.ACTIVITY

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("trace/", view(self.find_trace), name="logs_find_trace"),
            path("trace/<path:task_id>/", view(self.trace_view), name="logs_trace"),
            *super().get_urls(),
        ]

    def find_trace(self, request: HttpRequest) -> HttpResponse:
        """The form on the index: leads to the trace of the task that was typed."""
        task_id = request.GET.get("task_id", "").strip()
        if not task_id:
            return HttpResponseRedirect(reverse("admin:index"))
        return HttpResponseRedirect(reverse("admin:logs_trace", args=[task_id]))

    def trace_view(self, request: HttpRequest, task_id: str) -> HttpResponse:
        try:
            trace = tracing.trace_of(viewer_of(request), task_id, now=timezone.now())
        except NotFound:
            context = {"title": "No such task", "task_id": task_id}
            return self._render(request, "logs/no_such_task.html", context, status=404)
        return self._render(
            request, "logs/trace.html", {"title": f"Task {task_id}", "trace": trace}
        )


@admin.register(SecurityLog, site=site)
class SecurityLogAdmin(EventAdmin):
    log_type = LogType.SECURITY


@admin.register(ErrorLog, site=site)
class ErrorLogAdmin(EventAdmin):
    log_type = LogType.ERROR
