"""Backups on the tests' own server: whole or not there, kept apart, and proven by a restore."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from django.db import connections
from pytest_django import Settings

from monitoring import backups
from monitoring.health_checks.models import HealthCheckResult
from orgo_audit.errors import Conflict, Unavailable
from tests import environment
from tests.builders import an_event, an_organization
from tests.commands import refused, run

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
NAME = "orgo-2026-11-28T030000Z"


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    """As a shell's; a dump narrows that of its process."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def _own_server(as_worker: None, committed: None, settings: Settings, tmp_path: Path) -> None:
    if not environment.is_embedded():
        pytest.skip("drops and makes databases: only on the server that the tests have started")
    settings.ORGO_VAULT_KEYRING = tmp_path / "keyring"
    settings.ORGO_VAULT_KEYRING.write_text('{"epoch": 1}')


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """The record with one event, and the keys beside it."""
    an_event(an_organization("north"))
    path, _ = backups.dump_record(tmp_path / "record", NOW)
    return path


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    backups.dump_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def portals_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Another one than the tests', empty: whatever is restored lands here."""
    name = "orgo_restore_target"
    with closing(backups._connect_as_administrator()) as administrator:
        backups._drop(administrator, name)
        backups._create(administrator, name)
        with monkeypatch.context() as patch:
            patch.setitem(connections["owner"].settings_dict, "NAME", name)
            yield name
        backups._drop(administrator, name)


def databases() -> set[str]:
    with closing(backups._connect_as_administrator()) as administrator:
        return {name for (name,) in administrator.execute("SELECT datname FROM pg_database")}


def count(statement: str) -> int:
    with closing(backups._connect()) as owner:
        return int(backups._one(owner, statement))


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


# --- dumping ------------------------------------------------------------------------------------


def test_the_record_and_its_manifest_are_private_and_hold_no_key(dump: Path) -> None:
    assert modes(dump.parent) == {f"{NAME}.dump": 0o600, f"{NAME}.json": 0o600}
    assert stat.S_IMODE(dump.parent.stat().st_mode) == 0o700
    listed = backups._run("pg_restore", "-l", str(dump))
    assert "public event" in listed
    assert " keys " not in listed
    manifest = backups.Manifest.beside(dump)
    assert manifest.tables["public.accounts_organization"] == 1
    assert not any(name.startswith("keys.") for name in manifest.tables)


def test_the_keys_come_with_the_keyring_and_replace_the_copy_before(
    keys: Path, settings: Settings
) -> None:
    names = {backups.KEYS_DUMP, backups.KEYRING, backups.ERASURES}
    assert modes(keys) == dict.fromkeys(names, 0o600)
    assert "public" not in backups._run("pg_restore", "-l", str(keys / backups.KEYS_DUMP))
    settings.ORGO_VAULT_KEYRING.write_text('{"epoch": 2}')
    backups.dump_keys(keys)
    assert (keys / backups.KEYRING).read_text() == '{"epoch": 2}'
    assert modes(keys) == dict.fromkeys(names, 0o600)


def test_a_dump_is_never_written_over(dump: Path) -> None:
    before = dump.read_bytes()
    with pytest.raises(Conflict):
        backups.dump_record(dump.parent, NOW)
    assert dump.read_bytes() == before


def test_a_dump_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> dict[str, int]:
        raise psycopg.OperationalError("the server is gone, and ann@example.org with it")

    monkeypatch.setattr(backups, "_counted", breaks)
    with pytest.raises(Unavailable) as caught:
        backups.dump_record(tmp_path / "record", NOW)
    assert "ann@" not in str(caught.value)
    assert list((tmp_path / "record").iterdir()) == []


def test_keys_that_fail_leave_the_copy_before(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {file.name: file.read_bytes() for file in keys.iterdir()}
    monkeypatch.setattr(backups, "_ERASURES", "COPY nothing_of_the_kind TO STDOUT")
    with pytest.raises(Unavailable):
        backups.dump_keys(keys)
    assert {file.name: file.read_bytes() for file in keys.iterdir()} == before


def test_a_server_that_is_away_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(connections["owner"].settings_dict, "HOST", str(tmp_path))
        said = refused("backup", str(tmp_path / "record"))
    assert said.startswith("PostgreSQL refused")


def test_what_the_url_says_of_tls_holds_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"sslmode": "verify-full", "connect_timeout": 3, "isolation_level": 2}
    with monkeypatch.context() as patch:
        patch.setitem(connections["owner"].settings_dict, "OPTIONS", options)
        told = psycopg.conninfo.conninfo_to_dict(backups._conninfo())
    assert (told["sslmode"], told["connect_timeout"]) == ("verify-full", "3")
    assert "password" not in told


# --- the drill ----------------------------------------------------------------------------------


def test_a_good_dump_passes_its_drill_and_leaves_nothing(dump: Path) -> None:
    before = databases()
    out = run("restore", str(dump), "--drill")
    assert out.startswith("ok\t")
    assert databases() == before
    assert len(list(dump.parent.iterdir())) == 2
    (result,) = HealthCheckResult.objects.using("owner").filter(name="restore_drill")
    assert (result.state, result.facts["rows"]) == ("ok", backups.Manifest.beside(dump).rows)
    assert result.asked_by.startswith("system:")


def rewrite(dump: Path, **tables: int) -> None:
    manifest = dump.with_suffix(".json")
    told = json.loads(manifest.read_text())
    told["tables"] |= tables
    manifest.write_text(json.dumps(told))


@pytest.mark.parametrize("table", ["public.accounts_organization", "public.gone"])
def test_a_manifest_that_lies_fails_the_drill(dump: Path, table: str) -> None:
    rewrite(dump, **{table: 7})
    before = databases()
    assert refused("restore", str(dump), "--drill").endswith(f"after the restore: {table}")
    assert databases() == before
    (result,) = HealthCheckResult.objects.using("owner").all()
    assert (result.state, result.detail) == ("failed", "the drill failed")


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "{}", '{"made_at": "x", "tables": []}', '{"made_at": 1, "tables": {}}']
    + ['{"made_at": "x", "tables": {"a": "many"}}', "\0"],
)
def test_a_manifest_of_another_shape_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(Unavailable, match="expected the manifest"):
        backups.Manifest.beside(tmp_path / "x.dump")


def test_a_missing_manifest_is_refused(dump: Path) -> None:
    dump.with_suffix(".json").unlink()
    assert "expected the manifest that `backup` wrote" in refused("restore", str(dump), "--drill")


@pytest.mark.parametrize("kept_share", [0.0, 0.01, 0.5, 0.98])
def test_a_truncated_dump_fails_the_drill(dump: Path, kept_share: float) -> None:
    before, content = databases(), dump.read_bytes()
    dump.write_bytes(content[: int(len(content) * kept_share)])
    assert refused("restore", str(dump), "--drill").startswith("pg_restore failed: ")
    assert databases() == before


def test_what_a_killed_drill_left_goes_first(dump: Path) -> None:
    left, in_use = f"{backups.DRILL_PREFIX}1", f"{backups.DRILL_PREFIX}2"
    with closing(backups._connect()) as owner:
        for name in (left, in_use):
            backups._create(owner, name)
        with closing(backups._connect(in_use)):
            backups.drill(dump)
            assert databases() & {left, in_use} == {in_use}, "another drill may be running"
        backups._drop(owner, in_use)


# --- restoring ----------------------------------------------------------------------------------


def test_record_and_keys_come_back(dump: Path, keys: Path, portals_database: str) -> None:
    before = databases()
    assert run("restore", str(dump), "--keys", str(keys)).startswith("restored; ")
    assert databases() == before
    assert count("SELECT count(*) FROM event") == 1
    assert count("SELECT count(*) FROM pg_namespace WHERE nspname = 'keys'") == 1


def fill(database: str) -> None:
    with closing(backups._connect(database)) as owner:
        owner.execute("CREATE TABLE kept (number int)")
        owner.execute("INSERT INTO kept VALUES (1)")


def test_a_filled_database_is_replaced_only_when_asked(
    dump: Path, keys: Path, portals_database: str
) -> None:
    fill(portals_database)
    words = ("restore", str(dump), "--keys", str(keys))
    assert "--replace drops what is in it" in refused(*words)
    assert count("SELECT count(*) FROM kept") == 1
    run(*words, "--replace")
    assert count("SELECT count(*) FROM event") == 1
    assert count("SELECT count(*) FROM pg_class WHERE relname = 'kept'") == 0


@pytest.mark.parametrize("broken", ["record", "keys"])
def test_a_broken_backup_replaces_nothing(
    dump: Path, keys: Path, portals_database: str, broken: str
) -> None:
    fill(portals_database)
    before = databases()
    file = dump if broken == "record" else keys / backups.KEYS_DUMP
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 9 // 10])
    words = ("restore", str(dump), "--keys", str(keys), "--replace")
    assert refused(*words).startswith("pg_restore failed: ")
    assert count("SELECT count(*) FROM kept") == 1
    assert databases() == before


def test_a_row_that_cannot_be_restored_is_not_repeated(
    tmp_path: Path, portals_database: str
) -> None:
    with closing(backups._connect()) as owner:
        owner.execute("CREATE TABLE person (name text)")
        owner.execute("INSERT INTO person VALUES ('ann'), ('ann')")
        path, _ = backups.dump_record(tmp_path / "record", NOW)
        owner.execute("DROP TABLE person")
        owner.execute("CREATE TABLE person (name text PRIMARY KEY)")
        with pytest.raises(Unavailable) as caught:
            backups._run("pg_restore", "-a", "-d", backups._conninfo(), str(path))
    assert "person" in str(caught.value)
    assert "ann" not in str(caught.value)


# --- the doors ----------------------------------------------------------------------------------


def test_keys_and_record_belong_apart(tmp_path: Path) -> None:
    said = refused("backup", str(tmp_path), "--keys", str(tmp_path / "." / "x" / ".."))
    assert said.startswith("keys and record belong apart")


def test_backup_prints_where_what_is(tmp_path: Path) -> None:
    record, keys = run("backup", str(tmp_path / "r"), "--keys", str(tmp_path / "k")).splitlines()
    (dump,) = (tmp_path / "r").glob("*.dump")
    assert record.startswith(f"{dump}\t")
    assert keys == f"{tmp_path / 'k' / backups.KEYS_DUMP}\tthe newest keys"


def test_restore_says_what_is_missing(dump: Path, tmp_path: Path) -> None:
    assert refused("restore", str(tmp_path / "no.dump"), "--drill").endswith("no such file")
    assert refused("restore", str(dump)) == "expected --keys KEYS, or --drill"
    assert "is missing" in refused("restore", str(dump), "--keys", str(tmp_path))
