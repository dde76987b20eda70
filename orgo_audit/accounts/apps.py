"""People, organizations and service tokens."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "orgo_audit.accounts"
    label = "accounts"
