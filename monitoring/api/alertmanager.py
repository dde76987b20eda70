"""The API door for Alertmanager: takes in what its webhook of format version 4 tells."""

from __future__ import annotations

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from logs import interface
from monitoring.alerting import alerts
from monitoring.alerting.rules import Condition
from monitoring.alerting.vocabulary import Rule, Severity
from monitoring.api.doors import MonitoringView
from monitoring.delivery.alertmanager import Incoming, parse_webhook
from orgo_audit import api_bodies
from orgo_audit.accounts.models import Organization, Scope, ServiceToken
from orgo_audit.api import single_parameters
from orgo_audit.errors import NotAllowed

WITHHELD = "Alert (withheld)"
# A task is kept where it is found again once it is sensitive; a mail is kept nowhere.
REFERENCES = ("task_id", "email_id")


class AlertmanagerView(MonitoringView):
    """Takes in what Alertmanager tells, by its webhook of format version 4."""

    def post(self, request: Request) -> Response:
        token = self._token(request)
        single_parameters(request, ())
        told = parse_webhook(api_bodies.raw_body(request))
        firing = _conditions([one for one in told.alerts if one.is_firing], token.organization)
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


def _conditions(incoming: list[Incoming], organization: Organization) -> list[Condition]:
    """As our own are. Of what a service would not be let say in the open only the rule is told."""
    said = [_words(one) for one in incoming]
    ordinary = interface.are_ordinary(said, organization)
    return [
        _told(one) if is_ordinary else _withheld(one)
        for one, is_ordinary in zip(incoming, ordinary, strict=True)
    ]


def _words(incoming: Incoming) -> dict[str, str]:
    task = {"task_id": incoming.task_id} if incoming.task_id else {}
    return {**incoming.words, **task, "alert": incoming.name}


def _told(incoming: Incoming) -> Condition:
    return Condition(
        Rule.ALERTMANAGER,
        incoming.name,
        Severity(incoming.severity),
        incoming.fingerprint,
        incoming.task_id,
        {name: word for name, word in incoming.words.items() if name not in REFERENCES},
    )


def _withheld(incoming: Incoming) -> Condition:
    severity = Severity(incoming.severity)
    return Condition(Rule.ALERTMANAGER, WITHHELD, severity, incoming.fingerprint)
