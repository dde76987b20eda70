"""Who somebody is: organizations, people, roles, service tokens. Never what they may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.functional import cached_property

if TYPE_CHECKING:
    from datetime import datetime


class Role(models.TextChoices):
    """What a person may be in one organization. None of these is Django's superuser."""

    ADMIN = "admin", "admin"
    HR_MANAGER = "hr_manager", "HR manager"
    CUSTODIAN = "custodian", "custodian"
    AUDITOR = "auditor", "auditor"
    DPO = "dpo", "data protection officer"
    USER = "user", "user"


class Scope(models.TextChoices):
    """What a service token may do."""

    INGEST = "ingest", "deliver events"
    READ = "read", "read the record"
    ALERTS = "alerts", "deliver alerts"


class Organization(models.Model):
    """A tenant. Everything in the record belongs to exactly one, and none is ever deleted."""

    slug = models.SlugField(max_length=63, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.slug


class User(AbstractUser):
    """A person who signs in. People are deactivated, never deleted: the record still names them."""

    time_zone = models.CharField(
        max_length=64, blank=True, help_text="IANA name; empty: the browser's"
    )

    @cached_property
    def held_memberships(self) -> list[Membership]:
        """The person's roles, asked once: every request has an instance of its own."""
        return list(self.memberships.select_related("organization"))


class Membership(models.Model):
    """One role of one person in one organization."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organization", "role"], name="membership_once"
            ),
            models.UniqueConstraint(
                fields=["user", "organization"],
                condition=Q(role__in=[Role.ADMIN, Role.HR_MANAGER]),
                name="membership_admin_or_hr_manager",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.role} of organization {self.organization_id}"


class Session(AbstractBaseSession):
    """A person's session, with what the person needs to know it again: where and when."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="sessions")
    address = models.CharField(max_length=64, blank=True)
    agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    seen_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"session of user {self.user_id}"


class ServiceToken(models.Model):
    """A service's key to the API; only its SHA-256 is kept. `name` is its events' `source`."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = models.JSONField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # When its owner was last warned that it expires.
    warned_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def is_authenticated(self) -> bool:
        """True: REST framework asks this of whatever it finds in `request.user`."""
        return True

    def has_scope(self, scope: Scope) -> bool:
        return scope.value in self.scopes

    def is_valid_at(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


class KnownSecret(models.Model):
    """By which `ORGO_SECRET_KEY` is known again: a digest keyed with it. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    digest = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="known_secret_one_row")]

    def __str__(self) -> str:
        return "known secret"
