"""Certificates of destruction, as those may read them whom they concern. Writes none.

Of events, and of months in which nobody had anything, admins do; of cases whoever oversees them.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from logs.retention.models import DestructionCertificate, Means
from orgo_audit import paging
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import NotFound
from orgo_audit.paging import Cursor, Page

Certificates = QuerySet[DestructionCertificate]


def of_events(organizations: Iterable[Organization]) -> Certificates:
    own = Q(organization__in=list(organizations)) | Q(organization=None)
    return _certificates().filter(own).exclude(kind=Means.CASE)


def of_cases(organizations: Iterable[Organization]) -> Certificates:
    return _certificates().filter(organization__in=list(organizations), kind=Means.CASE)


def _certificates() -> Certificates:
    return DestructionCertificate.objects.select_related("organization")


def page(
    certificates: Certificates, cursor: Cursor | None, *, size: int
) -> Page[DestructionCertificate]:
    """The newest first."""
    return paging.page(certificates, cursor, size=size, by="destroyed_at")


def one(certificates: Certificates, certificate_id: UUID) -> DestructionCertificate:
    """NotFound for an unknown id and for one that is none of these alike."""
    found = certificates.filter(pk=certificate_id).first()
    if found is None:
        raise NotFound
    return found
