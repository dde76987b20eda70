"""The tables of alerts: what is wrong, and each step of what became of it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from monitoring.alerting.vocabulary import Rule, Severity, State
from orgo_audit.accounts.models import Organization

RULES, SEVERITIES, STATES = (list(map(str, known)) for known in (Rule, Severity, State))
RULE_CHOICES = [(rule.value, rule.value.replace("_", " ")) for rule in Rule]
SEVERITY_CHOICES = [(severity.value, severity.value) for severity in Severity]
STATE_CHOICES = [(state.value, state.value) for state in State]


class Alert(models.Model):
    """Something that is or was wrong. One is open for each rule and subject of an organization.

    It is open until its condition has turned (`cleared_at`): one that a person resolved before
    stays resolved, and the same condition fires no other one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    rule = models.CharField(max_length=20, choices=RULE_CHOICES)
    # The task, the check, the fingerprint; empty where an organization can have but one.
    subject = models.CharField(max_length=500, blank=True)
    name = models.CharField("alert", max_length=200)
    severity = models.CharField(max_length=8, choices=SEVERITY_CHOICES)
    state = models.CharField(max_length=12, choices=STATE_CHOICES)
    task_id = models.CharField("task", max_length=500, null=True)  # noqa: DJ001  # as in events
    # By which a task that has become sensitive is found again.
    task_digest = models.BinaryField(max_length=32, null=True)
    told = models.JSONField(default=dict)
    fired_at = models.DateTimeField("fired")
    resolved_at = models.DateTimeField("resolved", null=True)
    cleared_at = models.DateTimeField(null=True)
    silenced_until = models.DateTimeField(null=True)
    steps_taken = models.PositiveSmallIntegerField(default=0)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "rule", "subject"],
                condition=Q(cleared_at=None),
                name="alert_open_once",
            ),
            models.CheckConstraint(condition=Q(rule__in=RULES), name="alert_rule_known"),
            models.CheckConstraint(condition=Q(state__in=STATES), name="alert_state_known"),
            models.CheckConstraint(
                condition=Q(severity__in=SEVERITIES), name="alert_severity_known"
            ),
            models.CheckConstraint(
                condition=Q(state=State.RESOLVED, resolved_at__isnull=False)
                | (~Q(state=State.RESOLVED) & Q(resolved_at=None, cleared_at=None)),
                name="alert_resolved_when",
            ),
            models.CheckConstraint(
                condition=Q(state=State.SILENCED) ^ Q(silenced_until=None),
                name="alert_silenced_until_when",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "fired_at", "id"], name="alert_in_order"),
            models.Index(
                fields=["task_digest"], name="alert_task", condition=Q(task_digest__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"alert {self.pk}"


class AlertTransition(models.Model):
    """One step of an alert: into which state, when, by whom, why."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="transitions")
    state = models.CharField(max_length=12, choices=STATE_CHOICES)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(state__in=STATES), name="transition_state_known"),
        ]

    def __str__(self) -> str:
        return f"transition {self.pk}"


class WatchMark(models.Model):
    """When the last pass over all rules got to its end."""

    name = models.CharField(primary_key=True, max_length=20)
    finished_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"mark of {self.name}"
