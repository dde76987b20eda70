"""The API doors of alerts: each parses, calls one function and renders. Decides nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from monitoring.alerting import alerts, answers
from monitoring.alerting.models import Alert
from monitoring.alerting.vocabulary import Rule, Severity, State
from monitoring.api.doors import MonitoringView, viewer_of
from orgo_audit import api_bodies, api_pages, paging
from orgo_audit.accounts.models import Organization
from orgo_audit.api import single_parameters
from orgo_audit.errors import BadInput
from orgo_audit.instants import TIMES, parse_instant, range_from
from orgo_audit.periods import Period, parse_period

CHOICES: dict[str, tuple[str, ...]] = {
    "state": tuple(State),
    "rule": tuple(Rule),
    "severity": tuple(Severity),
}
FILTERS = frozenset({*CHOICES, *TIMES, "task_id"})
SILENCED_FOR = Period(1, "hour")


class AlertListView(MonitoringView):
    """Alerts, the newest first; what is over stays listed."""

    def get(self, request: Request) -> Response:
        own = self.readers_organizations(request)
        given = single_parameters(request, FILTERS | api_pages.PAGING)
        rows = _filtered(given, own)
        cursor, size = api_pages.page_of(request)
        filters = {name: value for name, value in given.items() if name in FILTERS}
        self.looked(request, own, "alerts", filters)
        page = paging.page(rows, cursor, size=size, by="fired_at")
        shapes = dict(zip(page.rows, answers.as_json(page.rows), strict=True))
        return Response(api_pages.page_answer(request, page, shapes.__getitem__))


class AlertView(MonitoringView):
    """One alert."""

    def get(self, request: Request, alert_id: UUID) -> Response:
        own = self.readers_organizations(request)
        single_parameters(request, ())
        alert = alerts.find(own, alert_id)
        self.looked(request, [alert.organization], f"alert {alert_id}", {})
        return _answer(alert)


class ActView(MonitoringView):
    """Somebody says what becomes of an alert."""

    optional: dict[str, type] = {"reason": str}

    def post(self, request: Request, alert_id: UUID) -> Response:
        own = self.readers_organizations(request)
        wish = api_bodies.object_or_nothing(request, self.optional)
        alert = alerts.find(own, alert_id)
        return _answer(self.act(alert, wish, viewer_of(request).name, timezone.now()))

    def act(self, alert: Alert, wish: dict[str, Any], by: str, now: datetime) -> Alert:
        raise NotImplementedError


class AcknowledgeView(ActView):
    """Somebody is at it."""

    def act(self, alert: Alert, wish: dict[str, Any], by: str, now: datetime) -> Alert:
        return alerts.acknowledge(alert, by=by, reason=wish.get("reason", ""), now=now)


class ResolveView(ActView):
    """It is over."""

    def act(self, alert: Alert, wish: dict[str, Any], by: str, now: datetime) -> Alert:
        return alerts.resolve(alert, by=by, reason=wish.get("reason", ""), now=now)


class SilenceView(ActView):
    """Nobody is told for a while; an hour where nothing else is said."""

    optional = {"reason": str, "until": str, "for": str}

    def act(self, alert: Alert, wish: dict[str, Any], by: str, now: datetime) -> Alert:
        until = _end_of_silence(wish, now)
        return alerts.silence(alert, until, by=by, reason=wish.get("reason", ""), now=now)


def _end_of_silence(wish: dict[str, Any], now: datetime) -> datetime:
    if "until" in wish and "for" in wish:
        raise BadInput("until and for exclude each other", path="for", code="bad_until")
    if "until" in wish:
        return parse_instant("until", wish["until"])
    if "for" not in wish:
        return SILENCED_FOR.after(now)
    try:
        return parse_period(wish["for"]).after(now)
    except BadInput as error:
        raise BadInput(error.sentence, path="for", code="bad_period") from None


def _answer(alert: Alert) -> Response:
    [shape] = answers.as_json([alert])
    return Response(shape)


def _filtered(given: dict[str, str], own: list[Organization]) -> QuerySet[Alert]:
    rows = Alert.objects.filter(organization__in=own).select_related("organization")
    for name, known in CHOICES.items():
        if name in given:
            if given[name] not in known:
                accepted = ", ".join(known)
                raise BadInput(f"expected one of {accepted}", path=name, code="unknown_value")
            rows = rows.filter(**{name: given[name]})
    if "task_id" in given:
        rows = rows.filter(task_id=_text(given["task_id"], "task_id"))
    since, until = range_from(given)
    if since is not None:
        rows = rows.filter(fired_at__gte=since)
    return rows if until is None else rows.filter(fired_at__lt=until)


def _text(value: str, path: str) -> str:
    if "\0" in value:
        raise BadInput("NUL is in no value", path=path, code="nul_character")
    return value
