"""Who calls, from where and what: read off a request by all doors alike. Decides nothing."""

from __future__ import annotations

import ipaddress
import re
from typing import cast

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from orgo_audit.accounts.models import User

HTTP_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def person_of(request: HttpRequest) -> User:
    """Who is signed in; for pages that let nobody else in."""
    return cast("User", request.user)


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
