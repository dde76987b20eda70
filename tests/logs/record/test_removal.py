"""Events leave by one function: the worker's, for what was put down, once it is announced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connections
from psycopg.errors import InsufficientPrivilege, InvalidParameterValue

from logs.record import own_events
from logs.record.models import Event
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization
from tests.builders import Vault, a_refused_item, an_event, an_organization, stored, wire_event

REMOVE = "SELECT remove_events(%s, %s, %s)"
PUT_DOWN = (
    "INSERT INTO logs_reclassification (organization_id, kind, subject_id) VALUES (%s, %s, %s)"
)
DELETE = "DELETE FROM event WHERE id = %s"
FORGE = "UPDATE event SET action = 'forged' WHERE id = %s"
RECLASSIFIED = "reclassified"
Statement = tuple[str, list[Any]]


@pytest.fixture
def home(committed: None, vault: Vault) -> Organization:
    return an_organization()


@pytest.fixture
def leaving(home: Organization) -> Event:
    """An event that has been put down, and is not removed yet."""
    event = an_event(home, task_id="T1")
    stored(home, wire_event(action="Report Filed", task_id="T1"))
    return event


@contextmanager
def raw(alias: str) -> Iterator[psycopg.Cursor[Any]]:
    """A cursor of that login, in a transaction that is rolled back."""
    wrapper = connections[alias]
    wrapper.ensure_connection()
    driver: psycopg.Connection[Any] = wrapper.connection
    try:
        with driver.transaction(force_rollback=True), driver.cursor() as cursor:
            yield cursor
    finally:
        wrapper.close()


def run(alias: str, *statements: Statement) -> Any:
    """The last one's row, or the error that one of them meets."""
    with raw(alias) as cursor:
        for statement in statements:
            cursor.execute(*statement)
        return cursor.fetchone() if cursor.description else None


def announced(organization: Organization) -> UUID:
    return own_events.announce_reclassification(organization, [])


def test_the_worker_alone_removes_events(home: Organization, leaving: Event) -> None:
    removal = (REMOVE, [[leaving.pk], RECLASSIFIED, announced(home)])
    for alias in ("default", "vault"):
        with pytest.raises(InsufficientPrivilege):
            run(alias, removal)
    assert run("worker", removal) == (1,)


def test_savepoints_and_repeated_ids_do_not_matter(home: Organization, leaving: Event) -> None:
    removal = (REMOVE, [[leaving.pk, leaving.pk], RECLASSIFIED, announced(home)])
    assert run("worker", ("SAVEPOINT one", []), ("SAVEPOINT two", []), removal) == (1,)


@pytest.mark.parametrize(
    ("reason", "refusal"),
    [
        ("expired", InsufficientPrivilege),
        ("erased", InsufficientPrivilege),
        ("Reclassified", InvalidParameterValue),
        ("", InvalidParameterValue),
        (None, InvalidParameterValue),
    ],
)
def test_an_announcement_of_something_else_or_an_unknown_reason_removes_nothing(
    home: Organization, leaving: Event, reason: str | None, refusal: type[psycopg.Error]
) -> None:
    announcement = announced(home)
    with pytest.raises(refusal):
        run("worker", (REMOVE, [[leaving.pk], reason, announcement]))


def test_only_an_announcement_of_the_portal_in_that_organization_counts(
    home: Organization, leaving: Event
) -> None:
    said = wire_event(action="Events Reclassified")
    (by_a_sender,) = stored(home, said, log_type=LogType.SECURITY)
    (in_another_log,) = stored(home, said, source="portal")
    (of_something_else,) = stored(
        home, wire_event(action="Logs Viewed"), log_type=LogType.SECURITY, source="portal"
    )
    for event in (by_a_sender, in_another_log, of_something_else, leaving):
        with pytest.raises(InsufficientPrivilege, match="announced first"):
            run("worker", (REMOVE, [[leaving.pk], RECLASSIFIED, event.pk]))
    for identifier in (None, uuid4()):
        with pytest.raises(InsufficientPrivilege, match="announced first"):
            run("worker", (REMOVE, [[leaving.pk], RECLASSIFIED, identifier]))
    elsewhere = announced(an_organization())
    with pytest.raises(InsufficientPrivilege, match="this organization"):
        run("worker", (REMOVE, [[leaving.pk], RECLASSIFIED, elsewhere]))


def test_nothing_is_removed_that_was_not_put_down(home: Organization, leaving: Event) -> None:
    announcement, stays = announced(home), an_event(home, task_id="T9")
    item = a_refused_item(home, user=5)
    as_an_item = (PUT_DOWN, [home.pk, "item", stays.pk])
    for ids in ([stays.pk], [leaving.pk, stays.pk], [leaving.pk, None], [uuid4()], [item.pk]):
        with pytest.raises(InsufficientPrivilege, match="not all of these"):
            run("worker", as_an_item, (REMOVE, [ids, RECLASSIFIED, announcement]))


def test_what_is_put_down_wrongly_stays(home: Organization, leaving: Event) -> None:
    """A stolen web login may put down what it likes."""
    foreign, announcement = an_event(an_organization()), announced(home)
    for subject in (foreign.pk, announcement):
        removal = (REMOVE, [[leaving.pk, subject], RECLASSIFIED, announcement])
        with pytest.raises(InsufficientPrivilege, match="stay"):
            run("worker", (PUT_DOWN, [home.pk, "event", subject]), removal)


@pytest.mark.parametrize("alias", ["worker", "owner"])
@pytest.mark.parametrize("change", [DELETE, FORGE])
def test_a_removal_opens_the_record_for_nothing_else(
    home: Organization, leaving: Event, alias: str, change: str
) -> None:
    removal = (REMOVE, [[leaving.pk], RECLASSIFIED, announced(home)])
    other = an_event(home)
    assert run(alias, removal) == (1,)
    with pytest.raises(InsufficientPrivilege):
        run(alias, removal, (change, [other.pk]))


def test_a_removal_leaves_no_mark_behind_and_clears_older_ones(
    home: Organization, leaving: Event
) -> None:
    older = ("INSERT INTO event_removal VALUES (gen_random_uuid(), '3')", list[Any]())
    removal = (REMOVE, [[leaving.pk], RECLASSIFIED, announced(home)])
    marks = ("SELECT count(*) FROM event_removal", list[Any]())
    assert run("owner", older, marks) == (1,)
    assert run("owner", older, removal, marks) == (0,)


def test_a_mark_of_another_transaction_lets_nothing_pass(leaving: Event) -> None:
    mark = ("INSERT INTO event_removal VALUES (%s, '3')", [leaving.pk])
    with pytest.raises(InsufficientPrivilege, match="append-only"):
        run("owner", mark, (DELETE, [leaving.pk]))


@pytest.mark.parametrize("change", [FORGE, "TRUNCATE event"])
def test_a_mark_lets_no_other_change_pass(leaving: Event, change: str) -> None:
    mark = ("INSERT INTO event_removal VALUES (%s, pg_current_xact_id())", [leaving.pk])
    with pytest.raises(InsufficientPrivilege, match="append-only"):
        run("owner", mark, (change, [leaving.pk] if "%s" in change else []))


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("alias", ["default", "worker", "vault"])
def test_no_login_marks_an_event_or_sees_a_mark(alias: str) -> None:
    for statement in (
        "INSERT INTO event_removal VALUES (gen_random_uuid(), pg_current_xact_id())",
        "SELECT FROM event_removal",
        "DELETE FROM event_removal",
    ):
        with pytest.raises(InsufficientPrivilege):
            run(alias, (statement, []))


@pytest.mark.usefixtures("committed")
def test_a_door_cannot_read_what_has_been_put_down() -> None:
    for alias in ("default", "vault"):
        with pytest.raises(InsufficientPrivilege):
            run(alias, ("SELECT FROM logs_reclassification", []))
