"""Alerts in Django admin: the list, one alert with its timeline, and what a person may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from monitoring.admin.viewing import looked
from monitoring.admin.words import MEANING, was_anybody_told
from monitoring.alerting import alerts
from monitoring.alerting.models import Alert, AlertTransition
from monitoring.alerting.vocabulary import Rule, Severity, State
from monitoring.delivery.models import DeliveryTry, Notification, NotificationState
from orgo_audit import paging
from orgo_audit.addresses import cursor_in, single_values
from orgo_audit.admin import ReadOnlyAdmin, own_organizations, site
from orgo_audit.errors import BadInput, Conflict, NotFound, OrgoError
from orgo_audit.periods import Period
from orgo_audit.policy import versions

PAGE_SIZE = 100
OPEN, ALL = "open", "all"
STATES = (OPEN, ALL, *State)
FILTERS = {
    "state": STATES,
    "severity": tuple(Severity),
    "rule": tuple(Rule),
}
SILENCES = {
    "1 hour": Period(1, "hour"),
    "8 hours": Period(8, "hour"),
    "1 day": Period(1, "day"),
    "1 week": Period(1, "week"),
}


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list's address asks for."""

    given: dict[str, str]
    names: ClassVar[frozenset[str]] = frozenset({*FILTERS, "task_id", "cursor"})

    @classmethod
    def parse(cls, request: HttpRequest) -> Asked:
        given = single_values(request.GET, cls.names)
        for name, known in FILTERS.items():
            if name in given and given[name] not in known:
                raise BadInput(f"expected one of {', '.join(known)}", path=name)
        if "\0" in given.get("task_id", ""):
            raise BadInput("no task has such an id", path="task_id")
        return cls(given)

    @property
    def filters(self) -> dict[str, str]:
        return {name: value for name, value in self.given.items() if name != "cursor"}

    @property
    def state(self) -> str:
        return self.given.get("state", OPEN)

    def links(self, name: str) -> list[Link]:
        """Every choice of a filter, and where it leads."""
        own = self.state if name == "state" else self.given.get(name, "")
        any_of = [] if name == "state" else [Link("any", self._href({name: None}), not own)]
        return any_of + [
            Link(value.replace("_", " "), self._href({name: value}), value == own)
            for value in FILTERS[name]
        ]

    def page_href(self, cursor: paging.Cursor | None) -> str:
        return f"?{urlencode(self.filters | {'cursor': cursor.as_text()})}" if cursor else ""

    def _href(self, changes: dict[str, str | None]) -> str:
        merged = {k: v for k, v in (self.filters | changes).items() if v}
        return f"?{urlencode(merged)}"

    def rows(self, request: HttpRequest) -> QuerySet[Alert]:
        rows = Alert.objects.filter(organization__in=own_organizations(request))
        if self.state == OPEN:
            rows = rows.exclude(state=State.RESOLVED)
        elif self.state != ALL:
            rows = rows.filter(state=self.state)
        for name in ("severity", "rule", "task_id"):
            if name in self.given:
                rows = rows.filter(**{name: self.given[name]})
        return rows.select_related("organization")


class ActForm(forms.Form):
    """Why, and for how long where it is silenced."""

    reason = forms.CharField(
        max_length=alerts.MAX_REASON,
        help_text="It is kept with the alert and in the activity log.",
    )
    silence_for = forms.ChoiceField(
        label="Silence for", choices=[(name, name) for name in SILENCES], required=False
    )


@admin.register(Alert, site=site)
class AlertAdmin(ReadOnlyAdmin):
    """Parses, calls one function of `alerts`, renders."""

    def get_urls(self) -> list[URLPattern]:
        name = "monitoring_alert"
        return [
            path("", self.page(self.changelist_view), name=f"{name}_changelist"),
            path("<uuid:alert_id>/", self.page(self.alert_view), name=f"{name}_change"),
            path("<uuid:alert_id>/act/", self.page(self.act_view), name=f"{name}_act"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        try:
            asked = Asked.parse(request)
            cursor = cursor_in(asked.given)
        except BadInput as problem:
            context = {"title": "This filter cannot be used", "problem": problem}
            context |= {"label": problem.path}
            return self.render(request, "logs/bad_filter.html", context, status=400)
        own = own_organizations(request)
        looked(request, own, "alerts", asked.filters)
        page = paging.page(asked.rows(request), cursor, size=PAGE_SIZE, by="fired_at")
        told = _told_of(page.rows)
        context = {
            "title": "Alerts",
            "asked": asked,
            "filters": {name: asked.links(name) for name in FILTERS},
            "rows": [_row(alert, told) for alert in page.rows],
            "organizations": len(own),
            "cursor": cursor,
            "newer": asked.page_href(page.previous),
            "older": asked.page_href(page.next),
            "rules": versions.current().for_organization(own[0].slug).alert_thresholds,
        }
        return self.render(request, "monitoring/alert_list.html", context)

    def alert_view(self, request: HttpRequest, alert_id: UUID) -> HttpResponse:
        alert = self._alert(request, alert_id)
        looked(request, [alert.organization], f"alert {alert_id}")
        return self._show(request, alert, ActForm())

    def act_view(self, request: HttpRequest, alert_id: UUID) -> HttpResponse:
        alert = self._alert(request, alert_id)
        here = reverse("admin:monitoring_alert_change", args=[alert_id])
        if request.method != "POST":
            return HttpResponseRedirect(here)
        form = ActForm(request.POST)
        if not form.is_valid():
            return self._show(request, alert, form, status=400)
        try:
            _act(alert, request, form, timezone.now())
        except OrgoError as problem:
            level = messages.WARNING if isinstance(problem, Conflict) else messages.ERROR
            messages.add_message(request, level, f"{problem.sentence.capitalize()}.")
        return HttpResponseRedirect(here)

    def _alert(self, request: HttpRequest, alert_id: UUID) -> Alert:
        try:
            return alerts.find(own_organizations(request), alert_id)
        except NotFound:
            raise Http404 from None

    def _show(
        self, request: HttpRequest, alert: Alert, form: ActForm, status: int = 200
    ) -> HttpResponse:
        tries = list(
            DeliveryTry.objects.filter(notification__alerts__contains=[alert.pk])
            .select_related("notification")
            .order_by("at", "pk")
        )
        meaning, advice = MEANING[Rule(alert.rule)]
        context = {
            "title": alert.name,
            "alert": alert,
            "meaning": meaning,
            "advice": advice,
            "facts": [(name.replace("_", " "), value) for name, value in alert.told.items()],
            "next": _next(alert),
            "was_told": was_anybody_told(tries, is_listed_only=alert.severity == Severity.INFO),
            "timeline": _timeline(list(alert.transitions.order_by("at", "pk")), tries),
            "form": form,
            "is_open": alert.state != State.RESOLVED,
        }
        return self.render(request, "monitoring/alert.html", context, status=status)


def _act(alert: Alert, request: HttpRequest, form: ActForm, now: datetime) -> None:
    by, reason = request.user.get_username(), form.cleaned_data["reason"]
    act = request.POST.get("act")
    if act == "acknowledge":
        alerts.acknowledge(alert, by=by, reason=reason, now=now)
    elif act == "resolve":
        alerts.resolve(alert, by=by, reason=reason, now=now)
    elif act == "silence":
        period = SILENCES[form.cleaned_data["silence_for"] or "1 hour"]
        alerts.silence(alert, period.after(now), by=by, reason=reason, now=now)
    else:
        raise BadInput("the form did not say what to do; nothing was done")


# --- what the pages show ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """An alert in the list, and whether anybody was told of it."""

    alert: Alert
    told: str


def _row(alert: Alert, told: dict[UUID, set[str]]) -> Row:
    states = told.get(alert.pk, set())
    if NotificationState.SENT in states:
        return Row(alert, "told")
    if NotificationState.GIVEN_UP in states:
        return Row(alert, "nobody could be told")
    return Row(alert, "not told yet" if states else "listed only")


def _told_of(rows: list[Alert]) -> dict[UUID, set[str]]:
    """The states of what was to be told about these alerts."""
    ids = [alert.pk for alert in rows]
    told: dict[UUID, set[str]] = {}
    for note in Notification.objects.filter(alerts__overlap=ids):
        for key in note.alerts:
            told.setdefault(key, set()).add(note.state)
    return told


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    at: datetime
    tone: str
    what: str
    words: str


def _timeline(steps: list[AlertTransition], tries: list[DeliveryTry]) -> list[Entry]:
    happened = [Entry(one.at, _TONES[State(one.state)], one.state, _by(one)) for one in steps]
    happened += [
        Entry(
            one.at,
            "success" if one.outcome == "sent" else "failure",
            f"{one.outcome} to {one.notification.receiver} by {one.channel}",
            one.detail,
        )
        for one in tries
    ]
    return sorted(happened, key=lambda entry: entry.at)


_TONES = {
    State.FIRING: "failure",
    State.ACKNOWLEDGED: "success",
    State.ESCALATED: "late",
    State.RESOLVED: "done",
    State.SILENCED: "due",
}


def _by(step: AlertTransition) -> str:
    return f"by {step.by}: {step.reason}" if step.reason else f"by {step.by}"


_HEALTH = ("The health checks", "admin:monitoring_healthcheckresult_changelist", "")
_NEXT = {
    Rule.ERROR_RATE: ("The newest errors", "admin:logs_errorlog_changelist", "range=1h"),
    Rule.FAILED_LOGINS: (
        "The failed sign-ins",
        "admin:logs_securitylog_changelist",
        "outcome=failure&range=1h",
    ),
    Rule.ACCESS_VIOLATIONS: (
        "What was refused",
        "admin:logs_securitylog_changelist",
        "outcome=denied&range=1h",
    ),
    Rule.HEALTH_CHECK: _HEALTH,
    Rule.HEARTBEAT: _HEALTH,
    Rule.RETENTION: ("The plan", "admin:logs_planneddestruction_changelist", ""),
    Rule.EMAIL_VOLUME: ("The charts", "admin:monitoring_watchmark_changelist", ""),
}


def _next(alert: Alert) -> tuple[str, str] | None:
    """Where to look: words and an address."""
    if alert.task_id:
        query = urlencode({"task_id": alert.task_id})
        return "Follow the task", f"{reverse('admin:logs_find_trace')}?{query}"
    if (found := _NEXT.get(Rule(alert.rule))) is None:
        return None
    label, name, query = found
    return label, reverse(name) + (f"?{query}" if query else "")
