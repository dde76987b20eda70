"""The vault's loop when something is missing: it waits or says why it ends, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from logs.cases import errands
from logs.record import beats
from logs.record.models import Beat
from logs.vault import inbox, keyring, process
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput
from tests.builders import Service, Vault, an_organization, setting_the_scene
from tests.logs.vault.running import LIMIT_SECONDS, Loop, labels_in_order, stored, until, waiting
from tests.vault_at_hand import VaultAtHand

REPORT = {
    "timestamp": "2024-11-24T16:10:00Z",
    "action": "Report Filed",
    "case_id": "H-1",
    "identities": {"reporter": "jane.roe@organization.com"},
}
A_DAY = timedelta(days=1)
AN_HOUR_SECONDS = 3600.0
ANY_NUMBER = -1


@pytest.fixture
def keys(committed: None, tmp_path: Path, settings: Settings) -> VaultAtHand:
    return VaultAtHand(tmp_path, settings)


@pytest.fixture
def home(keys: VaultAtHand) -> Organization:
    return an_organization()


@pytest.fixture
def service(home: Organization) -> Service:
    return Service(home)


@pytest.fixture
def start(home: Organization) -> Iterator[Callable[[], Loop]]:
    """Starts a vault; at the end of the test none runs."""
    loops: list[Loop] = []

    def started() -> Loop:
        loops.append(Loop())
        return loops[-1].start()

    yield started
    for loop in loops:
        loop.end()


Start = Callable[[], Loop]


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Nothing is looked for by the clock. Set while the vault waits to hear."""
    monkeypatch.setattr(process, "POLL_SECONDS", AN_HOUR_SECONDS)
    wait, waits = process._wait, threading.Event()

    def wait_and_tell() -> None:
        waits.set()
        wait()
        waits.clear()

    monkeypatch.setattr(process, "_wait", wait_and_tell)
    return waits


def deliver(service: Service, reporter: str = "jane.roe@organization.com") -> None:
    assert service.deliver(REPORT | {"identities": {"reporter": reporter}}).status == 202


# --- there is one -------------------------------------------------------------------------------


def test_a_second_vault_refuses_and_the_first_one_works_on(start: Start, service: Service) -> None:
    first, second = start(), start()
    assert second.end() == "Another vault runs on this database."
    deliver(service)
    until(lambda: stored() == 1, "the report is stored")
    assert first.end() == ""
    assert start().is_alive()


# --- the database is away -----------------------------------------------------------------------


@pytest.fixture
def shut() -> Iterator[Callable[[], None]]:
    """Ends the vault's connections; until the test says otherwise, no login gets a new one."""

    def shut_now() -> None:
        with connections["vault"].cursor() as cursor:  # this thread's own
            let_in(at_most=0)
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user"
                " AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchall() == [(True,)]
        connections["vault"].close()

    yield shut_now
    let_in(at_most=ANY_NUMBER)


def let_in(*, at_most: int) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT current_database()")
        cursor.execute(f'ALTER DATABASE "{cursor.fetchone()[0]}" CONNECTION LIMIT {at_most}')


def test_a_database_that_is_away_is_waited_for(
    start: Start,
    service: Service,
    shut: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "AWAY_PAUSE_SECONDS", 0.05)
    vault = start()
    shut()
    until(lambda: len(said_by_the_loop(caplog)) >= 3, "it has tried more than once")
    assert vault.is_alive()
    deliver(service)
    let_in(at_most=ANY_NUMBER)
    until(lambda: stored() == 1, "the report is stored")
    assert set(said_by_the_loop(caplog)) == {"the database is away; the vault waits for it"}
    assert vault.end() == ""


def said_by_the_loop(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == process.__name__]


# --- a key is missing ---------------------------------------------------------------------------


def missing(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def of_noise(file: Path) -> None:
    file.write_bytes(bytes(range(256)))


def without_epochs(file: Path) -> None:
    file.write_bytes(b'{"index_key": "", "epochs": []}')


def of_another_vault(file: Path) -> None:
    keyring.write(file, keyring.make(timezone.now().date()))


KEYRINGS: dict[Callable[[Path], None], str] = {
    missing: "cannot be read: No such file",
    empty: "is damaged; put back its newest copy",
    cut_off: "is damaged; put back its newest copy",
    of_noise: "is damaged; put back its newest copy",
    without_epochs: "is damaged; put back its newest copy",
    of_another_vault: "keyring and database differ",
}


@pytest.mark.parametrize("harm", KEYRINGS)
def test_without_its_keyring_the_vault_ends_and_nothing_is_lost(
    harm: Callable[[Path], None],
    start: Start,
    service: Service,
    keys: VaultAtHand,
    no_poll: threading.Event,
    caplog: pytest.LogCaptureFixture,
) -> None:
    vault = start()
    deliver(service)
    until(lambda: stored() == 1, "the first report is stored")
    until(no_poll.is_set, "the vault waits")
    copy = keys.keyring.read_bytes()
    harm(keys.keyring)
    deliver(service, "john.doe@organization.com")
    told = vault.wait()
    assert KEYRINGS[harm] in told
    again = start()
    assert KEYRINGS[harm] in again.wait()
    assert again.said == []
    assert KEYRINGS[harm] in (lacks(timezone.now()) or "")
    assert (stored(), waiting()) == (1, 1)
    keys.keyring.write_bytes(copy)
    start()
    until(lambda: stored() == 2, "the second report is stored")
    until(lambda: lacks(timezone.now()) is None, "nothing is lacking any more")
    assert labels_in_order() == ["Anon1", "Anon2"]
    said = "\n".join([told, *(record.getMessage() for record in caplog.records)])
    assert "john" not in said
    assert "jane" not in said


PRIVATE_KEYS = {
    "missing": ("", "is missing or no X25519 key (ORGO_VAULT_KEY)"),
    "damaged": ("-----BEGIN PRIVATE KEY-----\nMC4C", "is missing or no X25519 key"),
}


@pytest.mark.parametrize(("key", "why"), PRIVATE_KEYS.values(), ids=PRIVATE_KEYS)
def test_without_its_private_key_the_vault_does_not_open(
    key: str, why: str, start: Start, service: Service, settings: Settings
) -> None:
    own, settings.ORGO_VAULT_KEY = settings.ORGO_VAULT_KEY, key
    deliver(service)
    refused = start()
    assert why in refused.wait()
    assert refused.said == []
    assert why in (lacks(timezone.now()) or "")
    assert (stored(), waiting()) == (0, 1)
    settings.ORGO_VAULT_KEY = own
    start()
    until(lambda: stored() == 1, "the report is stored")


def test_a_key_that_does_not_open_what_the_door_seals_is_refused(
    start: Start, service: Service, settings: Settings
) -> None:
    own, settings.ORGO_VAULT_PUBLIC_KEY = settings.ORGO_VAULT_PUBLIC_KEY, Vault().public_key_pem
    assert "are not one pair" in start().wait()
    settings.ORGO_VAULT_PUBLIC_KEY = own
    deliver(service)
    start()
    until(lambda: stored() == 1, "the report is stored")


# --- it hears -----------------------------------------------------------------------------------


def test_a_report_wakes_the_vault(start: Start, service: Service, no_poll: threading.Event) -> None:
    start()
    until(no_poll.is_set, "the vault waits")
    deliver(service)
    until(lambda: stored() == 1, "the report is stored")


def test_a_question_wakes_the_vault(
    start: Start, home: Organization, no_poll: threading.Event
) -> None:
    start()
    until(no_poll.is_set, "the vault waits")
    with pytest.raises(BadInput, match="knows no question"):
        errands.ask("the weather", home, {}, by=None)


def test_what_comes_just_before_the_vault_waits_is_heard(
    start: Start,
    service: Service,
    no_poll: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drain, looked, delivered = inbox.drain, threading.Event(), threading.Event()

    def drain_before_a_delivery() -> int:
        """The vault is told while it still talks with the database."""
        count = drain()
        if not looked.is_set():
            looked.set()
            assert delivered.wait(LIMIT_SECONDS)
        return count

    monkeypatch.setattr(inbox, "drain", drain_before_a_delivery)
    start()
    until(looked.is_set, "the vault has seen an empty inbox")
    deliver(service)
    delivered.set()
    until(lambda: stored() == 1, "the report is stored")


# --- a day without it ---------------------------------------------------------------------------


@pytest.mark.usefixtures("no_poll")
def test_after_a_day_without_a_vault_everything_is_there_in_its_order(
    start: Start, service: Service
) -> None:
    start().end()
    now = timezone.now()
    assert lacks(now) is None
    for hour in range(0, 24, 4):
        with time_machine.travel(now + timedelta(hours=hour), tick=False):
            deliver(service, f"person.{hour}@organization.com")
    assert lacks(now + A_DAY) == ""
    assert abs(seen_at(now + A_DAY) - now.timestamp()) < AN_HOUR_SECONDS
    assert (stored(), waiting()) == (0, 6)
    start()
    until(lambda: stored() == 6, "every report is stored")
    assert labels_in_order() == [f"Anon{number}" for number in range(1, 7)]
    until(lambda: lacks(timezone.now()) is None, "it says that it is there")


def lacks(now: datetime) -> str | None:
    with setting_the_scene():
        return beats.problem_of(Beat.Process.VAULT, now)


def seen_at(now: datetime) -> float:
    with setting_the_scene():
        beats.watch(now)
        seen = beats.vault_seen()
    return seen.timestamp() if seen else 0.0
