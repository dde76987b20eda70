"""Celery's door to what belongs to no app. Each task is one call and safe to run twice."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from orgo_audit import token_changes
from orgo_audit.accounts.sessions import SessionStore


@shared_task
def warn_of_expiring_tokens() -> None:
    """Puts on record which service tokens expire soon."""
    token_changes.warn_of_expiry(timezone.now())


@shared_task
def forget_ended_sessions() -> None:
    """Removes sessions that open nothing any more."""
    SessionStore.clear_expired()
