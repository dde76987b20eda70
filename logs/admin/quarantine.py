"""How many refused items wait: the number on the admin's first page. Shows none of them."""

from __future__ import annotations

from django.http import HttpRequest

from logs.record import access
from logs.record.models import QuarantinedEvent
from orgo_audit.accounts.models import User

COUNTED_AT_MOST = 1000


def quarantined(request: HttpRequest) -> int:
    """How many items of the viewer's organizations wait in quarantine, counted up to 1,000."""
    if not isinstance(request.user, User):
        return 0
    own = access.readable(request.user)
    return QuarantinedEvent.objects.filter(organization__in=own)[:COUNTED_AT_MOST].count()
