"""Who looks at monitoring's pages, as the record keeps it."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest

from logs import interface
from orgo_audit.accounts.models import Organization, User
from orgo_audit.callers import address_of


def looked(
    request: HttpRequest,
    organizations: list[Organization],
    what: str,
    filters: Mapping[str, str] | None = None,
) -> None:
    """Puts the look on record."""
    if isinstance(request.user, User):
        viewer = interface.Viewer(request.user, address_of(request))
        interface.report_read(viewer, organizations, what, filters or {})
