"""The break-glass API doors: ask, decide, view. The vault judges; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from logs.api.cases import RestrictedView, purpose_of
from logs.cases import access, errands, reading, requests
from logs.cases.acts import LONGEST_TEXT, Act
from logs.cases.requests import RequestViewer, ShownRequest
from logs.record.wire import format_instant
from orgo_audit import api_bodies
from orgo_audit.api import single_parameters
from orgo_audit.callers import address_of
from orgo_audit.errors import BadInput, NotFound

ASKED = {"label": str, "field": str, "minutes": int, "views": int, "reason": str}
# Of the vault's answer, what a custodian is told here.
_CHALLENGE = ("petition", "reason", "requester", "options", "approvals", "denials")


class RevealRequestsView(RestrictedView):
    """Asks two custodians to reveal one field behind one label; lists what was asked of a case."""

    def get(self, request: Request, code: UUID) -> Response:
        viewer = self._requests_viewer(request)
        single_parameters(request, ())
        still_open, ended = requests.open_and_ended(viewer, now=timezone.now())
        rows = [one for one in (*still_open, *ended) if _is_reveal_in(one, code)]
        if not rows:
            # Nothing was asked yet, or nothing is here: who works on the case may know which.
            reading.case(self.hr_viewer(request), code)
        return Response({"results": [_as_answer(one) for one in rows]})

    def _requests_viewer(self, request: Request) -> RequestViewer:
        try:
            viewer = requests.request_viewer(self.require_person(request))
        except NotFound:
            self.report_refusal("no view")
            raise
        return replace(viewer, address=address_of(request), said=purpose_of(request))

    def post(self, request: Request, code: UUID) -> Response:
        viewer = self.hr_viewer(request)
        asked = _words_of(request, ASKED)
        case = reading.case(viewer, code)
        body = {"case": str(code), **asked}
        told = errands.ask("ask_reveal", case.organization, body, by=viewer.user)
        return Response({"id": told["id"], "state": "pending"}, status=201)


class RevealView(RestrictedView):
    """Shows the value once more, as often and as long as was granted, to whoever asked for it."""

    def post(self, request: Request, code: UUID, request_id: UUID) -> Response:
        viewer = self.hr_viewer(request)
        api_bodies.require_none(request)
        case = reading.case(viewer, code)
        own = RequestViewer(viewer.user, decides=[], oversees=[], asks=[case.organization])
        _require_reveal_in(requests.again(own, request_id), code)
        told = errands.ask("view", case.organization, {"id": str(request_id)}, by=viewer.user)
        return Response({"value": told["value"]})


class DecisionView(RestrictedView):
    """For custodians."""

    def custodian(self, request: Request) -> RequestViewer:
        user = self.require_person(request)
        try:
            decides = access.organizations_decided_by(user)
        except NotFound:
            self.report_refusal("no view")
            raise
        return RequestViewer(
            user,
            decides,
            oversees=[],
            asks=[],
            address=address_of(request),
            said=purpose_of(request),
        )


class ChallengeView(DecisionView):
    """All that a custodian needs to decide, and what the passkey is to sign."""

    def get(self, request: Request, code: UUID, request_id: UUID) -> Response:
        custodian = self.custodian(request)
        single_parameters(request, ())
        shown = _require_reveal_in(requests.one(custodian, request_id), code)
        body = {"id": str(request_id)}
        told = errands.ask("challenge", shown.organization, body, by=custodian.user)
        return Response({name: told[name] for name in _CHALLENGE})


class VerdictView(DecisionView):
    """What both verdicts share: a body to the letter, and a state to answer with."""

    kind: str
    takes: Mapping[str, type]

    def post(self, request: Request, code: UUID, request_id: UUID) -> Response:
        custodian = self.custodian(request)
        body = {"id": str(request_id), **_words_of(request, self.takes)}
        shown = _require_reveal_in(requests.again(custodian, request_id), code)
        told = errands.ask(self.kind, shown.organization, body, by=custodian.user)
        return Response({"state": told["state"]})


class ApproveView(VerdictView):
    """With a passkey's signature over exactly this request."""

    kind = "approve"
    takes = {"assertion": dict}


class DenyView(VerdictView):
    """With a reason, which stays visible to whoever decides about the same label later."""

    kind = "deny"
    takes = {"why": str}


def _is_reveal_in(shown: ShownRequest, code: UUID) -> bool:
    return shown.row.act == Act.REVEAL and shown.row.case_code == code


def _require_reveal_in(shown: ShownRequest, code: UUID) -> ShownRequest:
    """The address names the case too; NotFound where the request is not of this one."""
    if not _is_reveal_in(shown, code):
        raise NotFound
    return shown


def _as_answer(shown: ShownRequest) -> dict[str, Any]:
    row = shown.row
    return {
        "id": str(row.pk),
        "state": row.state,
        "label": row.label,
        "field": row.field,
        "minutes": row.minutes,
        "views": row.views,
        "views_done": row.views_done,
        "requester": shown.requester,
        "asked_at": format_instant(row.asked_at),
        "expires_at": format_instant(row.expires_at),
        "decisions": [
            {
                "custodian": decision.custodian,
                "approved": decision.approved,
                "decided_at": format_instant(decision.decided_at),
                "is_void": decision.is_void,
            }
            for decision in shown.decisions
        ],
    }


def _words_of(request: Request, takes: Mapping[str, type]) -> dict[str, Any]:
    """The body, with words in each of its texts."""
    body = api_bodies.object_of(request, takes)
    for name, value in body.items():
        if isinstance(value, str) and not 0 < len(value.strip()) <= LONGEST_TEXT:
            raise BadInput(
                f"expected a text of 1 to {LONGEST_TEXT} characters",
                path=name,
                code="wrong_length",
            )
    return body
