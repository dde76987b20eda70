"""Holds, closed months, plans, runs and certificates. No row here is an event, and none is deleted.

The database keeps the rules that matter: `published_at` is its own clock, a plan that is done never
changes, a certificate is written by the function that destroys.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from logs.retention.segments import log_type_of
from orgo_audit.accounts.models import Organization

# Of a hold's texts, in characters.
LONGEST = {"matter": 200, "reason": 2000, "owner": 150, "scope": 500}


class ScopeKind(models.TextChoices):
    """What a legal hold can cover."""

    SEGMENT = "segment", "segment"
    TASK = "task", "task"
    USER = "user", "user"
    CASE = "case", "case"


class Means(models.TextChoices):
    """How events go: a month as a whole, or one organization's rows of it."""

    DROP = "drop", "the whole segment"
    REMOVE = "remove", "one organization's events"
    # These two are in certificates alone: a case has its own clock, a person asks for an erasure.
    CASE = "case", "one case"
    ERASE = "erase", "a person's events, on request"


class PlanState(models.TextChoices):
    PLANNED = "planned", "planned"
    DONE = "done", "done"
    SUPERSEDED = "superseded", "no longer due"
    HELD = "held", "held"


class Decision(models.TextChoices):
    """What a person decides where a floor is above a ceiling."""

    KEEP_TO_FLOOR = "keep_to_floor", "keep to the floor"
    DESTROY_AT_CEILING = "destroy_at_ceiling", "destroy at the ceiling"


class LegalHold(models.Model):
    """An order that suspends destruction. It ends when two different people release it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    matter = models.CharField(max_length=LONGEST["matter"])
    reason = models.CharField(max_length=LONGEST["reason"])
    owner = models.CharField(max_length=LONGEST["owner"])
    scope_kind = models.CharField(max_length=7, choices=ScopeKind.choices)
    scope_value = models.CharField(max_length=LONGEST["scope"])
    placed_at = models.DateTimeField()
    placed_by = models.CharField(max_length=150)
    review_on = models.DateField()
    release_asked_by = models.CharField(max_length=150, blank=True)
    release_asked_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=150, blank=True)
    released_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=Q(scope_kind__in=ScopeKind.values), name="hold_scope_known"
            ),
            models.CheckConstraint(
                condition=~Q(matter="") & ~Q(reason="") & ~Q(owner="") & ~Q(scope_value=""),
                name="hold_says_all",
            ),
            models.CheckConstraint(
                condition=Q(release_asked_by="", release_asked_at=None)
                | (~Q(release_asked_by="") & Q(release_asked_at__isnull=False)),
                name="hold_release_asked_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(released_by="", released_at=None)
                | (
                    ~Q(released_by="")
                    & Q(released_at__isnull=False, release_asked_at__isnull=False)
                    & ~Q(released_by=models.F("release_asked_by"))
                ),
                name="hold_released_by_a_second_person",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization"], condition=Q(released_at=None), name="hold_active"
            ),
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}"


class SegmentClosure(models.Model):
    """What one organization had in a month when the month was over: so many rows, this digest."""

    segment = models.CharField(max_length=20)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(db_default=Now())
    rows = models.BigIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["segment", "organization"], name="closure_once")
        ]

    def __str__(self) -> str:
        return f"closure of {self.segment}"


class RetentionRun(models.Model):
    """One pass: months closed, the plan published, what was due destroyed."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    policy_version = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["finished_at"], name="run_finished")]

    def __str__(self) -> str:
        return f"retention run {self.pk}"


class PlannedDestruction(models.Model):
    """One destruction as it was published ahead; without an organization, of the whole segment."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    run = models.ForeignKey(RetentionRun, on_delete=models.PROTECT, related_name="+")
    segment = models.CharField(max_length=20)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", null=True
    )
    kind = models.CharField(max_length=6, choices=Means.choices)
    period = models.CharField(max_length=200)
    policy_version = models.BigIntegerField()
    rows = models.BigIntegerField()
    bytes = models.BigIntegerField()
    due_at = models.DateTimeField()
    published_at = models.DateTimeField(db_default=Now())
    approved_by = ArrayField(models.CharField(max_length=150), default=list)
    state = models.CharField(max_length=10, choices=PlanState.choices, default=PlanState.PLANNED)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "retention"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=PlanState.values), name="planned_state_known"
            ),
            models.CheckConstraint(
                condition=Q(kind=Means.DROP, organization=None)
                | Q(kind=Means.REMOVE, organization__isnull=False),
                name="planned_for_one_or_all",
            ),
            models.UniqueConstraint(
                fields=["segment", "organization", "kind"],
                condition=Q(state=PlanState.PLANNED),
                nulls_distinct=False,
                name="planned_once",
            ),
        ]

    def __str__(self) -> str:
        return f"plan {self.pk}"

    @property
    def log_type(self) -> str:
        return log_type_of(self.segment)

    @property
    def whose(self) -> str | None:
        """The organization's slug; nothing where the whole segment goes."""
        return self.organization.slug if self.organization else None


class RetentionResolution(models.Model):
    """What a person decided where an organization's regimes conflict; the newest one counts."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    kept = models.CharField(max_length=20)
    decision = models.CharField(max_length=20, choices=Decision.choices)
    basis = models.CharField(max_length=2000)
    decided_by = models.CharField(max_length=150)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__in=Decision.values), name="resolution_decision_known"
            ),
            models.CheckConstraint(
                condition=Q(kept__in=["activity_logs", "security_logs", "error_logs", "cases"]),
                name="resolution_kept_known",
            ),
            models.CheckConstraint(
                condition=~Q(basis="") & ~Q(decided_by=""), name="resolution_has_a_basis"
            ),
        ]

    def __str__(self) -> str:
        return f"resolution {self.pk}"


class DestructionCertificate(models.Model):
    """What was destroyed, from when to when, how much, under which policy; written as it happens.

    The digest is the one that was made when the month closed. `rows_held` are those that a hold
    kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    plan = models.ForeignKey(
        PlannedDestruction, on_delete=models.PROTECT, related_name="+", null=True
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", null=True
    )
    segment = models.CharField(max_length=20, blank=True)
    # Of a case nothing else is told: neither what it was about nor how much there was of it.
    case_code = models.UUIDField(null=True)
    kind = models.CharField(max_length=6, choices=Means.choices)
    first_recorded_at = models.DateTimeField(null=True)
    last_recorded_at = models.DateTimeField(null=True)
    rows_at_closing = models.BigIntegerField()
    rows_destroyed = models.BigIntegerField()
    rows_held = models.BigIntegerField(db_default=0)
    digest_at_closing = models.CharField(max_length=64, blank=True)
    policy_version = models.BigIntegerField()
    period = models.CharField(max_length=200)
    approved_by = ArrayField(models.CharField(max_length=150), default=list)
    announcement = models.UUIDField(null=True)
    destroyed_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "certificates"
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "organization"],
                condition=Q(plan__isnull=False),
                nulls_distinct=False,
                name="certificate_once",
            ),
            models.UniqueConstraint(fields=["case_code"], name="certificate_of_case_once"),
            models.UniqueConstraint(
                fields=["announcement", "segment"],
                condition=Q(kind=Means.ERASE),
                name="certificate_of_erasure_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[Means.DROP, Means.REMOVE],
                    plan__isnull=False,
                    announcement__isnull=False,
                    case_code=None,
                )
                | Q(kind=Means.CASE, plan=None, announcement=None, case_code__isnull=False)
                | Q(kind=Means.ERASE, plan=None, announcement__isnull=False, case_code=None),
                name="certificate_says_what_went",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-destroyed_at", "-id"], name="certificate_in_order"
            ),
            models.Index(fields=["segment"], name="certificate_of_segment"),
        ]

    def __str__(self) -> str:
        return f"certificate {self.pk}"


class ErasurePlan(models.Model):
    """Which ordinary events a request for an erasure would destroy. It names nobody.

    The vault makes and approves it, the worker finds the events and destroys them. `kept` counts
    what stays, by the reason. The row goes once the request's certificate tells what became of it.
    """

    request = models.UUIDField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    planned_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    events = models.PositiveBigIntegerField(default=0)
    kept = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"erasure {self.pk}"


class ErasureSought(models.Model):
    """By what the person is looked for, encrypted. Only the worker reads it, once."""

    plan = models.OneToOneField(ErasurePlan, on_delete=models.CASCADE, primary_key=True)
    content = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"sought by erasure {self.pk}"


class ErasureListing(models.Model):
    """One event that a plan would destroy; all of a plan are put down at once."""

    plan = models.ForeignKey(
        ErasurePlan, on_delete=models.CASCADE, related_name="listings", db_index=False
    )
    event_id = models.UUIDField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["plan", "event_id"], name="erasure_listing_once")
        ]

    def __str__(self) -> str:
        return f"listed by erasure {self.plan_id}"
