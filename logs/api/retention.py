"""The API doors of retention: the plan, certificates, legal holds. For admins; decides nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from logs.api import parameters, views
from logs.record import own_events
from logs.retention import answers, certificates, facts, holds, overview
from orgo_audit import api_bodies, api_pages
from orgo_audit.accounts.models import Organization
from orgo_audit.api import RETRY_AFTER_SECONDS, single_parameters
from orgo_audit.errors import BadInput, Unavailable

NEEDED = {"matter": str, "reason": str, "scope": dict}
OPTIONAL = {"owner": str, "organization": str}


class RetentionView(views.AdminView):
    """For admins: each look is on record."""

    def looked(self, request: Request, own: list[Organization], what: str) -> None:
        own_events.report_read(parameters.viewer_of(request), own, what, {})


class PlanView(RetentionView):
    """What will be destroyed and when, what is held, and which conflict nobody has resolved."""

    def get(self, request: Request) -> Response:
        own = self.require_admin(request)
        single_parameters(request, ())
        self.looked(request, own, "retention plan")
        with facts.within_a_page():
            told = overview.overview(own, now=timezone.now())
        return Response(answers.overview_as_json(told))


class CertificatesView(RetentionView):
    """What was destroyed."""

    def get(self, request: Request) -> Response:
        own = self.require_admin(request)
        single_parameters(request, api_pages.PAGING)
        cursor, size = api_pages.page_of(request)
        self.looked(request, own, "certificates")
        page = certificates.page(certificates.of_events(own), cursor, size=size)
        return Response(api_pages.page_answer(request, page, answers.certificate_as_json))


class HoldView(RetentionView):
    """While a destruction runs no hold is changed: the answer says when to ask again."""

    def handle_exception(self, exc: Exception) -> Response:
        answer = super().handle_exception(exc)
        if isinstance(exc, Unavailable):
            answer.headers["Retry-After"] = RETRY_AFTER_SECONDS
        return answer


class LegalHoldsView(HoldView):
    """`GET` lists holds, `POST` places one."""

    def get(self, request: Request) -> Response:
        own = self.require_admin(request)
        single_parameters(request, api_pages.PAGING)
        cursor, size = api_pages.page_of(request)
        self.looked(request, own, "legal holds")
        page = holds.page(own, cursor, size=size)
        holds.set_leavers_aside(page.rows)
        return Response(api_pages.page_answer(request, page, answers.hold_as_json))

    def post(self, request: Request) -> Response:
        own = self.require_admin(request)
        wish = api_bodies.object_of(request, NEEDED, OPTIONAL)
        name = parameters.viewer_of(request).name
        kind, value = _scope_of(wish["scope"])
        hold = holds.place(
            _chosen(own, wish.get("organization")),
            matter=wish["matter"],
            reason=wish["reason"],
            owner=wish.get("owner", name),
            scope_kind=kind,
            scope_value=value,
            by=name,
            now=timezone.now(),
        )
        return Response(answers.hold_as_json(hold), status=201)


class ReleaseView(HoldView):
    """The first call asks for the release, a second person's call releases: see `state`."""

    def post(self, request: Request, hold_id: UUID) -> Response:
        own = self.require_admin(request)
        api_bodies.require_none(request)
        hold = holds.hold(own, hold_id)
        name = parameters.viewer_of(request).name
        released = holds.advance_release(hold.organization, hold_id, by=name, now=timezone.now())
        return Response(answers.hold_as_json(released))


# --- bodies -------------------------------------------------------------------------------------


def _scope_of(scope: dict[str, Any]) -> tuple[str, str]:
    """The kind and what it names; exactly one."""
    if len(scope) != 1 or not scope.keys() <= answers.SCOPES.keys():
        names = ", ".join(answers.SCOPES)
        raise BadInput(f"expected exactly one of {names}", path="scope", code="bad_scope")
    [(name, value)] = scope.items()
    if not isinstance(value, str):
        raise BadInput("expected a text", path=f"scope.{name}", code="wrong_type")
    return answers.SCOPES[name], value


def _chosen(own: list[Organization], slug: str | None) -> Organization:
    """The one that is named; without a name the only one there is."""
    if slug is None and len(own) == 1:
        return own[0]
    for organization in own:
        if organization.slug == slug:
            return organization
    names = ", ".join(organization.slug for organization in own)
    raise BadInput(f"expected one of {names}", path="organization", code="unknown_organization")
