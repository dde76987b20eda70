"""The rights in the database are those of the one table, for every table there is."""

from __future__ import annotations

import re

import pytest
from django.db import connection, connections

from orgo_audit import grants

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


def held(role: str, table: str) -> set[str]:
    whole = {
        right
        for right in RIGHTS
        if rows("SELECT has_table_privilege(%s, %s, %s)::text", role, f"public.{table}", right)
        == [("true",)]
    }
    by_column = rows(  # information_schema shows a login its own ones only
        "SELECT privilege_type, attname FROM pg_attribute, aclexplode(attacl)"
        " WHERE attrelid = %s::regclass"
        " AND CASE WHEN grantee = 0 THEN 'public' ELSE pg_get_userbyid(grantee) END = %s",
        f"public.{table}",
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
