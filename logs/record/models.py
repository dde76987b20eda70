"""The tables of the record: events with their three faces, scopes, and what stands at the door."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from logs.record.sent_json import SentJSONField
from logs.record.vocabulary import LogType, Outcome
from orgo_audit.accounts.models import Organization

LOG_TYPE_CHOICES = [(kind.value, kind.value) for kind in LogType]
OUTCOME_CHOICES = [(outcome.value, outcome.value) for outcome in Outcome]


class EventManager(models.Manager["Event"]):
    """Gives a proxy model the events of its own log type only."""

    def __init__(self, log_type: LogType | None = None) -> None:
        super().__init__()
        self.log_type = log_type

    def get_queryset(self) -> models.QuerySet[Event]:
        queryset = super().get_queryset()
        return queryset if self.log_type is None else queryset.filter(log_type=self.log_type.value)


class Event(models.Model):
    """One recorded fact. The table is partitioned and append-only; only `ingest.py` inserts.

    The primary key in the database is (id, log_type). There is no foreign key in or out: the
    organization is checked at the door, and other tables keep an event's id.
    """

    id = models.UUIDField(primary_key=True)
    log_type = models.CharField(max_length=8, choices=LOG_TYPE_CHOICES)
    organization = models.ForeignKey(
        Organization, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    recorded_at = models.DateTimeField("recorded at")
    occurred_at = models.DateTimeField("time")
    source = models.CharField(max_length=100)
    action = models.CharField(max_length=500)
    code = models.CharField(max_length=50)
    outcome = models.CharField(max_length=8, choices=OUTCOME_CHOICES)
    # Absent is not the same as an empty text that was sent: answers must tell the two apart.
    status = models.CharField(max_length=500, null=True)  # noqa: DJ001
    actor = models.CharField("user", max_length=500, null=True)  # noqa: DJ001
    task_id = models.CharField("task", max_length=500, null=True)  # noqa: DJ001
    email_id = models.CharField("e-mail", max_length=500, null=True)  # noqa: DJ001
    ip_address = models.CharField("address", max_length=64, null=True)  # noqa: DJ001
    route_from = models.CharField("from", max_length=500, null=True)  # noqa: DJ001
    route_to = models.CharField("to", max_length=500, null=True)  # noqa: DJ001
    reason = models.CharField(max_length=10_000, null=True)  # noqa: DJ001
    workflow = models.CharField(max_length=500, null=True)  # noqa: DJ001
    details = SentJSONField()

    objects: ClassVar[EventManager] = EventManager()

    class Meta:
        db_table = "event"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.log_type} event {self.id}"


class ActivityLog(Event):
    """The activity log: tasks created, routed, escalated, completed."""

    objects: ClassVar[EventManager] = EventManager(LogType.ACTIVITY)

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = "activity event"
        verbose_name_plural = "activity log"


class SecurityLog(Event):
    """The security log: logins, refusals, who read what."""

    objects: ClassVar[EventManager] = EventManager(LogType.SECURITY)

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = "security event"
        verbose_name_plural = "security log"


class ErrorLog(Event):
    """The error log: disrupted workflows and system errors."""

    objects: ClassVar[EventManager] = EventManager(LogType.ERROR)

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = "error event"
        verbose_name_plural = "error log"


class LogScope(models.Model):
    """A view of one organization that can be granted, such as `activity_logs`."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    view = models.CharField(max_length=100)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["organization", "view"], name="logscope_once")
        ]

    def __str__(self) -> str:
        return f"{self.view} of organization {self.organization_id}"


class LogScopeUserGrant(UserObjectPermissionBase):
    """guardian's grant of a scope to a person, with a real foreign key."""

    content_object = models.ForeignKey(LogScope, on_delete=models.CASCADE)


class LogScopeGroupGrant(GroupObjectPermissionBase):
    """guardian's grant of a scope to a role's group, with a real foreign key."""

    content_object = models.ForeignKey(LogScope, on_delete=models.CASCADE)


class Batch(models.Model):
    """An idempotency key with the receipt it got, encrypted. No page and no address shows it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=100)
    key = models.BinaryField(max_length=32)
    body_digest = models.BinaryField(max_length=32)
    receipt = models.BinaryField()
    recorded_on = models.DateField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "source", "key"], name="batch_key_once")
        ]
        indexes = [models.Index(fields=["recorded_on"], name="batch_recorded_on")]

    def __str__(self) -> str:
        return f"batch {self.pk}"


class QuarantinedEvent(models.Model):
    """An item that was refused and is surely ordinary: why, and what was sent, bounded."""

    id = models.UUIDField(primary_key=True)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    source = models.CharField(max_length=100)
    log_type = models.CharField(max_length=8, blank=True)
    recorded_at = models.DateTimeField()
    code = models.CharField(max_length=50)
    path = models.CharField(max_length=1000, blank=True)
    detail = models.CharField(max_length=1000)
    # As JSON text, cut at 64 KiB.
    sent = models.TextField()
    truncated = models.BooleanField(default=False)
    # Keyed digests of the tasks and mails it speaks of, those that were cut away included.
    named = ArrayField(models.BinaryField(max_length=32), default=list)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "refused item"
        verbose_name_plural = "quarantine"
        indexes = [
            models.Index(fields=["organization", "recorded_at", "id"], name="quarantine_in_order"),
            GinIndex(fields=["named"], name="quarantine_named"),
        ]

    def __str__(self) -> str:
        return f"refused item {self.pk}"


class SealedItem(models.Model):
    """An envelope in the vault's inbox. The web login may insert, never read."""

    place = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    envelope = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"envelope {self.pk}"


class SensitiveReference(models.Model):
    """A keyed digest of a task or mail that is sensitive, so that its later events follow it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    digest = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "digest"], name="sensitive_reference_once"
            )
        ]

    def __str__(self) -> str:
        return f"reference {self.pk}"


class Reclassification(models.Model):
    """What was stored as ordinary, has become sensitive, and waits to leave: its id alone."""

    class Kind(models.TextChoices):
        EVENT = "event", "event"
        ITEM = "item", "refused item"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=5, choices=Kind.choices)
    subject_id = models.UUIDField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "subject_id"], name="reclassification_once"
            ),
            # In full: a nested class does not see `Kind`.
            models.CheckConstraint(
                condition=models.Q(kind__in=["event", "item"]), name="reclassification_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"


class ReadMark(models.Model):
    """When a viewer's query, or a refusal, was last put on record: one event in ten minutes."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["recorded_at"], name="readmark_recorded_at")]

    def __str__(self) -> str:
        return "read mark"


class ErasedEvents(models.Model):
    """How many events of a task went because a person asked; the task by a keyed digest."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    events = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return "events erased of a task"


class Beat(models.Model):
    """When one of our processes was last seen at work, and what keeps it from it."""

    class Process(models.TextChoices):
        VAULT = "vault", "the vault"
        WORKER = "worker", "the worker, called by beat"

    process = models.CharField(primary_key=True, max_length=6, choices=Process.choices)
    beaten_at = models.DateTimeField()
    problem = models.TextField(default="", blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            # In full: a nested class does not see `Process`.
            models.CheckConstraint(
                condition=models.Q(process__in=["vault", "worker"]), name="beat_process_known"
            ),
        ]

    def __str__(self) -> str:
        return f"beat of {self.process}"


class TaskClock(models.Model):
    """When a task last moved, and whether it is completed: a copy of its events, folded.

    Both times only ever grow, so that the same events may be folded again.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    task_id = models.CharField(max_length=500)
    moved_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    # By our clock, when it was last folded: a copy goes with what it was made of.
    recorded_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "task_id"], name="task_clock_once")
        ]
        indexes = [
            models.Index(
                fields=["moved_at"],
                name="task_clock_open",
                condition=models.Q(completed_at=None)
                | models.Q(moved_at__gt=models.F("completed_at")),
            ),
            models.Index(fields=["recorded_at"], name="task_clock_recorded_at"),
        ]

    def __str__(self) -> str:
        return f"clock {self.pk}"


class HourCount(models.Model):
    """How many of something an organization had in an hour: a copy of its events, counted."""

    class Measure(models.TextChoices):
        # Mails and routings by the sender's clock, the test mails of health checks left out.
        MAILS = "mails", "e-mails received"
        ROUTED = "routed", "tasks routed"
        ROUTED_WELL = "routed_well", "tasks routed with success"
        # By our clock, what the portal says of itself left out.
        ACTIVITY = "activity", "activity events"
        ERRORS = "errors", "error events"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    measure = models.CharField(max_length=12, choices=Measure.choices)
    hour = models.DateTimeField()
    number = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "measure", "hour"], name="hour_count_once"
            )
        ]
        indexes = [models.Index(fields=["hour"], name="hour_count_hour")]

    def __str__(self) -> str:
        return f"count {self.pk}"


class FoldMark(models.Model):
    """Up to which instant of our clock the events are folded into a copy."""

    name = models.CharField(primary_key=True, max_length=20)
    until = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"mark of {self.name}"
