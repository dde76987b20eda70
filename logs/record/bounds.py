"""Keeps what stands beside the record bounded by age and number. Never touches an event."""

from __future__ import annotations

from datetime import datetime, timedelta

from logs.record.models import Batch, QuarantinedEvent, ReadMark
from orgo_audit.accounts.models import Organization

# A service that was down for weeks must not deliver its last batch twice.
KEEP_IDEMPOTENCY_KEYS = timedelta(days=30)
KEEP_READ_MARKS = timedelta(days=1)
KEEP_QUARANTINE = timedelta(days=30)
MAX_QUARANTINED = 100_000  # of one organization


def forget_spent_rows(now: datetime) -> None:
    """Keys stay 30 days, read marks one, refused items 30 and at most 100,000 of them."""
    Batch.objects.filter(recorded_at__lt=now - KEEP_IDEMPOTENCY_KEYS).delete()
    ReadMark.objects.filter(recorded_at__lt=now - KEEP_READ_MARKS).delete()
    QuarantinedEvent.objects.filter(recorded_at__lt=now - KEEP_QUARANTINE).delete()
    # By organization: one tenant's flood must not push out what others have to look at.
    for organization in Organization.objects.all():
        own = QuarantinedEvent.objects.filter(organization=organization)
        surplus = own.order_by("-recorded_at", "-id")[MAX_QUARANTINED:]
        own.filter(pk__in=surplus.values("pk")).delete()
