"""Watches the platform and the record."""

from __future__ import annotations

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self) -> None:
        from monitoring import admin  # noqa: F401  (it registers itself)
