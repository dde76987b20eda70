"""Keeps what stands beside the record bounded by age, number and size. Never touches an event."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

from logs import metrics
from logs.record import own_events
from logs.record.expiry import kept
from logs.record.models import Batch, QuarantinedEvent, ReadMark
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization

# A service that was down for weeks must not deliver its last batch twice.
KEEP_IDEMPOTENCY_KEYS = timedelta(days=30)
KEEP_READ_MARKS = timedelta(days=1)
KEEP_QUARANTINE = timedelta(days=30)
# Of one organization: one tenant's flood must not push out what others have to look at.
MAX_QUARANTINED = 100_000
MAX_QUARANTINED_BYTES = 256 * 1024 * 1024

_REMOVE_SURPLUS = """
DELETE FROM logs_quarantinedevent WHERE id IN (
  SELECT id FROM (
    SELECT id, row_number() OVER newest AS place, sum(octet_length(sent)) OVER newest AS size
    FROM logs_quarantinedevent WHERE organization_id = %s
    WINDOW newest AS (ORDER BY recorded_at DESC, id DESC ROWS UNBOUNDED PRECEDING)
  ) AS item WHERE place > %s OR size > %s)
"""


def forget_spent_rows(now: datetime) -> None:
    """Idempotency keys stay 30 days and the rest of that day, read marks one."""
    Batch.objects.filter(recorded_on__lt=(now - KEEP_IDEMPOTENCY_KEYS).date()).delete()
    ReadMark.objects.filter(recorded_at__lt=now - KEEP_READ_MARKS).delete()


def prune_quarantine(now: datetime) -> None:
    """Refused items stay 30 days, the newest 100,000 and 256 MiB of them; what goes is told.

    None stays longer than an event of the organization would: it is a copy like others.
    """
    for organization in Organization.objects.order_by("pk"):
        _prune(organization, now)


def quarantined() -> int:
    """How many refused items wait in quarantine, of all organizations."""
    return QuarantinedEvent.objects.count()


@transaction.atomic
def _prune(organization: Organization, now: datetime) -> None:
    own = QuarantinedEvent.objects.filter(organization=organization)
    expired, _ = own.filter(recorded_at__lt=_kept_since(organization, now)).delete()
    gone = {"expired": expired, "surplus": _remove_surplus(organization)}
    if not any(gone.values()):
        return
    own_events.report_administration(
        "Quarantine Pruned", organization, "system:quarantine", dict(gone)
    )
    transaction.on_commit(lambda: _count(gone))


def _kept_since(organization: Organization, now: datetime) -> datetime:
    shortest = max(kept(organization, kind).period.over(now)[0][1] for kind in LogType)
    return max(now - KEEP_QUARANTINE, shortest)


def _remove_surplus(organization: Organization) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE_SURPLUS, [organization.pk, MAX_QUARANTINED, MAX_QUARANTINED_BYTES])
        return int(cursor.rowcount)


def _count(gone: dict[str, int]) -> None:
    for how, number in gone.items():
        metrics.QUARANTINE_SETTLED.labels(how=how).inc(number)
