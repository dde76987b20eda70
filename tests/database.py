"""The test database: made and emptied by its owner. Must never empty a real one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

OWNER_ALIAS = "owner"
BUILDER_ROLE = "orgo_test_builder"
VAULT_ROLE = "orgo_test_vault"
CERTIFICATES = "logs_destructioncertificate"
DATED_AND_COUNTED = {
    "guard_new_policy_version": "policy_policyversion",
    "guard_closure": "logs_segmentclosure",
}
KEPT_TABLES = ("django_content_type", "auth_permission", "django_migrations")
# A test that leaves a transaction open is told so, and does not hang the run.
WIPE_LOCK_TIMEOUT = "10s"

_SEGMENTS = """
SELECT relid::regclass::text, right(relid::regclass::text, 7)
    BETWEEN to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')
        AND to_char(now() AT TIME ZONE 'UTC' + interval '3 months', 'YYYY_MM')
  FROM pg_partition_tree('event') WHERE isleaf
"""
# `event` empties itself by its segments.
_OWN_TABLES = """
SELECT c.oid::regclass::text FROM pg_class c
WHERE c.relkind = 'r' AND NOT c.relispartition AND pg_get_userbyid(c.relowner) = current_user
  AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
  AND NOT c.relname = ANY (%s)
"""


def create_test_database(suffix: str, verbosity: int) -> str:
    """Make and migrate it as the owner, then point the other logins' aliases at it."""
    owner = connections[OWNER_ALIAS]
    if suffix:
        owner.settings_dict["TEST"]["NAME"] = f"test_{owner.settings_dict['NAME']}_{suffix}"
    real_name: str = owner.settings_dict["NAME"]
    owner.creation.create_test_db(
        verbosity=max(verbosity - 1, 0), autoclobber=True, serialize=False
    )
    _make_test_roles(owner)
    for alias in connections:
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = owner.settings_dict["NAME"]
    return real_name


def _make_test_roles(owner: BaseDatabaseWrapper) -> None:
    """Rights that the web login has in tests alone, after SET ROLE: who sets a scene has the
    worker's, may write certificates and is believed in what the database else dates and counts
    itself, as its owner is. The vault at hand has the vault's.
    """
    options = (
        "WITH INHERIT FALSE, SET TRUE" if owner.connection.info.server_version >= 160000 else ""
    )
    with owner.cursor() as cursor:
        for role, rights in ((BUILDER_ROLE, "orgo_worker"), (VAULT_ROLE, "orgo_vault")):
            cursor.execute(
                f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN;"
                " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            )
            for grant in (f"{rights} TO {role}", f"{role} TO orgo_web {options}"):
                # Several processes make their databases at once, and roles belong to the server.
                cursor.execute(
                    f"DO $$ BEGIN PERFORM pg_advisory_xact_lock(7); GRANT {grant};"
                    " EXCEPTION WHEN unique_violation OR internal_error THEN NULL; END $$"
                )
        cursor.execute(f"GRANT INSERT ON {CERTIFICATES} TO {BUILDER_ROLE}")
        for guard, table in DATED_AND_COUNTED.items():
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER {guard} BEFORE INSERT ON {table} FOR EACH ROW"
                f" WHEN (current_user NOT IN ('{BUILDER_ROLE}', '{owner.settings_dict['USER']}'))"
                f" EXECUTE FUNCTION {guard}()"
            )


def destroy_test_database(real_name: str) -> None:
    """By force: a browser's last request may still hold a connection."""
    connections.close_all()
    owner = connections[OWNER_ALIAS]
    test_name = owner.settings_dict["NAME"]
    owner.settings_dict["NAME"] = real_name
    with owner.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(test_name)))
    owner.close()


_of_login = threading.local()  # a connection belongs to its thread


@contextmanager
def login_of_default(login: str) -> Iterator[None]:
    """The alias `default` logs in as another login, in new threads too; no transaction is open
    at either end. Each login keeps its connection: to make one costs as much as a short test.
    """
    web, other = connections["default"], settings.DATABASES[login]
    before = {key: web.settings_dict[key] for key in ("USER", "PASSWORD")}
    web.settings_dict.update({key: other[key] for key in before})
    kept: BaseDatabaseWrapper | None = getattr(_of_login, login, None)
    connections["default"] = own = kept or type(web)(web.settings_dict, "default")
    if threading.current_thread() is threading.main_thread():
        setattr(_of_login, login, own)
    try:
        yield
    finally:
        connections["default"] = web
        web.settings_dict.update(before)
        if threading.current_thread() is not threading.main_thread():
            own.close()


def wipe() -> None:
    """Empty every table of ours, as the owner. No migration writes a row that is needed."""
    connections.close_all()
    owner = connections[OWNER_ALIAS]
    _wipe_events(owner)
    # All foreign keys wait for the commit, so the order is free; most tables are empty already,
    # and TRUNCATE would make new files of them all.
    with transaction.atomic(using=OWNER_ALIAS), owner.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [WIPE_LOCK_TIMEOUT])
        for table in _filled_tables(owner):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  # PostgreSQL quoted the name


def _filled_tables(owner: BaseDatabaseWrapper) -> list[str]:
    with owner.cursor() as cursor:
        cursor.execute(_OWN_TABLES, [list(KEPT_TABLES)])
        tables = [name for (name,) in cursor.fetchall()]
        asked = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})"  # noqa: S608
            for table in tables
        )
        cursor.execute(asked)
        return [name for (name,) in cursor.fetchall()]


def _wipe_events(owner: BaseDatabaseWrapper) -> None:
    """Drops segments with rows, and old ones; makes the current ones. Nothing else is allowed."""
    with owner.cursor() as cursor:
        cursor.execute(_SEGMENTS)
        for name, is_current in cursor.fetchall():
            segment = sql.Identifier(name)
            cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(segment))
            if not is_current or cursor.fetchone()[0]:
                cursor.execute(sql.SQL("DROP TABLE {}").format(segment))
        cursor.execute(
            "SELECT make_segment(kind, month::date)"
            " FROM unnest(ARRAY['activity', 'security', 'error']) AS kind,"
            " generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),"
            " date_trunc('month', now() AT TIME ZONE 'UTC') + interval '3 months',"
            " interval '1 month') AS month"
        )
