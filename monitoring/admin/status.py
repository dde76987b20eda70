"""The status page: how the platform stands at one glance, then charts of a day or a month."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone

from monitoring import heartbeat, watching
from monitoring.admin.figures import DAY, MONTH, figures
from monitoring.admin.viewing import looked
from monitoring.alerting.models import Alert, WatchMark
from monitoring.alerting.vocabulary import Severity, State
from monitoring.delivery.models import Notification, NotificationState
from monitoring.health_checks import registry, running
from monitoring.health_checks.models import CheckState
from orgo_audit.accounts.models import Organization
from orgo_audit.addresses import single_values
from orgo_audit.admin import ReadOnlyAdmin, own_organizations, site
from orgo_audit.errors import BadInput

SPANS = {DAY: "last 24 hours", MONTH: "last 30 days"}


@admin.register(WatchMark, site=site)
class StatusAdmin(ReadOnlyAdmin):
    """The page has no list: the mark is when all this was last judged."""

    def get_urls(self) -> list[URLPattern]:
        view = self.page(self.changelist_view)
        return [path("", view, name="monitoring_watchmark_changelist")]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        try:
            span = single_values(request.GET, frozenset({"span"})).get("span", DAY)
            if span not in SPANS:
                raise BadInput(f"expected one of {', '.join(SPANS)}", path="span")
        except BadInput as problem:
            context = {"title": "This page cannot be used", "problem": problem, "label": "Span"}
            return self.render(request, "logs/bad_filter.html", context, status=400)
        own, now = own_organizations(request), timezone.now()
        looked(request, own, "status", {"span": span})
        context = {
            "title": "Status",
            "span": span,
            "spans": SPANS,
            "figures": figures(own, span, now),
            **at_a_glance(own),
        }
        return self.render(request, "monitoring/status.html", context)


def at_a_glance(own: list[Organization]) -> dict[str, Any]:
    """What is wrong now, whether anybody judges it, and whether people are told."""
    now = timezone.now()
    open_alerts = Alert.objects.filter(organization__in=own).exclude(state=State.RESOLVED)
    numbers = dict(open_alerts.order_by().values_list("severity").annotate(Count("pk")))
    last = running.latest()
    missed = [one.name for one in heartbeat.missed(now)]
    failed = [one.name for one in last.values() if one.state == CheckState.FAILED]
    notes = Notification.objects.filter(organization__in=own)
    mark = WatchMark.objects.filter(name=watching.MARK).first()
    return {
        "severities": [
            (severity, numbers[severity]) for severity in reversed(Severity) if severity in numbers
        ],
        "watched_at": mark.finished_at if mark else None,
        "is_watched": watching.is_fresh(now),
        "failed": failed,
        "missed": missed,
        "checked": sum(name in last for name in registry.CHECKS),
        "checks": len(registry.CHECKS),
        "waiting": notes.filter(state=NotificationState.WAITING).count(),
        "given_up": notes.filter(
            state=NotificationState.GIVEN_UP, settled_at__gte=now - timedelta(days=7)
        ).count(),
    }


def front_page(request: HttpRequest) -> dict[str, Any]:
    return at_a_glance(own_organizations(request))


site.front_page.append(front_page)
