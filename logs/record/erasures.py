"""How many events of a task went on a person's request: a trace says so. Names nobody."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from logs.record.digests import keyed_digest
from logs.record.models import ErasedEvents
from orgo_audit.accounts.models import Organization

_ADD = """
INSERT INTO logs_erasedevents AS known (digest, events) VALUES (%s, %s)
  ON CONFLICT (digest) DO UPDATE SET events = known.events + excluded.events
"""


def note(organization: Organization, tasks: Mapping[str, int]) -> None:
    """Adds that so many events of these tasks were erased."""
    with connection.cursor() as cursor:
        for task_id, events in tasks.items():
            cursor.execute(_ADD, [_digest(organization, task_id), events])


def count(organization: Organization, task_id: str) -> int:
    """How many events of the task were erased."""
    found = ErasedEvents.objects.filter(digest=_digest(organization, task_id))
    return found.values_list("events", flat=True).first() or 0


def _digest(organization: Organization, task_id: str) -> bytes:
    return keyed_digest("task with erased events", str(organization.pk).encode(), task_id.encode())
