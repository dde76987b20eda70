"""The outbox of what people are told about alerts, and every try to tell them."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from orgo_audit.accounts.models import Organization


class Kind(models.TextChoices):
    FIRED = "fired", "fired"
    ESCALATED = "escalated", "escalated"
    RESOLVED = "resolved", "resolved"


class NotificationState(models.TextChoices):
    WAITING = "waiting", "waiting"
    SENT = "sent", "sent"
    GIVEN_UP = "given_up", "given up"


class Outcome(models.TextChoices):
    SENT = "sent", "sent"
    REFUSED = "refused", "refused"
    SKIPPED = "skipped", "skipped"


class Notification(models.Model):
    """What one receiver is told about some alerts, written in the transaction of their step."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # A role or an address, as the policy has it.
    receiver = models.CharField(max_length=255)
    alerts = ArrayField(models.UUIDField())
    state = models.CharField(
        max_length=10, choices=NotificationState.choices, default=NotificationState.WAITING
    )
    made_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="notification_kind"),
            models.CheckConstraint(
                condition=Q(state__in=NotificationState.values), name="notification_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=NotificationState.WAITING) ^ Q(settled_at__isnull=False),
                name="notification_settled_when",
            ),
        ]
        indexes = [
            GinIndex(fields=["alerts"], name="notification_alerts"),
            models.Index(
                fields=["next_try_at"],
                name="notification_waiting",
                condition=Q(settled_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"notification {self.pk}"


class DeliveryTry(models.Model):
    """One try by one channel, and what came of it."""

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="trail")
    channel = models.CharField(max_length=12)
    at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="delivery_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return f"try {self.pk}"
