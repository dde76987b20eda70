"""Makes the database logins. The owner is no superuser, and never a running process's login."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import psycopg
from psycopg import errors, sql

from orgo_audit import logins
from orgo_audit.embedded import paths
from orgo_audit.errors import Unavailable

CONNECT_SECONDS = 10
RACE_TRIES = 5
# PostgreSQL 15 knows inheritance only per role: the portal must say SET ROLE to see a case.
WITHOUT_INHERITANCE = frozenset({logins.WEB})


def ensure_owner(superuser: psycopg.Connection, password: str) -> None:
    """The owner's login and its database, on a server where we are the superuser."""
    name = logins.role_name(logins.OWNER)
    _make_role(superuser, name)
    _set_role(superuser, name, sql.SQL("LOGIN CREATEROLE CREATEDB"), password)
    known = superuser.execute(
        "SELECT 1 FROM pg_database WHERE datname = %s", [paths.DATABASE_NAME]
    ).fetchone()
    if not known:
        statement = sql.SQL("CREATE DATABASE {} OWNER {}")
        superuser.execute(
            statement.format(sql.Identifier(paths.DATABASE_NAME), sql.Identifier(name))
        )


def let_owner_verify_indexes(superuser: psycopg.Connection) -> None:
    """amcheck in the portal's database, for the owner to hand on (`grants.py`)."""
    owner = sql.Identifier(logins.role_name(logins.OWNER))
    superuser.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
    superuser.execute(
        sql.SQL(
            "GRANT EXECUTE ON FUNCTION bt_index_check(regclass) TO {} WITH GRANT OPTION"
        ).format(owner)
    )


def ensure_logins(owner_url: str, passwords: Mapping[str, str]) -> None:
    """Make or update the logins (`web`, `worker`, ...) through the owner's connection.

    Refuses, with what the server's administrator has to grant, where the owner may not do so.
    """
    with _owner_connection(owner_url) as owner:
        for login, password in passwords.items():
            _ensure_login(owner, login, password)


def _ensure_login(owner: psycopg.Connection, login: str, password: str) -> None:
    name = logins.role_name(login)
    attributes = "LOGIN NOINHERIT" if login in WITHOUT_INHERITANCE else "LOGIN"
    with _explained(owner, name):
        _make_role(owner, name)
        _set_role(owner, name, sql.SQL(attributes), password)
        _let_owner_become(owner, name)


def _make_role(connection: psycopg.Connection, name: str) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        return
    # Another start may be faster.
    with suppress(errors.DuplicateObject, errors.UniqueViolation):
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))


def _set_role(
    connection: psycopg.Connection, name: str, attributes: sql.SQL, password: str
) -> None:
    # The server gets the verifier, so that the password can never stand in its log.
    verifier = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    ).decode()
    statement = sql.SQL("ALTER ROLE {} {} PASSWORD {}").format(
        sql.Identifier(name), attributes, sql.Literal(verifier)
    )
    _despite_races(connection, statement)


def _let_owner_become(owner: psycopg.Connection, name: str) -> None:
    """The owner may SET ROLE to the login; it inherits nothing where the server can tell apart."""
    if owner.info.server_version >= 160000:
        options = sql.SQL("WITH INHERIT FALSE, SET TRUE")
    elif owner.execute("SELECT pg_has_role(%s, 'MEMBER')", [name]).fetchone() == (True,):
        return
    else:
        options = sql.SQL("")
    _despite_races(
        owner, sql.SQL("GRANT {} TO CURRENT_USER {}").format(sql.Identifier(name), options)
    )


def _despite_races(connection: psycopg.Connection, statement: sql.Composed) -> None:
    """Two starts that change one role at once: the server refuses one with an internal error."""
    for tries_left in reversed(range(RACE_TRIES)):
        try:
            connection.execute(statement)
        except (errors.InternalError_, errors.UniqueViolation):
            if not tries_left:
                raise
            time.sleep(0.1)
        else:
            return


@contextmanager
def _owner_connection(url: str) -> Iterator[psycopg.Connection]:
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS)
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database's owner cannot log in: {error}") from error
    with connection:
        yield connection


@contextmanager
def _explained(owner: psycopg.Connection, name: str) -> Iterator[None]:
    try:
        yield
    except errors.InsufficientPrivilege as error:
        user = owner.info.user
        raise Unavailable(
            f"{user} may not manage the login {name}: {error.diag.message_primary}. Let the"
            f" server's administrator run `ALTER ROLE {user} CREATEROLE;` and, if {name} exists,"
            f" `GRANT {name} TO {user} WITH ADMIN OPTION;`."
        ) from error
