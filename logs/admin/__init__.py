"""The record's pages in Django admin: registered with our own site, read-only for everybody."""

from __future__ import annotations

from logs.admin import events, front_page, policy, quarantine

__all__ = ["events", "front_page", "policy", "quarantine"]
