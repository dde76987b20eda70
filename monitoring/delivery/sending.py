"""Tells people about alerts. (The rest of this module comes with its channels.)"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from monitoring.delivery.models import Kind, Notification
from orgo_audit.accounts.models import Organization


def enqueue(
    organization: Organization,
    kind: Kind,
    receivers: Iterable[str],
    alerts: Sequence[UUID],
    now: datetime,
) -> None:
    """Writes what each receiver is to be told, in the caller's transaction."""
    if not alerts:
        return
    Notification.objects.bulk_create(
        Notification(
            organization=organization,
            kind=kind,
            receiver=receiver,
            alerts=list(alerts),
            made_at=now,
            next_try_at=now,
        )
        for receiver in dict.fromkeys(receivers)
    )
