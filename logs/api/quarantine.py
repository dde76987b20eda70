"""The quarantine's API doors: an admin reads why items were refused, replays, discards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from logs.api import parameters, views
from logs.record import quarantine
from logs.record.models import QuarantinedEvent
from logs.record.wire import format_instant
from orgo_audit import api_bodies, api_pages
from orgo_audit.api import single_parameters
from orgo_audit.instants import TIMES

PARAMETERS = frozenset({*quarantine.FILTERS, *TIMES}) | api_pages.PAGING


class QuarantineListView(views.AdminView):
    """What was refused, and why."""

    def get(self, request: Request) -> Response:
        self.require_admin(request)
        query = quarantine.query_from(single_parameters(request, PARAMETERS))
        cursor, size = api_pages.page_of(request)
        viewer = parameters.viewer_of(request)
        page = quarantine.read(viewer, query, cursor=cursor, size=size)
        return Response(api_pages.page_answer(request, page, as_answer))


class ReplayView(views.AdminView):
    """A new verdict for one item."""

    def post(self, request: Request, item_id: UUID) -> Response:
        self.require_admin(request)
        api_bodies.require_none(request)
        viewer = parameters.viewer_of(request)
        refusal = quarantine.replay(viewer, item_id, now=timezone.now())
        if refusal is None:
            return Response({"verdict": "accepted"})
        return Response(
            {
                "verdict": "refused",
                "code": refusal.code,
                "path": refusal.path,
                "detail": refusal.sentence,
            }
        )


class DiscardView(views.AdminView):
    """Removes one item, with a reason."""

    def post(self, request: Request, item_id: UUID) -> Response:
        self.require_admin(request)
        reason = api_bodies.object_of(request, {"reason": str})["reason"]
        quarantine.discard(parameters.viewer_of(request), item_id, reason)
        return Response({"discarded": True})


def as_answer(item: QuarantinedEvent) -> dict[str, Any]:
    """A refused item in the API's words; `sent` is JSON, or text where it was cut."""
    return {
        "id": str(item.pk),
        "recorded_at": format_instant(item.recorded_at),
        "organization": item.organization.slug,
        "source": item.source,
        "log_type": item.log_type or None,
        "code": item.code,
        "path": item.path,
        "detail": item.detail,
        "sent": item.sent if item.truncated else msgspec.json.decode(item.sent),
        "truncated": item.truncated,
    }
