"""Alerts in the shapes in which they leave: for channels and the API. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from logs.interface import format_instant
from monitoring.alerting.models import Alert, AlertTransition
from monitoring.delivery.base import ToldAlert
from monitoring.delivery.models import DeliveryTry


def told(alert: Alert) -> ToldAlert:
    """As it is told to people."""
    return ToldAlert(
        id=str(alert.pk),
        organization=alert.organization.slug,
        name=alert.name,
        rule=alert.rule,
        subject=alert.subject,
        severity=alert.severity,
        state=alert.state,
        fired_at=alert.fired_at,
        resolved_at=alert.resolved_at,
        task_id=alert.task_id,
        facts=alert.told,
    )


def described(ids: Sequence[UUID]) -> list[ToldAlert]:
    """Those of them that are there, the gravest first, then the oldest."""
    found = Alert.objects.filter(pk__in=ids).select_related("organization")
    order = ("critical", "warning", "info")
    return [
        told(one)
        for one in sorted(found, key=lambda one: (order.index(one.severity), one.fired_at))
    ]


def as_json(alerts: Iterable[Alert]) -> list[dict[str, Any]]:
    """As the API answers them, each with its history and what was tried to tell people."""
    every = list(alerts)
    ids = [alert.pk for alert in every]
    histories: dict[UUID, list[dict[str, Any]]] = {key: [] for key in ids}
    for step in AlertTransition.objects.filter(alert__in=ids).order_by("at", "pk"):
        histories[step.alert_id].append(_step(step))
    deliveries: dict[UUID, list[dict[str, Any]]] = {key: [] for key in ids}
    tries = DeliveryTry.objects.filter(notification__alerts__overlap=ids)
    for one in tries.select_related("notification").order_by("at", "pk"):
        for key in deliveries.keys() & set(one.notification.alerts):
            deliveries[key].append(_try(one))
    return [
        told(alert).as_json()
        | {
            "silenced_until": alert.silenced_until and format_instant(alert.silenced_until),
            "facts": alert.told,
            "history": histories[alert.pk],
            "deliveries": deliveries[alert.pk],
        }
        for alert in every
    ]


def _step(step: AlertTransition) -> dict[str, Any]:
    return {
        "state": step.state,
        "at": format_instant(step.at),
        "by": step.by,
        "reason": step.reason,
    }


def _try(one: DeliveryTry) -> dict[str, Any]:
    return {
        "at": format_instant(one.at),
        "receiver": one.notification.receiver,
        "channel": one.channel,
        "outcome": one.outcome,
        "detail": one.detail,
    }
