"""How far a file was imported, known by its content: the same file twice adds nothing."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from orgo_audit.accounts.models import Organization


class ImportedFile(models.Model):
    """The digest of a file's first `length` bytes, whose lines were taken in or refused."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    digest = models.BinaryField(max_length=32)
    length = models.BigIntegerField()
    refused = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(db_default=Now())
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "length", "digest"], name="imported_file_once"
            )
        ]

    def __str__(self) -> str:
        return f"imported file {self.pk}"
