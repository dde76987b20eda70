"""Tells an operator whether the portal lives and what it depends on. Never personal data."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from logs import interface
from monitoring import interface as monitoring
from orgo_audit import throttling
from orgo_audit.accounts import secret_key
from orgo_audit.database.login import log_in
from orgo_audit.errors import Unavailable
from orgo_audit.policy import versions

# Of each check: a prober gives up soon, and would end a web process that is well.
LIMIT_SECONDS = 2


def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: this process answers."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: every dependency answers and nothing is missing; 503 otherwise, naming what.

    What is only `late` is told and makes nobody unready. A dependency that hangs is not waited for,
    and what stands in a database that is away is not asked.
    """
    checks: dict[str, dict[str, str]] = {}
    for name, check in CHECKS.items():
        if name not in IN_DATABASE or checks["database"]["state"] != "failed":
            checks[name] = _outcome(check)
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


def _within_limit(check: Callable[[], str]) -> Callable[[], str]:
    """Asks the database; OperationalError where a statement takes longer than the limit."""

    @wraps(check)
    def limited() -> str:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{LIMIT_SECONDS}s'")
            return check()

    return limited


def _database() -> str:
    log_in(LIMIT_SECONDS)
    return _migrations()


@_within_limit
def _migrations() -> str:
    plan = MigrationExecutor(connection)
    if plan.migration_plan(plan.loader.graph.leaf_nodes()):
        raise NotReady("migrations are pending")
    return _mode(settings.EMBEDDED_DATABASE)


@_within_limit
def _segments() -> str:
    if missing := interface.missing_segments(timezone.now()):
        raise NotReady(f"missing: {', '.join(missing)}")
    return "this and the next month are there"


@_within_limit
def _policy() -> str:
    version = versions.in_force()
    if version is None:
        raise NotReady("no policy was ever accepted")
    try:
        versions.current()
    except Unavailable as problem:
        raise NotReady(str(problem)) from None
    broken = " (the file now cannot be used)" if versions.unusable() else ""
    return f"version {version.pk} is in force{broken}"


def _cache() -> str:
    if not throttling.can_count():
        raise NotReady("what was written cannot be read back")
    return _mode(settings.EMBEDDED_VALKEY)


def _broker() -> str:
    with current_app.connection_for_write(connect_timeout=LIMIT_SECONDS) as broker:
        if broker.transport.driver_type == "redis":  # whose limit ends with the connection's start
            options = broker.transport_options or {}
            broker.transport_options = options | {"socket_timeout": LIMIT_SECONDS / 2}
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=LIMIT_SECONDS)
    return broker.transport.driver_type or "connected"


@_within_limit
def _vault() -> str:
    """Its process may be away for a day, and nothing is lost: that makes nobody unready."""
    problem = interface.vault_problem(timezone.now())
    if problem is not None:
        raise Late(
            f"away: sensitive events are sealed and wait, cases stand still. {problem}".rstrip()
        )
    return "open"


def _vault_key() -> str:
    if not settings.ORGO_VAULT_PUBLIC_KEY:
        raise NotReady("no public key: sensitive events are refused (ORGO_VAULT_PUBLIC_KEY)")
    return "sensitive events can be sealed"


@_within_limit
def _secret_key() -> str:
    known = secret_key.is_known()
    if known is None:
        raise NotReady("the database was never prepared: run `prepare`")
    if not known:
        raise NotReady(f"{secret_key.AnotherSecretKey().sentence}. No event is taken until then")
    return "the one that the database was prepared with"


@_within_limit
def _periodic_work() -> str:
    if interface.worker_problem(timezone.now()) is not None:
        raise Late("nothing ran for two minutes: worker, beat or broker is away, or only starts")
    return "the worker does what beat sends"


@_within_limit
def _retention() -> str:
    if interface.retention_is_overdue(timezone.now()):
        raise Late("the nightly run did not happen: nothing was destroyed that should be")
    return "the nightly run is not late"


@_within_limit
def _watch() -> str:
    if not monitoring.watch_is_fresh(timezone.now()):
        raise Late("no alert is judged: the last pass is older than three minutes")
    return "alerts are judged"


@_within_limit
def _health_checks() -> str:
    failed = [result.name for result in monitoring.failed_checks()]
    missed = [one.name for one in monitoring.missed(timezone.now())]
    if failed or missed:
        told = (("failed", failed), ("did not run in time", missed))
        raise Late("; ".join(f"{what}: {', '.join(names)}" for what, names in told if names))
    return "none failed, none is late"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "segments": _segments,
    "policy": _policy,
    "secret_key": _secret_key,
    "cache": _cache,
    "broker": _broker,
    "vault_key": _vault_key,
    "vault": _vault,
    "periodic_work": _periodic_work,
    "retention": _retention,
    "watch": _watch,
    "health_checks": _health_checks,
}
# Asked only where it answers.
IN_DATABASE = {
    *("segments", "policy", "secret_key", "vault", "periodic_work", "retention"),
    *("watch", "health_checks"),
}
