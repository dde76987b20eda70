"""Takes envelopes out of the inbox, in their order; what makes no case is held, never dropped."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from logs.vault import envelopes, keys, storing
from logs.vault.case_files import Placed
from logs.vault.models import HeldItem, HeldReason
from logs.vault.placing import Unplaced, workflow_of
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput, OrgoError
from orgo_audit.policy import versions
from orgo_audit.policy.schema import OrganizationPolicy

logger = logging.getLogger(__name__)
MAX_ENVELOPES = 200
MAX_BYTES = 32 * 1024 * 1024
# Not the envelope's fault: the database is away, or a key is missing.
_PASSED_ON = (OperationalError, InterfaceError, OrgoError)

# The oldest ones, as many as fit; the first one even if it is larger.
_TAKE = """
DELETE FROM logs_sealeditem WHERE place IN (
  SELECT place FROM (
    SELECT place, sum(octet_length(envelope)) OVER (ORDER BY place) AS bytes,
           row_number() OVER (ORDER BY place) AS number
    FROM (SELECT place, envelope FROM logs_sealeditem ORDER BY place LIMIT %s) AS oldest
  ) AS counted WHERE bytes <= %s OR number = 1
) RETURNING place, organization_id, envelope
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """One event out of an envelope."""

    organization: Organization
    item: Mapping[str, Any]
    recorded_at: datetime

    @property
    def sent(self) -> dict[str, Any]:
        event: dict[str, Any] = self.item["event"]
        return event


def drain() -> int:
    """Stores what waits, at most a few hundred envelopes in one transaction; how many it took.

    One that cannot be stored is held as it came: nothing behind it waits for it.
    """
    try:
        with _no_collection():
            return _drain(MAX_ENVELOPES)
    except _PASSED_ON:
        raise
    except Exception as fault:  # noqa: BLE001  (one envelope must not stop those behind it)
        logger.error("envelopes cannot be stored together", extra={"fault": type(fault).__name__})
        return _drain_first()


@contextmanager
def _no_collection() -> Iterator[None]:
    """A batch is living objects in the ten thousands: to look for dead ones among them, again and
    again, takes a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _drain_first() -> int:
    try:
        return _drain(1)
    except _PASSED_ON:
        raise
    except Exception as fault:  # noqa: BLE001
        logger.error("an envelope is held as it came", extra={"fault": type(fault).__name__})
    with transaction.atomic():
        taken = _take(1)
        for organization_id, sealed in taken:
            _hold(Organization.objects.get(pk=organization_id), HeldReason.UNREADABLE, sealed)
    return len(taken)


def _drain(most: int) -> int:
    with keys.session() as own:
        taken = _take(most)
        if taken:
            organizations = Organization.objects.in_bulk({row[0] for row in taken})
            opened: list[Opened] = []
            for organization_id, sealed in taken:
                opened += _opened(organizations[organization_id], sealed)
            store(opened, own)
    return len(taken)


def _take(most: int) -> list[tuple[int, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [most, MAX_BYTES])
        rows = sorted(cursor.fetchall())
    return [(organization_id, bytes(sealed)) for _, organization_id, sealed in rows]


def _opened(organization: Organization, sealed: bytes) -> list[Opened]:
    """The events of one envelope; what cannot be opened is set aside as it is."""
    try:
        content = envelopes.opened(sealed, organization.slug)
        return _items(organization, content)
    except BadInput:
        _hold(organization, HeldReason.UNREADABLE, sealed)
        logger.error("an envelope cannot be opened; it is held as it came")
        return []


def _items(organization: Organization, content: dict[str, Any]) -> list[Opened]:
    try:
        recorded_at = datetime.fromisoformat(content["recorded_at"])
        shared = {name: value for name, value in content.items() if name != "items"}
        items = [shared | item for item in content["items"]]
        if any("event" not in item for item in items):
            raise KeyError("event")
    except (KeyError, TypeError, ValueError):
        raise BadInput("the envelope holds something else", code="bad_envelope") from None
    return [Opened(organization, item, recorded_at) for item in items]


def store(opened: Iterable[Opened], own: keys.Keys) -> None:
    """Places each event, and stores the placed ones together."""
    of_each: dict[Organization, list[Opened]] = {}
    for one in opened:
        of_each.setdefault(one.organization, []).append(one)
    for organization, own_ones in of_each.items():
        policy = versions.current().for_organization(organization.slug)
        placed = list(_placed(own_ones, policy))
        for reason, events in storing.store(organization, placed, policy, own).items():
            for event in events:
                _hold_item(Opened(organization, event.item, event.recorded_at), reason)


def _placed(opened: Iterable[Opened], policy: OrganizationPolicy) -> Iterator[Placed]:
    """Those that may make a case; the others are held."""
    for one in opened:
        if "refused" in one.item or not isinstance(one.item["event"], dict):
            _hold_item(one, HeldReason.REFUSED)
            continue
        workflow = workflow_of(one.sent, policy)
        if workflow is Unplaced.UNLISTED:
            _hold_item(one, HeldReason.UNLISTED)
            continue
        said = None if workflow is Unplaced.UNSAID else str(workflow)
        yield Placed(one.item, one.recorded_at, said)


def held_for_the_policy() -> list[UUID]:
    """What waited for the policy, or could not be opened, the oldest first."""
    waiting = HeldItem.objects.filter(reason__in=[HeldReason.UNLISTED, HeldReason.UNREADABLE])
    return list(waiting.order_by("held_on", "pk").values_list("pk", flat=True))


def retry(held: Iterable[UUID]) -> None:
    """Tries again to place what is held still."""
    for identifier in held:
        try:
            with keys.session() as own:
                row = HeldItem.objects.filter(pk=identifier).first()
                if row is not None:
                    row.delete()
                    store(_opened(row.organization, bytes(row.envelope)), own)
        except _PASSED_ON:
            raise
        except Exception as fault:  # noqa: BLE001  (it stays held, and the others go on)
            logger.error("a held item stays held", extra={"fault": type(fault).__name__})


def _hold_item(one: Opened, reason: HeldReason) -> None:
    shared = {name: value for name, value in one.item.items() if name in _OF_THE_BATCH}
    item = {name: value for name, value in one.item.items() if name not in _OF_THE_BATCH}
    content = shared | {"items": [item]}
    sealed = envelopes.sealed_to_ourselves(content, one.organization.slug)
    _hold(one.organization, reason, sealed)


_OF_THE_BATCH = frozenset({"organization", "source", "recorded_at", "batch"})


def _hold(organization: Organization, reason: HeldReason, sealed: bytes) -> None:
    today = timezone.now().date()
    HeldItem.objects.create(
        organization=organization, reason=reason, held_on=today, envelope=sealed
    )
