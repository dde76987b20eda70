"""The record's pages in Django admin: registered with our own site. No event can be changed."""

from __future__ import annotations

from logs.admin import (
    certificates,
    events,
    front_page,
    legal_holds,
    policy,
    quarantine,
    retention_plan,
)

__all__ = [
    "certificates",
    "events",
    "front_page",
    "legal_holds",
    "policy",
    "quarantine",
    "retention_plan",
]
