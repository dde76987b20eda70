"""The project itself as an application: its commands, and the rights after each migration."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class OrgoAuditConfig(AppConfig):
    name = "orgo_audit"
    label = "orgo_audit"

    def ready(self) -> None:
        from orgo_audit import (  # noqa: F401  (they register themselves)
            failures,
            grants,
            system_checks,
            token_pages,
        )
        from orgo_audit.sign_in import reports  # noqa: F401

        # Sent once all migrations are done, and only for applications with models.
        post_migrate.connect(grants.apply_after_migrate, sender=apps.get_app_config("logs"))
