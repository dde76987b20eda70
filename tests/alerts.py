"""Alerts as they stand in the tables, and a broker that takes all it is given."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from monitoring.alerting.models import Alert, AlertTransition
from monitoring.delivery.models import DeliveryTry, Notification
from orgo_audit.accounts.models import Organization
from orgo_audit.celery import app
from tests.builders import setting_the_scene

FIRED = datetime(2024, 11, 24, 12, 45, tzinfo=UTC)
_numbers = count(1)


def an_alert(organization: Organization, **changed: Any) -> Alert:
    """A task that waits too long; its administrators were told once, by mail."""
    number = next(_numbers)
    fields: dict[str, Any] = {
        "rule": "escalation_pending",
        "subject": f"T{number}",
        "name": "Task Escalation Pending",
        "severity": "critical",
        "state": "firing",
        "task_id": f"T{number}",
        "told": {"escalation_time": "2 hours"},
        "fired_at": FIRED,
    } | changed
    with setting_the_scene():
        alert = Alert.objects.create(organization=organization, **fields)
        AlertTransition.objects.create(
            alert=alert, state="firing", at=alert.fired_at, by="system:alerting"
        )
        note = Notification.objects.create(
            organization=organization,
            kind="fired",
            receiver="admin",
            alerts=[alert.pk],
            state="sent",
            made_at=alert.fired_at,
            next_try_at=alert.fired_at,
            settled_at=alert.fired_at,
        )
        DeliveryTry.objects.create(
            notification=note, channel="email", at=alert.fired_at, outcome="sent"
        )
    return alert


def a_broker(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The names and arguments of all tasks that would go to Celery's broker."""
    given: list[tuple[str, Any]] = []

    def keep(producer: object, name: str, message: Any, **options: object) -> None:
        given.append((name, message.body[0]))

    monkeypatch.setattr(app.amqp, "send_task_message", keep)
    return given
