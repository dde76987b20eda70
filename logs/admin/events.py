"""The three logs in Django admin: list, one event, one trace. Every row comes from `reading`."""

from __future__ import annotations

import codecs
import contextlib
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
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

from logs.admin import listing, timeline
from logs.admin.retention import kept_under_policy
from logs.record import reading, tracing
from logs.record.access import Readable, Viewer, readable
from logs.record.export import UTC, Form, Manner, chosen_form, export, zone_named
from logs.record.models import ActivityLog, ErrorLog, Event, SecurityLog
from logs.record.vocabulary import LogType
from logs.record.wire import as_wire
from orgo_audit.admin import ReadOnlyAdmin, site
from orgo_audit.callers import address_of, person_of
from orgo_audit.directions import escaped
from orgo_audit.errors import BadInput, NotFound

# A task id that an address can hold as a path. A line break, or dots alone, would not arrive.
_PLAIN_TASK_ID = re.compile(r"(?!\.+\Z)[\w.@:+~-]+", re.ASCII)
_READABLE = "_orgo_readable"


def viewer_of(request: HttpRequest) -> Viewer:
    return Viewer(person_of(request), address_of(request))


def readable_of(request: HttpRequest) -> Readable:
    """What this person may read. One page asks many times, the database once."""
    if _READABLE not in request.__dict__:
        request.__dict__[_READABLE] = readable(person_of(request))
    return cast("Readable", request.__dict__[_READABLE])


def readable_log_types(request: HttpRequest) -> frozenset[LogType]:
    """The logs this person may read somewhere."""
    return frozenset[LogType]().union(*readable_of(request).values())


def trace_address(task_id: str) -> str:
    """Where a task's trace is: an address that holds any task id."""
    if _PLAIN_TASK_ID.fullmatch(task_id):
        return reverse("admin:logs_trace", args=[task_id])
    return f"{reverse('admin:logs_find_trace')}?{urlencode({'task_id': task_id})}"


def pretty(value: Any) -> str:
    """A JSON value as text to read; a text stays as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def title_of(opts: Any) -> str:
    """A model's list as its page is called."""
    return str(opts.verbose_name_plural).capitalize()


class EventAdmin(ReadOnlyAdmin):
    """One log. Its list pages by key and never counts."""

    log_type: ClassVar[LogType]
    sentence: ClassVar[str]
    # Where people go first, as words and a query.
    shortcuts: ClassVar[dict[str, str]]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request) and self.log_type in readable_log_types(request)

    def get_urls(self) -> list[URLPattern]:
        name, one = self.opts.model_name, self.page(self.event_view)
        return [
            path("", self.page(self.changelist_view), name=f"logs_{name}_changelist"),
            path("export/", self.page(self.export_view), name=f"logs_{name}_export"),
            path("<uuid:event_id>/change/", one, name=f"logs_{name}_change"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        try:
            if (cleaned := listing.clean_address(request.GET)) is not None:
                return HttpResponseRedirect(cleaned)
            asked = listing.ListRequest.parse(request.GET, self.log_type, now=timezone.now())
        except BadInput as problem:
            return self._bad_filter(request, problem)
        viewer = viewer_of(request)
        page = reading.read(viewer, asked.query, cursor=asked.cursor, size=listing.PAGE_SIZE)
        is_whole = page.next is None and page.previous is None
        estimate = 0 if is_whole else reading.estimate(viewer, asked.query)
        return self.render(
            request,
            "logs/event_list.html",
            {
                "title": title_of(self.opts),
                "asked": asked,
                "sentence": self.sentence,
                "kept": kept_under_policy(readable_of(request), [self.log_type]),
                "trace_url": reverse("admin:logs_find_trace"),
                "rows": asked.rows(page),
                "organizations": len({event.organization_id for event in page.rows}),
                "count": listing.count_text(page, estimate),
                "exports": {form.name: asked.export_href(form) for form in Form},
                "newer": asked.page_href(page.previous),
                "older": asked.page_href(page.next),
            },
        )

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The list's rows as a file for people: a CSV is in their zone, the count ends it."""
        parameters = request.GET.copy()
        try:
            form = chosen_form("".join(parameters.pop("format", [])))
            asked = listing.ListRequest.parse(parameters, self.log_type, now=timezone.now())
        except BadInput as problem:
            return self._bad_filter(request, problem)
        blocks = self._exported(viewer_of(request), asked.query, form)
        # Without the mark spreadsheets take UTF-8 for something else.
        mark = [codecs.BOM_UTF8] if form is Form.CSV else []
        name = f"{self.log_type.value}-log-{timezone.now():%Y-%m-%dT%H%MZ}.{form.value}"
        return StreamingHttpResponse(
            itertools.chain(mark, blocks),
            content_type=form.media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _exported(self, viewer: Viewer, query: reading.EventQuery, form: Form) -> Iterator[bytes]:
        if form is Form.CSV:
            # A browser may name a zone that PostgreSQL does not have: Etc/GMT-3.
            with contextlib.suppress(BadInput):
                zone = zone_named(timezone.get_current_timezone_name())
                return export(viewer, query, Manner(form, zone, with_count=True))
        return export(viewer, query, Manner(form, UTC, with_count=True))

    def event_view(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        try:
            event = reading.get(viewer_of(request), [self.log_type], event_id)
        except NotFound:
            raise Http404 from None
        return self.render(
            request,
            "logs/event.html",
            {
                "title": event.action,
                "event": event,
                "values": self._values(event),
                "details": {name: pretty(value) for name, value in event.details.items()},
                "wire": escaped(pretty(as_wire(event, event.organization.slug))),
                "lateness": listing.lateness(event),
                "trace_url": trace_address(event.task_id) if event.task_id else "",
            },
        )

    def _values(self, event: Event) -> list[listing.Cell]:
        """The event's own fields, each leading to the list filtered by it."""
        asked = listing.ListRequest({}, reading.EventQuery(frozenset()), None, self.log_type)
        every = (asked.cell(event, name) for name in listing.LABELS)
        return [cell for cell in every if cell.value]

    def _bad_filter(self, request: HttpRequest, problem: BadInput) -> HttpResponse:
        label = listing.label_of(problem.path, self.log_type)
        asked = listing.ListRequest.as_typed(request.GET, self.log_type)
        context = {"title": title_of(self.opts), "asked": asked, "problem": problem, "label": label}
        return self.render(request, "logs/bad_filter.html", context, status=400)


@admin.register(ActivityLog, site=site)
class ActivityLogAdmin(EventAdmin):
    log_type = LogType.ACTIVITY
    sentence = "What happened to e-mails and tasks: received, routed, escalated, completed."
    shortcuts: ClassVar[dict[str, str]] = {
        "Last 24 hours": "range=24h",
        "Escalated": "action=Task+Escalated",
        "Failed": "outcome=failure",
    }

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
        if _PLAIN_TASK_ID.fullmatch(task_id):
            return HttpResponseRedirect(trace_address(task_id))
        return self.trace_view(request, task_id)

    def trace_view(self, request: HttpRequest, task_id: str) -> HttpResponse:
        kept = kept_under_policy(readable_of(request), LogType)
        try:
            trace = tracing.trace_of(viewer_of(request), task_id, now=timezone.now())
        except NotFound:
            context = {"title": "No such task", "task_id": task_id, "kept": kept}
            return self.render(request, "logs/no_such_task.html", context, status=404)
        return self.render(
            request,
            "logs/trace.html",
            {
                "title": f"Task {task_id}",
                "trace": trace,
                "kept": kept,
                "stages": timeline.stage_lines(trace),
                "steps": timeline.steps(trace),
                "span": timeline.whole_span(trace),
                "is_cut": len(trace.events) >= reading.MAX_TRACE_EVENTS,
            },
        )


@admin.register(SecurityLog, site=site)
class SecurityLogAdmin(EventAdmin):
    log_type = LogType.SECURITY
    sentence = "Who signed in, who failed to, who was refused what, and who read the record."
    shortcuts: ClassVar[dict[str, str]] = {
        "Last 24 hours": "range=24h",
        "Failed": "outcome=failure",
        "Denied": "outcome=denied",
    }


@admin.register(ErrorLog, site=site)
class ErrorLogAdmin(EventAdmin):
    log_type = LogType.ERROR
    sentence = "What broke: mails that could not be parsed, deliveries that failed, system errors."
    shortcuts: ClassVar[dict[str, str]] = {
        "Last 24 hours": "range=24h",
        "Parsing failed": "action=Email+Parsing+Failed",
    }


LOG_ADMINS: tuple[EventAdmin, ...] = tuple(
    cast("EventAdmin", site.get_model_admin(model))
    for model in (ActivityLog, SecurityLog, ErrorLog)
)
