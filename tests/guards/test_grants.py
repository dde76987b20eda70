"""The rights in the database are those of the one table, for every table there is."""

from __future__ import annotations

import re

import pytest
from django.db import connection, connections

from orgo_audit import grants
from tests.database import VAULT_ROLE

pytestmark = pytest.mark.django_db

RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def rows(statement: str, *parameters: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def tables() -> set[str]:
    """All tables of ours; a segment has no rights of its own and is looked at below."""
    return {
        name
        for (name,) in rows(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')"
            " AND relnamespace = 'public'::regnamespace AND NOT relispartition"
        )
    }


def parsed(rights: str) -> set[str]:
    """`SELECT, UPDATE (a, b)` as single rights: SELECT, UPDATE a, UPDATE b."""
    found = set()
    for right, columns in re.findall(r"([A-Z]+)(?: \(([^)]*)\))?", rights):
        found |= {f"{right} {name.strip()}" for name in columns.split(",")} if columns else {right}
    return found


def oid_of(table: str) -> str:
    """By the catalogue: naming a table takes a right to its schema."""
    schema, _, name = table.rpartition(".")
    found = rows(
        "SELECT c.oid::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s",
        schema or "public",
        name,
    )
    return found[0][0]


def columns_of(table: str) -> set[str]:
    found = rows(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = %s::oid AND attnum > 0 AND NOT attisdropped",
        oid_of(table),
    )
    return {name for (name,) in found}


def held(role: str, table: str) -> set[str]:
    oid = oid_of(table)
    whole = {
        right
        for right in RIGHTS
        if rows("SELECT has_table_privilege(%s, %s::oid, %s)::text", role, oid, right)
        == [("true",)]
    }
    by_column = rows(  # information_schema shows a login its own ones only
        "SELECT privilege_type, attname FROM pg_attribute, aclexplode(attacl)"
        " WHERE attrelid = %s::oid"
        " AND CASE WHEN grantee = 0 THEN 'public' ELSE pg_get_userbyid(grantee) END = %s",
        oid,
        role,
    )
    return whole | {f"{right} {name}" for right, name in by_column if right not in whole}


def test_every_table_of_the_database_is_in_the_list() -> None:
    assert tables() == set(grants.TABLES)


def test_each_login_holds_exactly_what_the_list_says() -> None:
    expected, actual = {}, {}
    for table, rights in grants.TABLES.items():
        for role, right in zip(grants.ROLES, rights, strict=True):
            expected[role, table] = parsed(right)
            actual[role, table] = held(role, table)
    assert actual == expected


def test_no_segment_gives_a_right_of_its_own() -> None:
    segments = [
        name for (name,) in rows("SELECT relid::regclass::text FROM pg_partition_tree('event')")
    ]
    assert len(segments) > 3
    for role in grants.ROLES:
        for segment in segments:
            if segment != "event":
                assert held(role, segment) == set()


def test_the_public_has_no_right_to_any_table() -> None:
    assert [table for table in tables() if held("public", table)] == []


@pytest.mark.parametrize("role", grants.ROLES)
def test_nobody_changes_or_removes_an_event(role: str) -> None:
    assert held(role, "event") <= {"SELECT", "INSERT"}


def test_only_the_vault_reads_its_inbox() -> None:
    readers = {role for role in grants.ROLES if "SELECT" in held(role, "logs_sealeditem")}
    assert readers == {"orgo_vault"}


def test_the_functions_that_may_be_called_are_those_of_the_list() -> None:
    callable_ones = {
        (name, role)
        for role in grants.ROLES
        for (name,) in rows(
            "SELECT p.oid::regprocedure::text FROM pg_proc p"
            " WHERE pronamespace = 'public'::regnamespace AND prosecdef"
            " AND has_function_privilege(%s, p.oid, 'EXECUTE')",
            role,
        )
    }
    listed = {
        (name.replace(", ", ","), role)
        for name, roles in grants.FUNCTIONS.items()
        for role in roles
    }
    assert callable_ones == listed


def test_every_function_that_acts_for_the_owner_fixes_its_search_path() -> None:
    loose = rows(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        " AND NOT coalesce(proconfig::text, '') LIKE '%%search_path=pg_catalog, pg_temp%%'"
    )
    assert loose == []


def test_nobody_makes_temporary_tables() -> None:
    for role in (*grants.ROLES, "public"):
        told = rows(
            "SELECT has_database_privilege(%s, current_database(), 'TEMPORARY')::text", role
        )
        assert told == [("false",)]


def test_no_login_is_a_member_of_another() -> None:
    owner = str(connections["owner"].settings_dict["USER"])
    pairs = [(one, other) for one in grants.ROLES for other in (*grants.ROLES, owner)]
    for one, other in pairs:
        if one != other:
            assert rows("SELECT pg_has_role(%s, %s, 'USAGE')::text", one, other) == [("false",)]


# --- the restricted world -------------------------------------------------------------------------

EVERYBODY = (*grants.ROLES, grants.HR)


def restricted_tables() -> set[str]:
    return {
        name
        for (name,) in rows(
            "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"
            " AND n.nspname = ANY (string_to_array(%s, ','))",
            ",".join(grants.SCHEMAS),
        )
    }


def test_every_schema_and_every_table_of_the_restricted_world_is_in_the_list() -> None:
    schemas = rows(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'public'"
        " AND nspname <> 'information_schema'"
    )
    assert {name for (name,) in schemas} == set(grants.SCHEMAS)
    assert restricted_tables() == set(grants.RESTRICTED)


def test_each_role_holds_exactly_what_the_list_says_of_the_restricted_world() -> None:
    listed = dict.fromkeys((grants.HR, "orgo_worker", "orgo_vault"))
    expected, actual = {}, {}
    for table, rights in grants.RESTRICTED.items():
        given = dict(zip(listed, rights, strict=True))
        for role in EVERYBODY:
            expected[role, table] = parsed(given.get(role, ""))
            actual[role, table] = held(role, table)
        if "SELECT" in expected[grants.HR, table]:
            expected[grants.HR, table] -= {"SELECT"}
            expected[grants.HR, table] |= {f"SELECT {name}" for name in columns_of(table)}
    assert actual == expected


def test_hrs_role_cannot_learn_in_which_transaction_a_report_came() -> None:
    for table in grants.RESTRICTED:
        for column in ("xmin", "ctid"):
            asked = "SELECT has_column_privilege(%s, %s::oid, %s, 'SELECT')::text"
            assert rows(asked, grants.HR, oid_of(table), column) == [("false",)], table


@pytest.mark.parametrize("role", [*EVERYBODY, grants.HR])
def test_nobody_reads_how_far_a_sequence_is(role: str) -> None:
    sequences = rows("SELECT oid::text FROM pg_class WHERE relkind = 'S'")
    assert sequences
    for (oid,) in sequences:
        asked = "SELECT has_sequence_privilege(%s, %s::oid, 'SELECT, USAGE, UPDATE')::text"
        assert rows(asked, role, oid) == [("false",)]


def test_hrs_role_reaches_nothing_of_the_ordinary_world_but_names_and_rights() -> None:
    for table in tables():
        assert held(grants.HR, table) == parsed(grants.BESIDE.get(table, "")), table


def test_the_web_login_may_become_hr_and_is_not_hr() -> None:
    assert rows(
        "SELECT pg_has_role('orgo_web', %s, 'MEMBER')::text,"
        " pg_has_role('orgo_web', %s, 'USAGE')::text",
        grants.HR,
        grants.HR,
    ) == [("true", "false")]


@pytest.mark.parametrize("schema", ["vault", "keys"])
def test_only_the_vault_may_even_look_into_its_schemas(schema: str) -> None:
    users = {
        role
        for role in (*EVERYBODY, "public")
        if rows("SELECT has_schema_privilege(%s, %s, 'USAGE')::text", role, schema) == [("true",)]
    }
    assert users == {"orgo_vault"}


def test_nobody_is_a_member_of_the_vaults_role_but_who_makes_it_and_a_role_of_tests() -> None:
    members = rows(
        "SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member"
        " JOIN pg_roles r ON r.oid = a.roleid WHERE r.rolname = 'orgo_vault' AND NOT m.rolsuper"
        " AND m.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database())"
    )
    assert {name for (name,) in members} <= {VAULT_ROLE}
