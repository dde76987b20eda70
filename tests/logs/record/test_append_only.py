"""Nobody changes or removes an event: not by role, not by trick, not in a month that came later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import CheckViolation, InsufficientPrivilege

from logs.record import partitions
from orgo_audit.embedded.postgres import Postgres
from orgo_audit.periods import next_month, start_of_month
from tests import environment
from tests.builders import an_event, an_organization

NOW = datetime.now(UTC)
THIS_MONTH = f"event_activity_{NOW:%Y_%m}"
LEVELS = ["event", "event_activity", THIS_MONTH]
LOGINS = ["default", "worker", "owner", "vault"]
OWNER = str(settings.DATABASES["owner"]["USER"])
CHANGES = [
    "UPDATE {} SET action = 'forged'",
    "UPDATE {} SET id = id",
    "UPDATE {} SET log_type = 'error'",
    "DELETE FROM {}",
    "TRUNCATE {}",
    "TRUNCATE {} CASCADE",
    "MERGE INTO {} AS kept USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM {} RETURNING 1) SELECT count(*) FROM gone",
]


@pytest.fixture
def an_event_is_there(committed: None) -> Iterator[None]:
    an_event(an_organization())
    connections["default"].close()
    yield
    for alias in LOGINS:
        connections[alias].close()


@contextmanager
def raw(alias: str) -> Iterator[psycopg.Cursor[Any]]:
    """A cursor of that login, in a transaction that is rolled back."""
    wrapper: BaseDatabaseWrapper = connections[alias]
    wrapper.ensure_connection()
    connection: psycopg.Connection[Any] = wrapper.connection
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        yield cursor


@contextmanager
def superuser() -> Iterator[psycopg.Cursor[Any]]:
    if not environment.is_embedded():
        pytest.skip("this server's superuser is not ours")
    cluster = Postgres(environment.HOME)
    name = connections["owner"].settings_dict["NAME"]
    with cluster.superuser_connection(name) as connection, connection.cursor() as cursor:
        yield cursor


def count(alias: str = "default") -> int:
    with raw(alias) as cursor:
        cursor.execute("SELECT count(*) FROM event WHERE action = 'Task Routed'")
        row = cursor.fetchone()
        assert row
        return int(row[0])


@pytest.mark.usefixtures("an_event_is_there")
def test_every_change_is_refused_to_every_login_on_every_level() -> None:
    for alias in LOGINS:
        for level in LEVELS:
            for change in CHANGES:
                with pytest.raises(InsufficientPrivilege), raw(alias) as cursor:
                    cursor.execute(change.format(level))
    assert count() == 1


@pytest.mark.usefixtures("an_event_is_there")
def test_an_upsert_is_a_change() -> None:
    upsert = (
        "INSERT INTO event SELECT * FROM event ON CONFLICT (id, log_type)"
        " DO UPDATE SET action = 'forged'"
    )
    for alias in ("default", "worker", "owner"):
        with pytest.raises(InsufficientPrivilege), raw(alias) as cursor:
            cursor.execute(upsert)


@pytest.mark.usefixtures("an_event_is_there")
def test_not_even_replication_mode_walks_past() -> None:
    for change in CHANGES:
        for level in LEVELS:
            with superuser() as cursor:
                cursor.execute("SET session_replication_role = replica")
                with pytest.raises(InsufficientPrivilege, match="append-only"):
                    cursor.execute(change.format(level))


@pytest.mark.usefixtures("an_event_is_there")
def test_a_month_that_came_later_is_guarded_like_the_first() -> None:
    later = start_of_month(NOW)
    for _ in range(6):
        later = next_month(later)
    name = f"event_activity_{later:%Y_%m}"
    with raw("default") as cursor:
        cursor.execute("SELECT create_segment('activity', %s)", [later.date()])
        assert cursor.fetchone() == (True,)
        cursor.execute("SELECT create_segment('activity', %s)", [later.date()])
        assert cursor.fetchone() == (False,)
        cursor.execute(
            "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass ORDER BY 1",
            [name],
        )
        assert cursor.fetchall() == [("no_change", "A"), ("no_truncate", "A")]
        cursor.execute("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = %s", [name])
        assert cursor.fetchone() == (OWNER,)
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            cursor.execute("SELECT has_table_privilege(%s, %s)", [name, right])
            assert cursor.fetchone() == (False,)


@pytest.mark.usefixtures("committed")
def test_every_partition_has_both_guards_always_on() -> None:
    with raw("default") as cursor:
        cursor.execute(
            "SELECT relid::regclass::text, array_agg(tgname::text || tgenabled::text"
            " ORDER BY tgname)"
            " FROM pg_partition_tree('event') LEFT JOIN pg_trigger ON tgrelid = relid"
            " GROUP BY 1 HAVING array_agg(tgname::text || tgenabled::text"
            " ORDER BY tgname)"
            " <> ARRAY['no_changeA', 'no_truncateA']"
        )
        assert cursor.fetchall() == []


# --- what the processes are ---------------------------------------------------------------------


NOT_FOR_A_PROCESS = [
    f"SET ROLE {OWNER}",
    f"SET SESSION AUTHORIZATION {OWNER}",
    "SET session_replication_role = replica",
    "CREATE TABLE mine (id int)",
    "CREATE TEMPORARY TABLE event (id int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE ROLE mine",
    "DROP TABLE event",
    f"DROP TABLE {THIS_MONTH}",
    "ALTER TABLE event DISABLE TRIGGER ALL",
    f"ALTER TABLE event_activity DETACH PARTITION {THIS_MONTH}",
    "ALTER TABLE event OWNER TO CURRENT_USER",
    "ALTER FUNCTION refuse_change() RENAME TO refuse_nothing",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN OLD; END'",
    "CREATE TRIGGER mine BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE INDEX mine ON event (action)",
    "SELECT make_segment('activity', '2030-01-01')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "LOCK TABLE event IN ACCESS EXCLUSIVE MODE",
]


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("alias", ["default", "worker", "vault"])
def test_a_process_owns_nothing_and_becomes_nobody_else(alias: str) -> None:
    for statement in NOT_FOR_A_PROCESS:
        try:
            with raw(alias) as cursor:
                cursor.execute(statement)
        except psycopg.Error:
            continue
        pytest.fail(f"{alias} may {statement}")


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("alias", ["default", "worker", "vault"])
def test_a_grant_of_a_right_that_one_has_not_gives_nothing(alias: str) -> None:
    with raw(alias) as cursor:
        try:
            cursor.execute("GRANT DELETE, UPDATE, TRUNCATE ON event TO CURRENT_USER")
        except InsufficientPrivilege:
            return
        cursor.execute("SELECT has_table_privilege('event', 'DELETE, UPDATE, TRUNCATE')")
        assert cursor.fetchone() == (False,)


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("alias", ["default", "worker", "vault"])
def test_a_login_owns_no_object_and_has_no_attribute(alias: str) -> None:
    with raw(alias) as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT count(*) FROM pg_proc WHERE proowner = current_user::regrole")
        assert cursor.fetchone() == (0,)
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
            " FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False,) * 5


@pytest.mark.usefixtures("committed")
def test_only_whole_months_that_are_near_can_be_made() -> None:
    for month, why in (
        ("2019-01-01", "is not near"),
        ("2999-01-01", "is not near"),
        (f"{NOW:%Y-%m}-02", "not the first day"),
    ):
        with pytest.raises(psycopg.Error, match=why), raw("default") as cursor:
            cursor.execute("SELECT create_segment('activity', %s)", [month])


@pytest.mark.usefixtures("committed")
def test_only_the_three_logs_have_segments() -> None:
    for kind in ("alert", "", "activity; DROP TABLE event", 'a"b', None):
        with pytest.raises(psycopg.Error), raw("default") as cursor:
            cursor.execute("SELECT create_segment(%s, %s)", [kind, start_of_month(NOW).date()])


@pytest.mark.usefixtures("an_event_is_there")
def test_an_id_must_tell_the_time_at_which_it_was_recorded() -> None:
    copied = (
        "INSERT INTO event (id, log_type, organization_id, recorded_at, occurred_at, source,"
        " action, code, outcome, details) SELECT gen_random_uuid(), log_type, organization_id,"
        " recorded_at - interval '{}', occurred_at, source, action, code, outcome, details"
        " FROM event LIMIT 1"
    )
    with pytest.raises(CheckViolation), raw("default") as cursor:
        cursor.execute(copied.format("0"))
    moved = copied.replace("gen_random_uuid()", "id")
    with pytest.raises(CheckViolation), raw("default") as cursor:
        cursor.execute(moved.format("2 minutes"))


# --- segments -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_coming_months_are_there_and_making_them_again_makes_none() -> None:
    assert partitions.missing_segments(NOW) == []
    assert partitions.make_segments(NOW) == []
    names = partitions.existing_segments()
    assert f"security-{NOW:%Y-%m}" in names
    assert len(names) == 12


@pytest.mark.django_db
def test_what_is_missing_is_named_and_made() -> None:
    later = NOW
    for _ in range(4):
        later = next_month(later)
    missing = partitions.missing_segments(later)
    assert missing == [
        f"{kind}-{month:%Y-%m}"
        for month in (later, next_month(later))
        for kind in ("activity", "security", "error")
    ]
    assert set(missing) < set(partitions.make_segments(later))
    assert partitions.missing_segments(later) == []
