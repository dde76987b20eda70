"""`run_vault` as an operator starts it: a process of its own, told to end or killed at any time."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connections, transaction
from pytest_django import Settings

from logs.cases.models import CaseEvent
from tests import environment
from tests.builders import Service, an_organization
from tests.logs.vault.running import LIMIT_SECONDS, labels_in_order, stored, until, waiting
from tests.portal import PROJECT
from tests.vault_at_hand import VaultAtHand

pytestmark = pytest.mark.stack
REPORT = {"timestamp": "2024-11-24T16:10:00Z", "action": "Report Filed", "case_id": "H-1"}
PEOPLE = ("jane.roe@organization.com", "john.doe@organization.com", "ann.poe@organization.com")
Vault = subprocess.Popen[str]
Start = Callable[[], Vault]


@pytest.fixture
def keys(committed: None, tmp_path: Path, settings: Settings) -> VaultAtHand:
    return VaultAtHand(tmp_path, settings)


@pytest.fixture
def service(keys: VaultAtHand) -> Service:
    return Service(an_organization())


@pytest.fixture
def start(keys: VaultAtHand, settings: Settings) -> Iterator[Start]:
    """Starts the command on the test's database; at the end of the test none runs."""
    vaults: list[Vault] = []
    own = {
        "ORGO_HOME": str(settings.ORGO_HOME),
        "ORGO_VAULT_DATABASE_URL": url_of_the_vault(),
        "ORGO_VAULT_KEY": settings.ORGO_VAULT_KEY,
        "ORGO_VAULT_PUBLIC_KEY": settings.ORGO_VAULT_PUBLIC_KEY,
        "ORGO_VAULT_KEYRING": str(settings.ORGO_VAULT_KEYRING),
    }

    def started() -> Vault:
        vault = subprocess.Popen(
            [sys.executable, "manage.py", "run_vault"],
            cwd=PROJECT,
            env=environment.without_settings() | own,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        vaults.append(vault)
        return vault

    yield started
    for vault in vaults:
        vault.kill()
        vault.communicate()


def url_of_the_vault() -> str:
    login = connections["vault"].settings_dict
    place = f"{login['HOST']}:{login['PORT']}" if login["PORT"] else ""
    socket = "" if place else f"?host={quote(login['HOST'], safe='')}"
    who = f"{login['USER']}:{quote(login['PASSWORD'], safe='')}"
    return f"postgres://{who}@{place}/{login['NAME']}{socket}"


def said_by(vault: Vault) -> str:
    """All it has said, once it has ended."""
    return vault.communicate(timeout=LIMIT_SECONDS)[0]


def deliver(service: Service) -> None:
    for person in PEOPLE:
        assert service.deliver(REPORT | {"identities": {"reporter": person}}).status == 202


# --- in the middle ------------------------------------------------------------------------------


def is_at_it() -> bool:
    """The vault has taken envelopes out, and wants to write what HR may see of them."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_locks WHERE NOT granted AND relation = %s::regclass",
            [CaseEvent._meta.db_table],
        )
        return cursor.fetchone() is not None


def is_gone() -> bool:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'orgo_vault'"
        )
        return cursor.fetchone() is None


def stopped_in_the_middle(vault: Vault, number: signal.Signals) -> None:
    with transaction.atomic(using="owner"):
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"LOCK TABLE {CaseEvent._meta.db_table} IN ACCESS EXCLUSIVE MODE")
        until(is_at_it, "the vault is at the reports")
        vault.send_signal(number)
    vault.wait(LIMIT_SECONDS)
    until(is_gone, "its connection is gone")


def test_told_to_end_in_the_middle_it_finishes_what_it_has_begun(
    start: Start, service: Service
) -> None:
    deliver(service)
    vault = start()
    stopped_in_the_middle(vault, signal.SIGTERM)
    assert vault.returncode == 0
    assert (stored(), waiting()) == (len(PEOPLE), 0)
    assert said_by(vault) == "the vault is open\n"


def test_killed_in_the_middle_it_leaves_nothing_half_and_the_next_one_stores_all(
    start: Start, service: Service
) -> None:
    deliver(service)
    stopped_in_the_middle(start(), signal.SIGKILL)
    assert (stored(), waiting()) == (0, len(PEOPLE))
    start()
    until(lambda: waiting() == 0, "the inbox is empty")
    assert labels_in_order() == ["Anon1", "Anon2", "Anon3"]


# --- what an operator is told -------------------------------------------------------------------


def test_a_second_one_says_that_there_is_one(start: Start, service: Service) -> None:
    start()
    deliver(service)
    until(lambda: stored() == len(PEOPLE), "the reports are stored")
    second = start()
    assert said_by(second) == "CommandError: Another vault runs on this database.\n"
    assert second.returncode == 1


def test_without_its_keyring_it_ends_with_one_sentence(
    start: Start, service: Service, keys: VaultAtHand
) -> None:
    vault = start()
    deliver(service)
    until(lambda: stored() == len(PEOPLE), "the reports are stored")
    elsewhere = keys.keyring.rename(keys.keyring.with_suffix(".away"))
    said = said_by(vault)
    assert said == (
        "the vault is open\n"
        "CommandError: The keyring (ORGO_VAULT_KEYRING) cannot be read: No such file or"
        " directory.\n"
    )
    assert vault.returncode == 1
    deliver(service)
    elsewhere.rename(keys.keyring)
    start()
    until(lambda: waiting() == 0, "the inbox is empty")
    assert stored() == 2 * len(PEOPLE)
