"""The vault's tables: only its own login may touch them, and only the vault's code."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from orgo_audit.accounts.models import Organization


class KeyKind(models.TextChoices):
    """Whose key it is."""

    SUBJECT = "subject", "a person's"
    CASE = "case", "a case's"
    TEXTS = "texts", "of texts of a case"
    REQUEST = "request", "a request's"


class WrappedKey(models.Model):
    """A data key under the key-encryption key of an epoch. This schema is backed up apart."""

    owner = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=7, choices=KeyKind.choices)
    epoch = models.PositiveIntegerField()
    wrapped = models.BinaryField()

    class Meta:
        db_table = '"keys"."wrapped_key"'
        default_permissions = ()
        indexes = [models.Index(fields=["epoch"], name="wrapped_key_epoch")]

    def __str__(self) -> str:
        return f"key of {self.kind} {self.owner}"


class Subject(models.Model):
    """A person of the restricted world. The tag is a keyed digest; erased, there is none."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    tag = models.BinaryField(max_length=32, null=True)
    erased_on = models.DateField(null=True)

    class Meta:
        db_table = '"vault"."subject"'
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "tag"], name="subject_tag_once")
        ]

    def __str__(self) -> str:
        return f"subject {self.pk}"


class Identity(models.Model):
    """One field of a person, under the person's key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="+")
    field = models.CharField(max_length=10)
    ciphertext = models.BinaryField()

    class Meta:
        db_table = '"vault"."identity"'
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["subject", "field"], name="identity_field_once")
        ]

    def __str__(self) -> str:
        return f"identity {self.pk}"


class CaseTag(models.Model):
    """By which case ids, tasks and mails a case is found again: keyed digests."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    tag = models.BinaryField(max_length=32)
    case_code = models.UUIDField(db_index=True)

    class Meta:
        db_table = '"vault"."case_tag"'
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "tag"], name="case_tag_once")
        ]

    def __str__(self) -> str:
        return f"tag of case {self.case_code}"


class Participant(models.Model):
    """Who stands behind a label: `tag` and `link` are under the case's key.

    A label that came already anonymized has no link, nor has that of a person who was erased.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    case_code = models.UUIDField()
    label = models.CharField(max_length=20)
    tag = models.BinaryField(max_length=32)
    link = models.BinaryField(null=True)
    erased_on = models.DateField(null=True)

    class Meta:
        db_table = '"vault"."participant"'
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["case_code", "label"], name="participant_label_once"),
            models.UniqueConstraint(fields=["case_code", "tag"], name="participant_tag_once"),
        ]

    def __str__(self) -> str:
        return f"{self.label} of case {self.case_code}"


class SealedEvents(models.Model):
    """What HR does not get of some events that came together in one case.

    In the order of `codes`: the exact times under the case's key, all that was sent under a key
    of its own. Erased, `content` is empty.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    case_code = models.UUIDField(db_index=True)
    codes = ArrayField(models.UUIDField())
    times = models.BinaryField()
    content = models.BinaryField()

    class Meta:
        db_table = '"vault"."events"'
        default_permissions = ()

    def __str__(self) -> str:
        return f"sealed events {self.pk}"


class HeldReason(models.TextChoices):
    """Why an item is in no case."""

    UNLISTED = "unlisted", "its workflow is listed nowhere"
    CROWDED = "crowded", "it names too many people"
    REFUSED = "refused", "it was refused at the door"
    UNREADABLE = "unreadable", "it cannot be opened or stored"


class HeldItem(models.Model):
    """An envelope, as it came, that made no case: it waits for the policy or for a person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=10, choices=HeldReason.choices)
    held_on = models.DateField()
    envelope = models.BinaryField()

    class Meta:
        db_table = '"vault"."held_item"'
        default_permissions = ()

    def __str__(self) -> str:
        return f"held item {self.pk}"


class VaultPasskey(models.Model):
    """A custodian's passkey, by which the vault knows an approval in one organization."""

    id = models.UUIDField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user_id = models.BigIntegerField()
    credential_id = models.BinaryField(max_length=1023, unique=True)
    public_key = models.BinaryField(max_length=2000)
    sign_count = models.BigIntegerField()
    rp_id = models.CharField(max_length=253)
    origins = models.JSONField()
    backup_eligible = models.BooleanField()
    # By when the new key and then another custodian must have signed the enrolment.
    expires_at = models.DateTimeField()
    proven_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    # A digest under the keyring's key, made when it is confirmed: SQL alone confirms nothing.
    mark = models.BinaryField(max_length=32, null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = '"vault"."passkey"'
        default_permissions = ()

    def __str__(self) -> str:
        return f"passkey {self.pk}"


class VaultRequest(models.Model):
    """The vault's own copy of what two custodians are asked for, under a key of its own."""

    id = models.UUIDField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    # The canonical form whose digest is signed, the words beside it, and when it was granted.
    content = models.BinaryField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = '"vault"."request"'
        default_permissions = ()

    def __str__(self) -> str:
        return f"request {self.pk}"


class VaultApproval(models.Model):
    """A verified assertion over a request's digest."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    request = models.ForeignKey(VaultRequest, on_delete=models.CASCADE, related_name="approvals")
    passkey = models.ForeignKey(VaultPasskey, on_delete=models.PROTECT, related_name="+")
    user_id = models.BigIntegerField()
    assertion = models.JSONField()
    approved_at = models.DateTimeField()

    class Meta:
        db_table = '"vault"."approval"'
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["request", "user_id"], name="vault_approval_once")
        ]

    def __str__(self) -> str:
        return f"approval {self.pk}"


class VaultView(models.Model):
    """One look at a revealed value, written before the value leaves."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    request = models.ForeignKey(VaultRequest, on_delete=models.CASCADE, related_name="views")
    user_id = models.BigIntegerField()
    viewed_at = models.DateTimeField()

    class Meta:
        db_table = '"vault"."view"'
        default_permissions = ()

    def __str__(self) -> str:
        return f"view {self.pk}"
