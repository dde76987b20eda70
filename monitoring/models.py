"""Gathers the models of the rooms for Django; declares none."""

from __future__ import annotations

from monitoring.alerting.models import Alert, AlertTransition, WatchMark
from monitoring.delivery.models import DeliveryTry, Notification
from monitoring.health_checks.models import HealthCheckResult, QueueSample

__all__ = [
    "Alert",
    "AlertTransition",
    "DeliveryTry",
    "HealthCheckResult",
    "Notification",
    "QueueSample",
    "WatchMark",
]
