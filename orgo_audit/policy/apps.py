"""Registers the policy's versions as a Django app; does nothing else."""

from __future__ import annotations

from django.apps import AppConfig


class PolicyConfig(AppConfig):
    """The policy file and the versions of it that were ever loaded."""

    name = "orgo_audit.policy"
    label = "policy"
    verbose_name = "Policy"
