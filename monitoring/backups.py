"""Dumps the record and the keys apart, restores them, and proves that a dump can be restored.

With the owner's login and PostgreSQL's own tools. No running process can do any of it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

import msgspec
import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql
from psycopg.conninfo import make_conninfo

from logs.interface import format_instant
from orgo_audit.embedded import paths
from orgo_audit.embedded.postgres import SUPERUSER
from orgo_audit.embedded.postgres_binaries import find_binaries
from orgo_audit.errors import Conflict, Unavailable

KEYS_SCHEMA = "keys"
KEYS_DUMP, KEYRING, ERASURES = "keys.dump", "keys.json", "keys.erasures"
DRILL_PREFIX = "orgo_drill_"
RESTORED_SUFFIX, REPLACED_SUFFIX = "_restored", "_replaced"
# An extension that is no trusted one is the administrator's to make, not the owner's to restore.
_NOT_OURS = (" EXTENSION ", "bt_index_check")
_ON_A_ROW = ("DETAIL:", "CONTEXT:")
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND pg_get_userbyid(c.relowner) = current_user AND n.nspname <> %s
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""
_ERASURES = """
COPY (SELECT id, organization_id, asked_at FROM hr.approval_request
  WHERE act = 'erase' AND state = 'done' ORDER BY asked_at) TO STDOUT
"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dump of the record holds: rows by table, counted in the very snapshot it was made of.

    The keys are not in it, nor are the files that `docs/operations.md` names.
    """

    made_at: str
    tables: dict[str, int]

    @property
    def rows(self) -> int:
        return sum(self.tables.values())

    @classmethod
    def beside(cls, dump: Path) -> Manifest:
        """Unavailable where the dump has none: it was made by other means."""
        try:
            return msgspec.json.decode(_manifest_of(dump).read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise Unavailable(
                f"{_manifest_of(dump)} cannot be read: expected the manifest that `backup` wrote"
            ) from error


def _manifest_of(dump: Path) -> Path:
    return dump.with_suffix(".json")


@contextmanager
def _told_simply() -> Iterator[None]:
    """Unavailable where PostgreSQL refuses; what it says may repeat a row."""
    try:
        yield
    except psycopg.Error as error:
        why = error.sqlstate or type(error).__name__
        raise Unavailable(
            f"PostgreSQL refused ({why}): expected a server that runs, and its owner's login"
        ) from error


# --- dumping ------------------------------------------------------------------------------------


@_told_simply()
def dump_record(folder: Path, now: datetime) -> tuple[Path, Manifest]:
    """Everything but the keys, as one new file with its manifest; whole or not there at all."""
    target = _private(folder) / f"orgo-{now:%Y-%m-%dT%H%M%SZ}.dump"
    if target.exists():
        raise Conflict(f"{target} is there already")
    with (
        _halves(target) as (half,),
        closing(_connect()) as owner,
        owner.transaction(),
    ):
        owner.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot = _one(owner, "SELECT pg_export_snapshot()")
        _dump(half, "-N", KEYS_SCHEMA, f"--snapshot={snapshot}")
        manifest = Manifest(format_instant(now), _counted(owner))
        _manifest_of(target).write_text(json.dumps(asdict(manifest), indent=1))
    return target, manifest


@_told_simply()
def dump_keys(folder: Path) -> None:
    """The keys, the keyring and the list of erasures, of one moment; the copy before is replaced.

    An older copy of the keys would bring back who was erased since.
    """
    _private(folder)
    keyring = settings.ORGO_VAULT_KEYRING
    targets = (folder / name for name in (KEYRING, KEYS_DUMP, ERASURES))
    with _halves(*targets) as (kept_keyring, kept_keys, erasures):
        while True:
            before = keyring.read_bytes() if keyring.exists() else b""
            _dump(kept_keys, "-n", KEYS_SCHEMA)
            if before == (keyring.read_bytes() if keyring.exists() else b""):
                break  # else an epoch has just ended, and the two would not belong together
        kept_keyring.write_bytes(before)
        with (
            closing(_connect()) as owner,
            erasures.open("wb") as file,
            owner.cursor().copy(_ERASURES) as copy,
        ):
            for block in copy:
                file.write(block)


@contextmanager
def _halves(*targets: Path) -> Iterator[list[Path]]:
    """Files that take the names of the targets once all are written; else none of them stays."""
    halves = [target.with_name(f"{target.name}.half") for target in targets]
    try:
        yield halves
        for half, target in zip(halves, targets, strict=True):
            half.replace(target)
    finally:
        for half in halves:
            half.unlink(missing_ok=True)


def _private(folder: Path) -> Path:
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _counted(connection: psycopg.Connection) -> dict[str, int]:
    tables = connection.execute(_TABLES, [KEYS_SCHEMA]).fetchall()
    count = sql.SQL("SELECT count(*) FROM {}")
    return {
        f"{schema}.{table}": int(_one(connection, count.format(sql.Identifier(schema, table))))
        for schema, table in tables
    }


# --- restoring ----------------------------------------------------------------------------------


@_told_simply()
def drill(dump: Path) -> Manifest:
    """Restores into a database of its own, compares each table's rows, and drops it again.

    Unavailable where something is missing or different.
    """
    expected = Manifest.beside(dump)
    with _scratch_database() as name:
        _restore(dump, name)
        with closing(_connect(name)) as owner:
            found = _counted(owner)
    wrong = [
        name for name in expected.tables | found if expected.tables.get(name) != found.get(name)
    ]
    if wrong:
        raise Unavailable(f"not the same rows after the restore: {', '.join(sorted(wrong)[:10])}")
    return expected


@_told_simply()
def restore(dump: Path, keys: Path, *, replace: bool) -> None:
    """The record, then the keys, in place of what the portal's database holds.

    What it holds goes only once both are restored beside it.
    """
    name = str(_owner()["NAME"])
    if not (keys / KEYS_DUMP).is_file():
        raise Unavailable(f"{keys / KEYS_DUMP} is missing: expected the folder of `backup --keys`")
    with closing(_connect()) as owner:
        is_filled = bool(owner.execute(_TABLES, [KEYS_SCHEMA]).fetchone())
    if is_filled and not replace:
        raise Conflict(f"the database {name} is not empty: --replace drops what is in it")
    new = f"{name}{RESTORED_SUFFIX}"
    with closing(_connect_as_administrator()) as administrator:
        _drop(administrator, new)
        _create(administrator, new)
        try:
            _restore(dump, new)
            _restore(keys / KEYS_DUMP, new)
        except Unavailable:
            _drop(administrator, new)
            raise
        _swap(administrator, name, new)


def _swap(administrator: psycopg.Connection, name: str, new: str) -> None:
    """The old one goes last: whatever fails before, it stands again under its own name."""
    old = f"{name}{REPLACED_SUFFIX}"
    _drop(administrator, old)
    _shut(administrator, name)
    _rename(administrator, name, old)
    try:
        _shut(administrator, new)
        _rename(administrator, new, name)
    except psycopg.Error:
        _rename(administrator, old, name)
        raise
    finally:
        _open(administrator, name)
    _drop(administrator, old)


def _restore(dump: Path, database: str) -> None:
    listed = _run("pg_restore", "-l", str(dump)).splitlines()
    ours = [line for line in listed if not any(sign in line for sign in _NOT_OURS)]
    with tempfile.NamedTemporaryFile("w", prefix="orgo-restore-") as contents:
        contents.write("\n".join(ours))
        contents.flush()
        _run("pg_restore", "-1", "-L", contents.name, "-d", _conninfo(database), str(dump))


@contextmanager
def _scratch_database() -> Iterator[str]:
    """What an earlier drill left behind, because it was killed, goes first."""
    name = f"{DRILL_PREFIX}{os.getpid()}"
    with closing(_connect()) as owner:
        left = owner.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
            " AND NOT EXISTS (SELECT FROM pg_stat_activity AS used WHERE used.datname ="
            " pg_database.datname)",
            [DRILL_PREFIX],
        ).fetchall()
        for (old,) in left:
            _drop_scratch(owner, old)
        _create(owner, name)
        try:
            yield name
        finally:
            _drop_scratch(owner, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def _drop_scratch(owner: psycopg.Connection, name: str) -> None:
    """Without force: the owner may not end an autovacuum in it, and the server does that itself."""
    owner.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _shut(connection: psycopg.Connection, name: str) -> None:
    """Nobody comes in any more, and whoever is in has to leave: else it cannot be renamed."""
    connection.execute(
        sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false").format(sql.Identifier(name))
    )
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = %s AND backend_type = 'client backend'",
        [name],
    )


def _open(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true").format(sql.Identifier(name))
    )


def _rename(connection: psycopg.Connection, old: str, new: str) -> None:
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def _create(connection: psycopg.Connection, name: str) -> None:
    owner = sql.Identifier(str(_owner()["USER"]))
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
            sql.Identifier(name), owner
        )
    )


# --- the owner and the tools --------------------------------------------------------------------


def _owner() -> Mapping[str, object]:
    return connections["owner"].settings_dict


def _connect(database: str = "") -> psycopg.Connection:
    password = str(_owner()["PASSWORD"]) or None
    return psycopg.connect(_conninfo(database), password=password, autocommit=True)


def _conninfo(database: str = "") -> str:
    """All but the password, which no list of processes may show; with what the URL says of TLS."""
    owner = _owner()
    options = cast("Mapping[str, object]", owner["OPTIONS"])
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    told = {name: value for name, value in options.items() if name in known}
    told |= {"host": owner["HOST"], "port": owner["PORT"], "user": owner["USER"]}
    told["dbname"] = database or owner["NAME"]
    return make_conninfo("", **{name: str(value) for name, value in told.items() if value})


def _connect_as_administrator() -> psycopg.Connection:
    """Who may drop a database that others use: on our own server its superuser."""
    owner = _owner()
    if not settings.EMBEDDED_DATABASE:
        return _connect("postgres")
    return psycopg.connect(
        host=str(owner["HOST"]),
        user=SUPERUSER,
        password=paths.read_secret(settings.ORGO_HOME, SUPERUSER),
        dbname="postgres",
        autocommit=True,
    )


def _run(tool: str, *words: str) -> str:
    """What the tool said. Unavailable, with its own words but for those on a row, if it failed."""
    try:
        done = subprocess.run(  # noqa: S603
            [_tool(tool), *words], env=_environment(), capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Unavailable(f"{tool} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        own = [line for line in done.stderr.splitlines() if not line.startswith(_ON_A_ROW)]
        raise Unavailable(f"{tool} failed: {'; '.join(own)[-500:]}")
    return done.stdout


def _dump(file: Path, *words: str) -> None:
    _run("pg_dump", "-Fc", *words, "-f", str(file), "-d", _conninfo())


def _tool(name: str) -> str:
    """Of a server of one's own the tools that are installed beside it: newer ones may write what
    it does not read.
    """
    installed = None if settings.EMBEDDED_DATABASE else shutil.which(name)
    return installed or str(find_binaries() / name)


def _environment() -> dict[str, str]:
    password = str(_owner()["PASSWORD"])
    return os.environ | ({"PGPASSWORD": password} if password else {})


def _one(connection: psycopg.Connection, statement: str | sql.Composed) -> str:
    row = connection.execute(statement).fetchone()
    return str(row[0]) if row else ""
