"""The quarantine's API doors: an admin reads why items were refused, replays, discards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from logs.api import parameters, views
from logs.record import quarantine, strict_json
from logs.record.drafts import format_instant
from logs.record.filters import TIMES
from logs.record.models import QuarantinedEvent
from orgo_audit.accounts.models import ServiceToken
from orgo_audit.api import single_parameters
from orgo_audit.errors import BadInput, NotAllowed, NotFound

PARAMETERS = frozenset({*quarantine.FILTERS, *TIMES}) | parameters.PAGING


class QuarantineView(views.RecordView):
    """For people with the role `admin`; no scope of a token opens it."""

    def require_admin(self, request: Request) -> None:
        if isinstance(request.user, ServiceToken):
            raise NotAllowed(
                "people with the role `admin` look after the quarantine; no token does",
                code="person_needed",
            )
        if not quarantine.administered(request.user):
            self._report("no view")
            raise NotFound


class QuarantineListView(QuarantineView):
    """What was refused, and why."""

    def get(self, request: Request) -> Response:
        self.require_admin(request)
        query = quarantine.query_from(single_parameters(request, PARAMETERS))
        cursor, size = parameters.page_of(request)
        viewer = parameters.viewer_of(request)
        page = quarantine.read(viewer, query, cursor=cursor, size=size)
        return Response(views.page_answer(request, page, as_answer))


class ReplayView(QuarantineView):
    """A new verdict for one item."""

    def post(self, request: Request, item_id: UUID) -> Response:
        self.require_admin(request)
        single_parameters(request, ())
        _refuse_content(parameters.raw_body_of(request))
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


class DiscardView(QuarantineView):
    """Removes one item, with a reason."""

    def post(self, request: Request, item_id: UUID) -> Response:
        self.require_admin(request)
        single_parameters(request, ())
        reason = _reason_of(strict_json.parse(parameters.raw_body_of(request)))
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


def _refuse_content(raw: bytes) -> None:
    if raw.strip() and strict_json.parse(raw) != {}:
        raise BadInput(
            "a replay takes no body: the item is judged as it was sent", code="unexpected_body"
        )


def _reason_of(body: Any) -> str:
    if isinstance(body, dict) and (unknown := body.keys() - {"reason"}):
        raise BadInput(
            "unknown field; known: reason", path=min(unknown)[:200], code="unknown_field"
        )
    return quarantine.checked_reason(body.get("reason") if isinstance(body, dict) else None)
