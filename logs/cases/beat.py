"""Whether the vault's process is alive, by the beat that it leaves at even intervals."""

from __future__ import annotations

from datetime import datetime, timedelta

from logs import metrics
from logs.cases.models import VaultBeat

# Six beats: a restart of the database passes unnoticed.
SILENT_AFTER = timedelta(minutes=1)


def is_alive(now: datetime) -> bool:
    return VaultBeat.objects.filter(beaten_at__gt=now - SILENT_AFTER).exists()


def measure(now: datetime) -> None:
    """Puts it into the metric."""
    metrics.VAULT_UP.set(is_alive(now))
