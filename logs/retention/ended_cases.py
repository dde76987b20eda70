"""The certificates of cases: for those who oversee them, of their own organizations. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from logs.record.paging import Cursor, Page, beyond, page_of
from logs.retention.models import DestructionCertificate, Means
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import NotFound


def page(
    organizations: Iterable[Organization], cursor: Cursor | None, *, size: int
) -> Page[DestructionCertificate]:
    """The newest first."""
    found = list(beyond(_of(organizations), cursor, by="destroyed_at")[: size + 1])
    return page_of(found, cursor, size=size, place_of=lambda row: (row.destroyed_at, row.pk))


def one(organizations: Iterable[Organization], certificate_id: UUID) -> DestructionCertificate:
    """NotFound for an unknown id, another organization's, and what certifies no case alike."""
    found = _of(organizations).filter(pk=certificate_id).first()
    if found is None:
        raise NotFound
    return found


def _of(organizations: Iterable[Organization]) -> QuerySet[DestructionCertificate]:
    rows = DestructionCertificate.objects.filter(organization__in=list(organizations))
    return rows.filter(kind=Means.CASE).select_related("organization")
