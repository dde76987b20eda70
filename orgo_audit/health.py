"""Tells an operator whether the portal lives and what it depends on. Never personal data."""

from __future__ import annotations

from collections.abc import Callable

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from logs import interface
from orgo_audit.policy import versions

BROKER_TIMEOUT_SECONDS = 3


def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: this process answers."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: every dependency answers and nothing is missing; 503 otherwise, naming what.

    What is only `late` is told and makes nobody unready.
    """
    checks = {name: _outcome(check) for name, check in CHECKS.items()}
    ready = all(outcome["state"] != "failed" for outcome in checks.values())
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503)


def _outcome(check: Callable[[], str]) -> dict[str, str]:
    try:
        return {"state": "ok", "detail": check()}
    except Late as problem:
        return {"state": "late", "detail": str(problem)}
    except NotReady as problem:
        return {"state": "failed", "detail": str(problem)}
    except Exception as error:  # noqa: BLE001  (whatever a dependency does, the answer says which one)
        # The class only: a driver's message may carry hosts and values.
        return {"state": "failed", "detail": type(error).__name__}


class NotReady(Exception):
    """A dependency answers and something is missing all the same."""


class Late(Exception):
    """Something should have happened by now: somebody must look, and requests are still served."""


def _mode(embedded: bool) -> str:
    return "embedded" if embedded else "external"


def _database() -> str:
    plan = MigrationExecutor(connection)
    if plan.migration_plan(plan.loader.graph.leaf_nodes()):
        raise NotReady("migrations are pending")
    return _mode(settings.EMBEDDED_DATABASE)


def _segments() -> str:
    if missing := interface.missing_segments(timezone.now()):
        raise NotReady(f"missing: {', '.join(missing)}")
    return "this and the next month are there"


def _policy() -> str:
    version = versions.in_force()
    if version is None:
        raise NotReady("no policy was ever accepted")
    broken = " (the file now cannot be used)" if versions.unusable() else ""
    return f"version {version.pk} is in force{broken}"


def _cache() -> str:
    cache.set("readyz", "1", timeout=10)
    if cache.get("readyz") != "1":
        raise NotReady("what was written cannot be read back")
    return _mode(settings.EMBEDDED_VALKEY)


def _broker() -> str:
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_SECONDS)
    return broker.transport.driver_type or "connected"


def _vault() -> str:
    """Its process may be away for a day, and nothing is lost: that is no reason to be not ready."""
    if interface.vault_is_alive(timezone.now()):
        return "open"
    return "away: sensitive events are sealed and wait, cases stand still"


def _vault_key() -> str:
    if not settings.ORGO_VAULT_PUBLIC_KEY:
        raise NotReady("no public key: sensitive events are refused (ORGO_VAULT_PUBLIC_KEY)")
    return "sensitive events can be sealed"


def _retention() -> str:
    if interface.retention_is_overdue(timezone.now()):
        raise Late("the nightly run did not happen: nothing was destroyed that should be")
    return "the nightly run is not late"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "segments": _segments,
    "policy": _policy,
    "cache": _cache,
    "broker": _broker,
    "vault_key": _vault_key,
    "vault": _vault,
    "retention": _retention,
}
