"""What all doors read off a request in the same way. Decides nothing."""

from __future__ import annotations

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

HTTP_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BOUNDARY = re.compile(
    r";\s*(boundary=(?:[^\s;,\"]{1,70}|\"[^\"]{1,70}\"))\s*(?:;|\Z)", re.IGNORECASE
)


def plain_content_type(told: str) -> str:
    """The media type and a form's boundary; all else in this header only names codecs.

    All we read is UTF-8. Django would read addresses and forms by the sender's choice of any codec
    of Python, and fall over those that are no text, or that do not exist.
    """
    media_type = told.partition(";")[0]
    boundary = _BOUNDARY.search(told)
    return f"{media_type}; {boundary[1]}" if boundary else media_type


def address_of(request: HttpRequest | Request | None) -> str | None:
    """The caller's address: the connection's, or what the outermost of our own proxies saw.

    Each proxy adds one address to X-Forwarded-For, at its end: whatever stands before those of
    ORGO_TRUSTED_PROXIES was written by the caller.
    """
    if request is None:
        return None
    connected = request.META.get("REMOTE_ADDR")
    if not settings.ORGO_TRUSTED_PROXIES:
        return connected
    told = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if len(told) < settings.ORGO_TRUSTED_PROXIES:
        return connected
    return _plain_address(told[-settings.ORGO_TRUSTED_PROXIES]) or connected


def _plain_address(text: str) -> str:
    """Without a port, or nothing where it is no address: `192.0.2.7:4711`, `[2001:db8::1]:443`."""
    text = text.strip()
    bracketed = re.fullmatch(r"\[(.*)\](?::\d+)?", text)
    if bracketed:
        text = bracketed[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text)) if "%" not in text else ""
    except ValueError:
        return ""


def route_of(request: HttpRequest | Request | None) -> str:
    """The pattern of the address, never the address itself: that may name a task or a person."""
    match = request.resolver_match if request is not None else None
    return f"/{match.route}" if match else "/?"


def method_of(request: HttpRequest | Request) -> str:
    """The method, if it is one: whoever invents methods must not fill the record or the metrics."""
    return request.method if request.method in HTTP_METHODS else "OTHER"
