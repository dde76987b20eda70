"""HR's tables, in a schema of their own: what is not a column here cannot leak to HR."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from guardian.models import UserObjectPermissionBase

from logs.cases.acts import Act
from orgo_audit.accounts.models import Organization, User


class CaseState(models.TextChoices):
    OPEN = "open", "open"
    CLOSED = "closed", "closed"


class RequestState(models.TextChoices):
    PENDING = "pending", "waits for custodians"
    APPROVED = "approved", "approved"
    DENIED = "denied", "denied"
    EXPIRED = "expired", "expired"
    SPENT = "spent", "all views used"
    WITHDRAWN = "withdrawn", "withdrawn"
    DONE = "done", "done"


class PasskeyState(models.TextChoices):
    PENDING = "pending", "must prove itself"
    PROVEN = "proven", "waits for confirmation"
    CONFIRMED = "confirmed", "confirmed"
    REVOKED = "revoked", "revoked"


class ErrandState(models.TextChoices):
    WAITING = "waiting", "waiting"
    DONE = "done", "done"
    REFUSED = "refused", "refused"


class LookedAt(models.TextChoices):
    """What somebody did in the restricted area."""

    LIST = "list", "list of cases"
    CASE = "case", "one case"
    EVENTS = "events", "list of events"
    COUNTS = "counts", "counts"
    EXPORT = "export", "export"
    STEP = "step", "step of a case"
    NOTE = "note", "note written"
    ASSIGNMENT = "assignment", "assignment changed"
    REQUEST = "request", "request made"
    REQUESTS = "requests", "list of requests"
    DECISION = "decision", "request decided"
    REVEAL = "reveal", "identity shown"
    TEXT = "text", "text read or released"
    PASSKEY = "passkey", "passkey changed"
    ACCESS_LOG = "access_log", "restricted access log"
    CERTIFIED = "certified", "certificates of ended cases"


# What two custodians must approve; an enrolment is no request.
REQUESTED = {Act.REVEAL.value: "reveal an identity", Act.ERASE.value: "erase a person"}


def one_of(field: str, values: list[str], name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__in": values}), name=name)


class Case(models.Model):
    """A sensitive matter, under a random code; no column leads to a person or an exact time."""

    code = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    workflow = models.CharField(max_length=40)
    opened_on = models.DateField()
    state = models.CharField(max_length=6, choices=CaseState.choices, default=CaseState.OPEN)
    acknowledged_on = models.DateField(null=True)
    answered_on = models.DateField(null=True)
    closed_on = models.DateField(null=True)

    class Meta:
        db_table = '"hr"."case"'
        default_permissions = ("view",)
        constraints = [
            one_of("state", CaseState.values, "case_state_known"),
            models.CheckConstraint(
                condition=Q(state=CaseState.OPEN, closed_on=None)
                | Q(state=CaseState.CLOSED, closed_on__isnull=False),
                name="case_closed_on_a_day",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-opened_on", "code"], name="case_in_order")
        ]

    def __str__(self) -> str:
        return f"case {self.code}"


class CaseEvent(models.Model):
    """One event of a case as HR may see it. Only the vault writes it."""

    code = models.UUIDField(primary_key=True, default=uuid.uuid4)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="events", db_index=False)
    # Cut to the policy's time grain, so that two events are told apart by their place alone.
    occurred_at = models.DateTimeField()
    place = models.PositiveIntegerField()
    action = models.CharField(max_length=80)
    status = models.CharField(max_length=80, null=True)  # noqa: DJ001
    participants = models.JSONField()
    released_text = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        db_table = '"hr"."case_event"'
        default_permissions = ()
        constraints = [
            # Deferred: an event that comes late moves the later ones on.
            models.UniqueConstraint(
                fields=["case", "place"],
                name="case_event_place_once",
                deferrable=models.Deferrable.DEFERRED,
            )
        ]
        indexes = [
            models.Index(fields=["-occurred_at", "case", "-place"], name="case_event_in_order")
        ]

    def __str__(self) -> str:
        return f"event {self.code}"


class CaseGrant(UserObjectPermissionBase):
    """guardian's grant of a case to an HR manager, with a real foreign key."""

    content_object = models.ForeignKey(Case, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = False
        db_table = '"hr"."case_grant"'
        default_permissions = ()


class CaseNote(models.Model):
    """What an HR manager wrote down about a case."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(db_default=Now())
    text = models.TextField()

    class Meta:
        db_table = '"hr"."case_note"'
        default_permissions = ()

    def __str__(self) -> str:
        return f"note {self.pk}"


class Look(models.Model):
    """A line of the restricted access log: who did what with which case, and for what purpose."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    looked_at = models.DateTimeField(db_default=Now())
    what = models.CharField(max_length=10, choices=LookedAt.choices)
    # No foreign key: the line outlives the case.
    case_code = models.UUIDField(null=True)
    rows = models.PositiveIntegerField(null=True)
    purpose = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = '"hr"."look"'
        default_permissions = ()
        constraints = [one_of("what", LookedAt.values, "look_what_known")]
        indexes = [models.Index(fields=["organization", "-looked_at", "-id"], name="look_in_order")]

    def __str__(self) -> str:
        return f"look {self.pk}"


class ApprovalRequest(models.Model):
    """What two custodians are asked for, as pages show it. The truth is the vault's own copy."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    act = models.CharField(max_length=6, choices=list(REQUESTED.items()))
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    case_code = models.UUIDField(null=True)
    label = models.CharField(max_length=20, blank=True)
    field = models.CharField(max_length=10, blank=True)
    minutes = models.PositiveSmallIntegerField(default=0)
    views = models.PositiveSmallIntegerField(default=0)
    views_done = models.PositiveSmallIntegerField(default=0)
    # Nobody where an operator's command asked.
    requester = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    asked_at = models.DateTimeField()
    # Until then custodians may decide; once approved, until then the value may be seen.
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=RequestState.choices)
    # An erasure's certificate: each store, and what was found in it afterwards.
    certificate = models.JSONField(null=True)

    class Meta:
        db_table = '"hr"."approval_request"'
        default_permissions = ()
        constraints = [
            one_of("act", list(REQUESTED), "approval_request_act_known"),
            one_of("state", RequestState.values, "approval_request_state_known"),
        ]
        indexes = [
            models.Index(fields=["organization", "-asked_at"], name="approval_request_in_order")
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"


class Decision(models.Model):
    """A custodian's approval or denial, as pages show it."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="decisions")
    custodian = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    approved = models.BooleanField()
    decided_at = models.DateTimeField()
    # An approval whose passkey was revoked while the request was open: it counts no longer.
    voided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = '"hr"."decision"'
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["request", "custodian"], name="decision_once")
        ]

    def __str__(self) -> str:
        return f"decision {self.pk}"


class CustodianPasskey(models.Model):
    """A custodian's passkey as pages show it; its public key is in the vault."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    fingerprint = models.CharField(max_length=100)
    state = models.CharField(max_length=9, choices=PasskeyState.choices)
    added_at = models.DateTimeField()
    confirmed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        db_table = '"hr"."custodian_passkey"'
        default_permissions = ()
        constraints = [one_of("state", PasskeyState.values, "custodian_passkey_state_known")]

    def __str__(self) -> str:
        return f"passkey {self.pk}"


class Errand(models.Model):
    """A question to the vault and its answer; both are sealed, and neither stays."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=30)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    body = models.BinaryField()
    public_key = models.BinaryField(max_length=32)
    answer = models.BinaryField(null=True)
    state = models.CharField(max_length=7, choices=ErrandState.choices, default=ErrandState.WAITING)
    asked_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = '"hr"."errand"'
        default_permissions = ()
        constraints = [one_of("state", ErrandState.values, "errand_state_known")]
        indexes = [models.Index(fields=["state", "asked_at"], name="errand_in_order")]

    def __str__(self) -> str:
        return f"errand {self.pk}"


class Notice(models.Model):
    """Somebody is to be told by mail that something happened; never what, to whom or about whom."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=30)
    case_code = models.UUIDField(null=True)
    made_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = '"hr"."notice"'
        default_permissions = ()
        indexes = [models.Index(fields=["sent_at", "made_at"], name="notice_in_order")]

    def __str__(self) -> str:
        return f"notice {self.pk}"
