"""The history of health checks: what each run verified, how long it took, what it measured."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class CheckState(models.TextChoices):
    OK = "ok", "ok"
    FAILED = "failed", "failed"
    # There is nothing to check here; the detail says why.
    SKIPPED = "skipped", "skipped"


class HealthCheckResult(models.Model):
    """One run of one check. Platform wide: it belongs to no organization."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField("check", max_length=40)
    state = models.CharField(max_length=8, choices=CheckState.choices)
    started_at = models.DateTimeField("run")
    duration_ms = models.PositiveIntegerField("duration")
    # A sentence: what was verified, or what is wrong.
    detail = models.CharField(max_length=1000)
    facts = models.JSONField(default=dict)
    asked_by = models.CharField("asked by", max_length=150, blank=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "health check"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=CheckState.values), name="health_check_state_known"
            ),
        ]
        indexes = [
            models.Index(fields=["name", "started_at", "id"], name="health_check_history"),
            models.Index(fields=["started_at", "id"], name="health_check_in_order"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.name}"


class QueueSample(models.Model):
    """How many tasks waited in the queue at an instant: for the charts of a day and a month."""

    measured_at = models.DateTimeField(primary_key=True)
    waiting = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"sample of {self.measured_at}"
