"""Celery's door to what watches the platform. Each task is one call and safe to run twice."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from monitoring import watching
from monitoring.alerting import alerts


@shared_task
def watch() -> None:
    """Judges all rules, brings alerts into line with them, and tells people."""
    watching.watch(timezone.now())


@shared_task
def count_hours() -> None:
    """Counts events by the hour, judges e-mail volumes, and forgets alerts that are long over."""
    watching.watch_volumes(timezone.now())
    alerts.forget_old(timezone.now())
