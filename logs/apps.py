"""The system of record."""

from __future__ import annotations

from django.apps import AppConfig


class LogsConfig(AppConfig):
    name = "logs"

    def ready(self) -> None:
        from logs import admin, system_checks  # noqa: F401  (they register themselves)
