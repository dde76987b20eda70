"""What all API doors share: who calls, one shape of errors (RFC 9457), strict parameters."""

from __future__ import annotations

import logging
from collections.abc import Collection
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from orgo_audit.accounts import tokens
from orgo_audit.accounts.models import ServiceToken
from orgo_audit.errors import BadInput, NotFound, OrgoError

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which looks up the classes below when imported

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
DATABASE_AWAY = (InterfaceError, OperationalError)
RETRY_AFTER_SECONDS = "5"


class ServiceTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>` (RFC 6750). The request's user is the token itself."""

    def authenticate(self, request: Request) -> tuple[ServiceToken, ServiceToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        token = tokens.find_token(words[1].decode("latin-1")) if len(words) == 2 else None
        if token is None:
            raise exceptions.AuthenticationFailed("this token is unknown, expired or revoked")
        return token, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ReadsNothing(BaseParser):
    """The doors read their bodies themselves; the CSRF check, which asks for a form, finds none."""

    def parse(self, *_: Any, **__: Any) -> QueryDict:
        return QueryDict()


class JsonOnly(BaseContentNegotiation):
    """Every answer is JSON, whatever the caller says it accepts."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return ReadsNothing()

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


def problem(
    status: int,
    code: str,
    sentence: str,
    *,
    path: str = "",
    more: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    """An RFC 9457 answer: `title`, `status`, `detail`, our stable `code`, the field's `path`."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": sentence,
    }
    if path:
        body["path"] = path
    return JsonResponse(
        body | (more or {}), status=status, content_type=PROBLEM_TYPE, headers=headers
    )


def problem_response(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """REST framework's exception handler: every refusal in one shape; the unknown stays a 500."""
    if isinstance(error, OrgoError):
        return problem(error.status, error.code, error.sentence, path=error.path)
    if isinstance(error, Http404):
        return problem(404, "not_found", "there is nothing here")
    if isinstance(error, PermissionDenied):
        return problem(403, "not_allowed", str(error) or "you may not do this")
    if isinstance(error, exceptions.APIException):
        return _framework_problem(error, context["view"])
    if isinstance(error, DATABASE_AWAY):
        logger.error("the database is away", exc_info=error)
        return database_away()
    return None


def database_away() -> HttpResponse:
    sentence = "the database is away; send the same request again, with its Idempotency-Key"
    headers = {"Retry-After": RETRY_AFTER_SECONDS}
    return problem(503, "database_away", sentence, headers=headers)


_CODES = {
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    429: "too_fast",
}


def _framework_problem(error: exceptions.APIException, view: APIView) -> HttpResponse:
    headers = {}
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(view.allowed_methods)
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(wait)
    code = _CODES.get(error.status_code, str(error.default_code))
    sentence = str(error.detail)
    if isinstance(error, exceptions.MethodNotAllowed):
        sentence = f"expected {headers['Allow']}"
    if isinstance(error, exceptions.NotAuthenticated):
        sentence = "send `Authorization: Bearer <token>`, or sign in"
    if isinstance(error, exceptions.Throttled):
        sentence = (
            f"more than {settings.ORGO_REQUESTS_PER_MINUTE} requests in a minute; nothing of this"
            " one was taken: send it again after `Retry-After` seconds"
        )
    return problem(error.status_code, code, sentence, headers=headers)


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Every address under /api that nobody has."""
    return problem(404, "not_found", NotFound().sentence)


def single_parameters(request: Request, known: Collection[str]) -> dict[str, str]:
    """The query's parameters, each known and given once; BadInput names the first that is not."""
    for name, values in request.query_params.lists():
        if name not in known:
            raise BadInput(
                f"unknown parameter; known: {', '.join(sorted(known)) or 'none'}",
                path=name,
                code="unknown_parameter",
            )
        if len(values) > 1:
            raise BadInput("given more than once", path=name, code="repeated_parameter")
    return request.query_params.dict()
