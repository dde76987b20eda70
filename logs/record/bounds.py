"""Keeps what stands beside the record bounded by age and number. Never touches an event."""

from __future__ import annotations

from datetime import datetime, timedelta

from logs.record.models import Batch, QuarantinedEvent, ReadMark

KEEP_IDEMPOTENCY_KEYS = timedelta(hours=48)
KEEP_READ_MARKS = timedelta(days=1)
KEEP_QUARANTINE = timedelta(days=30)
MAX_QUARANTINED = 100_000


def forget_spent_rows(now: datetime) -> None:
    """Keys stay two days, read marks one, refused items 30 and at most 100,000 of them."""
    Batch.objects.filter(recorded_at__lt=now - KEEP_IDEMPOTENCY_KEYS).delete()
    ReadMark.objects.filter(recorded_at__lt=now - KEEP_READ_MARKS).delete()
    QuarantinedEvent.objects.filter(recorded_at__lt=now - KEEP_QUARANTINE).delete()
    surplus = QuarantinedEvent.objects.order_by("-recorded_at", "-id")[MAX_QUARANTINED:]
    QuarantinedEvent.objects.filter(pk__in=surplus.values("pk")).delete()
