"""The API doors of alerts and health checks: each parses, calls one function and renders."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request
from rest_framework.response import Response

from logs import interface
from monitoring.alerting import alerts, answers
from monitoring.alerting.models import Alert
from monitoring.alerting.rules import Condition
from monitoring.alerting.vocabulary import Rule, Severity, State
from monitoring.api.schema import MonitoringSchema
from monitoring.delivery.alertmanager import Incoming, parse_webhook
from orgo_audit import api_bodies, api_pages, paging
from orgo_audit.accounts.models import Organization, Role, Scope, ServiceToken, User
from orgo_audit.accounts.people import organizations_with_role
from orgo_audit.api import single_parameters
from orgo_audit.api_doors import Door
from orgo_audit.callers import address_of
from orgo_audit.errors import BadInput, NotAllowed, NotFound
from orgo_audit.periods import Period, parse_period

CHOICES: dict[str, tuple[str, ...]] = {
    "state": tuple(State),
    "rule": tuple(Rule),
    "severity": tuple(Severity),
}
TIMES = ("since", "until")
FILTERS = frozenset({*CHOICES, *TIMES, "task_id"})
SILENCED_FOR = Period(1, "hour")


class MonitoringView(Door):
    """A door of monitoring: for admins and tokens of scope `read`."""

    schema = MonitoringSchema()

    def put_on_record(
        self, identity: User | ServiceToken | None, address: str | None, what: str, why: str
    ) -> None:
        interface.report_refusal(identity, address, what, why)

    def put_rate_limit_on_record(self, token: ServiceToken, address: str | None) -> None:
        interface.report_rate_limit(token, address)

    def readers_organizations(self, request: Request) -> list[Organization]:
        """Whose alerts the caller sees; NotFound for whoever sees none."""
        if isinstance(request.user, ServiceToken):
            if request.user.has_scope(Scope.READ):
                return [request.user.organization]
            raise NotAllowed("this token has no scope `read`", code="scope_missing")
        if own := organizations_with_role(request.user, Role.ADMIN):
            return own
        self.report_refusal("no view")
        raise NotFound

    def looked(
        self, request: Request, own: list[Organization], what: str, filters: dict[str, str]
    ) -> None:
        interface.report_read(viewer_of(request), own, what, filters)


def viewer_of(request: Request) -> interface.Viewer:
    assert isinstance(request.user, User | ServiceToken)  # noqa: S101  # the door asked
    return interface.Viewer(request.user, address_of(request))


# --- alerts -------------------------------------------------------------------------------------


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
    def act(self, alert: Alert, wish: dict[str, Any], by: str, now: datetime) -> Alert:
        return alerts.acknowledge(alert, by=by, reason=wish.get("reason", ""), now=now)


class ResolveView(ActView):
    def act(self, alert: Alert, wish: dict[str, Any], by: str, now: datetime) -> Alert:
        return alerts.resolve(alert, by=by, reason=wish.get("reason", ""), now=now)


class SilenceView(ActView):
    optional = {"reason": str, "until": str, "for": str}

    def act(self, alert: Alert, wish: dict[str, Any], by: str, now: datetime) -> Alert:
        until = _end_of_silence(wish, now)
        return alerts.silence(alert, until, by=by, reason=wish.get("reason", ""), now=now)


def _end_of_silence(wish: dict[str, Any], now: datetime) -> datetime:
    if "until" in wish and "for" in wish:
        raise BadInput("until and for exclude each other", path="for", code="bad_until")
    if "until" in wish:
        return _instant(wish["until"], "until")
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
    if "since" in given:
        rows = rows.filter(fired_at__gte=_instant(given["since"], "since"))
    if "until" in given:
        rows = rows.filter(fired_at__lt=_instant(given["until"], "until"))
    return rows


def _text(value: str, path: str) -> str:
    if "\0" in value:
        raise BadInput("NUL is in no value", path=path, code="nul_character")
    return value


def _instant(text: str, path: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadInput(
            "expected an RFC 3339 time with an offset such as 2026-11-24T10:45:00Z",
            path=path,
            code="bad_timestamp",
        )
    return found


# --- Alertmanager -------------------------------------------------------------------------------


class AlertmanagerView(MonitoringView):
    """Takes in what Alertmanager tells, by its webhook of format version 4."""

    def post(self, request: Request) -> Response:
        token = self._token(request)
        single_parameters(request, ())
        told = parse_webhook(api_bodies.raw_body(request))
        firing = [_condition(one, token.organization) for one in told.alerts if one.is_firing]
        resolved = [one.fingerprint for one in told.alerts if not one.is_firing]
        alerts.take_in(token.organization, firing, resolved, timezone.now())
        return Response({"accepted": len(told.alerts), "dropped": told.dropped})

    def _token(self, request: Request) -> ServiceToken:
        if not isinstance(request.user, ServiceToken):
            self.readers_organizations(request)
            raise NotAllowed("Alertmanager comes with a service token", code="token_needed")
        if not request.user.has_scope(Scope.ALERTS):
            raise NotAllowed("this token has no scope `alerts`", code="scope_missing")
        return request.user


def _condition(incoming: Incoming, organization: Organization) -> Condition:
    """As our own alerts are. Words that a service would not be let say in the open are withheld."""
    said = {"name": incoming.name, **incoming.words}
    if incoming.task_id:
        said["task_id"] = incoming.task_id
    words = interface.ordinary_words(said, organization)
    is_open = words["name"] == incoming.name
    words.pop("name")
    words.pop("task_id", None)
    return Condition(
        Rule.ALERTMANAGER,
        incoming.name if is_open else "Alert (withheld)",
        Severity(incoming.severity),
        incoming.fingerprint,
        incoming.task_id if is_open else None,
        words,
    )
