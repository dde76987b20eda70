"""What every request meets: content security policy, the session's lifetime, the viewer's zone."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.core.exceptions import BadRequest
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django_prometheus.middleware import PrometheusAfterMiddleware, PrometheusBeforeMiddleware

from orgo_audit import directions
from orgo_audit.accounts import sessions
from orgo_audit.callers import method_of

Answer = Callable[[HttpRequest], HttpResponse]

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_PERMISSIONS = "camera=(), geolocation=(), microphone=()"
TIME_ZONE_COOKIE = "orgo_time_zone"


def content_security_policy(get_response: Answer) -> Answer:
    """Nothing from elsewhere, no inline script or style, and pages are kept in no cache."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def no_nul_in_cookies(get_response: Answer) -> Answer:
    """A quoted cookie may spell NUL, which PostgreSQL cannot be asked for: the session's key."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if any("\0" in value for value in request.COOKIES.values()):
            raise BadRequest
        return get_response(request)

    return middleware


def session_lifetime(get_response: Answer) -> Answer:
    """A session that is used lives on, at most for its longest time."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # Without a database `/healthz` and `/readyz` still answer; a page finds out by itself.
        with suppress(DatabaseError):
            _judge_lifetime(request)
        return get_response(request)

    return middleware


def _judge_lifetime(request: HttpRequest) -> None:
    if SESSION_KEY not in request.session:
        return
    now = timezone.now()
    if sessions.is_over(request.session, now=now):
        logout(request)
    else:
        sessions.keep(request.session, now=now)


def told_at_sign_in(get_response: Answer) -> Answer:
    """Whoever sends a form after the session's end is told so where they sign in again."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        leads_to = response.headers.get("Location") if request.method == "POST" else None
        if leads_to and leads_to.startswith(f"{reverse('sign-in')}?"):
            messages.warning(request, "Your session has ended. What you sent was not kept.")
        return response

    return middleware


def directions_seen(get_response: Answer) -> Answer:
    """No value turns its direction of reading unseen on a page; the API and files tell it as is."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.content = directions.seen(response.content.decode())
        return response

    return middleware


def viewer_time_zone(get_response: Answer) -> Answer:
    """Times on pages are in the person's own zone: the account's, else the browser's, else UTC."""

    def middleware(request: HttpRequest) -> HttpResponse:
        chosen = _account_zone(request) or request.COOKIES.get(TIME_ZONE_COOKIE, "")
        with timezone.override(_zone(chosen)):
            return get_response(request)

    return middleware


def _account_zone(request: HttpRequest) -> str:
    try:
        return getattr(request.user, "time_zone", "")
    except DatabaseError:  # `/healthz` and `/readyz` do without; a page finds out by itself
        return ""


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo("UTC")


_RESTRICTED = ("/cases/", "/api/v1/cases/", "/api/v1/anonymized-logs/")


def _is_delivery(request: HttpRequest) -> bool:
    """Whether it may bring in something sensitive: events come by POST, below this path alone."""
    return request.method == "POST" and request.path_info.startswith("/api/")


def _is_untold(request: HttpRequest) -> bool:
    """Whether no metric may move with it, however it ends well."""
    return _is_delivery(request) or request.path_info.startswith(_RESTRICTED)


class PrometheusBefore(PrometheusBeforeMiddleware):  # type: ignore[misc]  # it has no types
    """django-prometheus's counters around all middleware, which what is untold does not move."""

    def process_request(self, request: HttpRequest) -> None:
        if not _is_untold(request):
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if not _is_untold(request):
            super().process_response(request, response)
        return response


class PrometheusAfter(PrometheusAfterMiddleware):  # type: ignore[misc]  # it has no types
    """django-prometheus's counters, which a delivery moves only where nothing of it was kept.

    Whoever took the events stored from the deliveries counted would have the minute in which a
    sensitive report arrived. A refused item may have been sealed too: then it is a 207, or a 400.
    What is done in the restricted area moves none, unless it fails (500).
    """

    def label_metric(self, metric: Any, request: Any, response: Any = None, **labels: Any) -> Any:
        if not self._may_move(request, response):
            return _UNMOVED
        if "method" in labels:
            labels["method"] = method_of(request)
        return super().label_metric(metric, request, response, **labels)

    def _may_move(self, request: HttpRequest, response: HttpResponse | None) -> bool:
        status = 0 if response is None else response.status_code
        if request.path_info.startswith(_RESTRICTED):
            return status == HTTPStatus.INTERNAL_SERVER_ERROR
        return not _is_delivery(request) or status > HTTPStatus.BAD_REQUEST


class _Unmoved:
    """Stands in for a metric."""

    def inc(self) -> None:
        """Counts nothing."""

    def observe(self, amount: float) -> None:
        """Measures nothing."""


_UNMOVED = _Unmoved()
