"""What all doors read off a request in the same way. Decides nothing."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

HTTP_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def address_of(request: HttpRequest | Request | None) -> str | None:
    """The address that the connection comes from."""
    return request.META.get("REMOTE_ADDR") if request is not None else None


def route_of(request: HttpRequest | Request | None) -> str:
    """The pattern of the address, never the address itself: that may name a task or a person."""
    match = request.resolver_match if request is not None else None
    return f"/{match.route}" if match else "/?"


def method_of(request: HttpRequest | Request) -> str:
    """The method, if it is one: whoever invents methods must not fill the record or the metrics."""
    return request.method if request.method in HTTP_METHODS else "OTHER"
