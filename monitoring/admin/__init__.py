"""Monitoring's pages in Django admin: registered with our own site. They judge nothing."""

from __future__ import annotations

from monitoring.admin import alerts, health, status

__all__ = ["alerts", "health", "status"]
