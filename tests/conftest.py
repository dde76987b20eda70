"""Fixtures of all tests. They must never give a test more rights than the web login has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.test.testcases import QuietWSGIRequestHandler
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from logs.cases import errands as case_errands
from logs.cases.models import Errand
from monitoring import exposition
from orgo_audit import logins
from orgo_audit.accounts import secret_key
from orgo_audit.policy import versions
from tests import database, environment
from tests.builders import Vault
from tests.local_server import listening
from tests.vault_at_hand import VaultAtHand

# Timings are never asserted, not even an example's.
hypothesis.settings.register_profile("orgo", deadline=None)
hypothesis.settings.load_profile("orgo")
LOGIN_FIXTURES = {"as_worker": logins.WORKER, "as_vault": logins.VAULT}


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """One test database a process; `owner` makes it, `default` is the web login in it."""
    environment.ensure_server()
    verbosity = request.config.option.verbose
    suffix = getattr(request.config, "workerinput", {}).get("workerid", "")
    with django_db_blocker.unblock():
        real_name = database.create_test_database(suffix, verbosity)
    yield
    if not environment.is_embedded():
        with django_db_blocker.unblock():
            database.destroy_test_database(real_name)


@pytest.fixture
def committed(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """For a test that must commit: several connections, threads, other processes.

    Every alias may be used; afterwards all tables are emptied. Not together with `django_db`,
    whose transaction would hide the commits.
    """
    if request.node.get_closest_marker("django_db") or "db" in request.fixturenames:
        pytest.fail("`committed` and `django_db` exclude each other")
    with django_db_blocker.unblock():
        yield
        database.wipe()


@pytest.fixture(autouse=True)
def no_caches() -> None:
    """No test sees the policy, the figures or the secret key of another one."""
    versions.forget_cache()
    exposition.forget_cache()
    secret_key.forget_check()


@pytest.fixture
def as_worker() -> None:
    """The whole test, its other fixtures included, sees the database with the worker's login."""


@pytest.fixture
def as_vault() -> None:
    """The whole test, its other fixtures included, sees the database with the vault's login."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    # Before any fixture: the transaction of `django_db` opens on the connection it finds.
    with ExitStack() as stack:
        for name in getattr(item, "fixturenames", ()):
            if name in LOGIN_FIXTURES:
                stack.enter_context(database.login_of_default(LOGIN_FIXTURES[name]))
        return (yield)


@pytest.fixture
def vault(settings: Settings) -> Vault:
    """The vault's public key is set, as after `up`; the test may open envelopes."""
    vault = Vault()
    settings.ORGO_VAULT_PUBLIC_KEY = vault.public_key_pem
    return vault


@pytest.fixture
def vault_at_hand(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> VaultAtHand:
    """The vault answers each question at once, in this process. Set `is_away` to silence it."""
    at_hand = VaultAtHand(tmp_path, settings)
    put = case_errands._put

    def put_and_answer(errand: Errand) -> None:
        put(errand)
        at_hand.answer(errand)

    monkeypatch.setattr(case_errands, "_put", put_and_answer)
    monkeypatch.setattr(case_errands, "LONGEST_WAIT_SECONDS", 0.0)
    return at_hand


@pytest.fixture
def address(committed: None) -> Iterator[str]:
    """The portal on a port of its own, a thread a request."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler, connections_override={})
    server.set_app(WSGIHandler())
    with listening(server):
        yield f"http://localhost:{server.server_port}"
