"""Gives the tests a home, secrets and a PostgreSQL of their own; never touches an operator's."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from orgo_audit import logins
from orgo_audit.embedded import postgres, roles, secrets

# The owner of another server to test on. Not DATABASE_URL: an operator's shell may hold the
# production one, and a run remakes the logins' passwords.
SERVER_VARIABLE = "ORGO_TEST_DATABASE_URL"
KEPT = ("ORGO_PG_BIN", "ORGO_TEST_")
OF_AN_OPERATOR = (
    *(
        "ORGO_",
        "DATABASE_URL",
        "REDIS_URL",
        "CELERY_",
        "ELASTICSEARCH_URL",
        "KIBANA_URL",
        "ALERTMANAGER_URL",
    ),
    *("RABBITMQ_MANAGEMENT_URL", "EMAIL_URL", "PROMETHEUS_", "DJANGO_SETTINGS_MODULE"),
)

_cluster: postgres.Postgres | None = None
_is_worker = "PYTEST_XDIST_WORKER" in os.environ


def without_settings() -> dict[str, str]:
    """Our environment without any setting of the product: for a test that starts a process."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(KEPT) or not name.startswith(OF_AN_OPERATOR)
    }


def _prepare() -> Path:
    kept = without_settings()
    os.environ.clear()
    os.environ.update(kept)
    home = Path(tempfile.mkdtemp(prefix="orgo-test-"))
    home.chmod(0o711)  # started by root, PostgreSQL runs as nobody and must pass
    os.environ |= {
        "ORGO_PROCESS": "test",
        "ORGO_HOME": str(home),
        "ORGO_SECRET_KEY": secrets.random_password(),
    }
    for login in logins.LOGINS:
        secrets.keep_secret(home, logins.role_name(login))
    if os.environ.get(SERVER_VARIABLE):
        os.environ["DATABASE_URL"] = os.environ[SERVER_VARIABLE]
    return home


if not _is_worker:
    _prepare()  # xdist's workers inherit it
HOME = Path(os.environ["ORGO_HOME"])


def ensure_server() -> None:
    """A server with the logins, once a run: in the controller, or in the one process there is."""
    global _cluster  # noqa: PLW0603
    if _is_worker or _cluster is not None:
        return
    owner_url = os.environ.get("DATABASE_URL", "")
    if not owner_url:
        _cluster = postgres.Postgres(HOME, options=postgres.UNSAFE_AND_FAST)
        _cluster.start()
        with _cluster.superuser_connection() as superuser:
            roles.ensure_owner(superuser, secrets.keep_secret(HOME, logins.role_name(logins.OWNER)))
    others = [login for login in logins.LOGINS if login != logins.OWNER]
    passwords = {login: secrets.keep_secret(HOME, logins.role_name(login)) for login in others}
    roles.ensure_logins(
        logins.database_url(logins.OWNER, owner_url=owner_url, home=HOME), passwords
    )


def is_embedded() -> bool:
    return not os.environ.get("DATABASE_URL")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before xdist starts its workers; one process alone waits until a test asks for it."""
    if session.config.getoption("dist", default="no") != "no":
        ensure_server()


def pytest_unconfigure() -> None:
    if _is_worker:
        return
    if _cluster is not None:
        _cluster.stop()
    shutil.rmtree(HOME, ignore_errors=True)
