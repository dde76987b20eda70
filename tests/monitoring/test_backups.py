"""A backup is whole or not there, restores to the row, and lets nobody else read it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from monitoring import backups
from monitoring.health_checks.models import HealthCheckResult
from orgo_audit.errors import Conflict, Unavailable
from tests.builders import an_organization, stored, wire_event

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("as_worker", "committed", "umask")]


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    stored(an_organization("north"), *[wire_event(task_id=f"{n}") for n in range(20)])
    path, _ = backups.dump_record(tmp_path / "record", timezone.now())
    return path


def databases() -> set[str]:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        return {name for (name,) in cursor.fetchall()}


def test_a_backup_counts_its_rows_and_is_the_owners_alone(dump: Path) -> None:
    manifest = backups.Manifest.beside(dump)
    rows = [n for table, n in manifest.tables.items() if table.startswith("public.event_activity")]
    assert sum(rows) == 20
    assert not any(table.startswith("keys.") for table in manifest.tables)
    for path in (dump, dump.with_suffix(".json")):
        assert path.stat().st_mode & 0o077 == 0
    assert {path.suffix for path in dump.parent.iterdir()} == {".dump", ".json"}


def test_a_drill_restores_every_row_and_leaves_nothing(dump: Path) -> None:
    before = databases()
    said = StringIO()
    call_command("restore", str(dump), "--drill", stdout=said)
    assert said.getvalue().startswith("ok\t")
    assert databases() == before
    kept = HealthCheckResult.objects.get(name="restore_drill")
    assert (kept.state, kept.facts["rows"]) == ("ok", backups.Manifest.beside(dump).rows)


def test_a_dump_that_is_not_what_its_manifest_says_is_found_out(dump: Path) -> None:
    path = dump.with_suffix(".json")
    told = json.loads(path.read_text())
    table = next(name for name in told["tables"] if name.startswith("public.event_activity"))
    told["tables"][table] += 1
    path.write_text(json.dumps(told))
    with pytest.raises(CommandError, match="not the same rows"):
        call_command("restore", str(dump), "--drill")
    assert HealthCheckResult.objects.get(name="restore_drill").state == "failed"


def test_a_torn_dump_is_found_out(dump: Path) -> None:
    dump.write_bytes(dump.read_bytes()[:-2000])
    with pytest.raises(Unavailable, match="pg_restore failed"):
        backups.drill(dump)
    assert not any(name.startswith(backups.DRILL_PREFIX) for name in databases())


def test_a_dump_without_its_manifest_is_refused(dump: Path) -> None:
    dump.with_suffix(".json").unlink()
    with pytest.raises(Unavailable, match="expected the manifest"):
        backups.drill(dump)


def test_what_a_killed_drill_left_goes_with_the_next_one(dump: Path) -> None:
    left = f"{backups.DRILL_PREFIX}1"
    with psycopg.connect(backups._conninfo(), autocommit=True, password=password()) as owner:
        owner.execute(f"CREATE DATABASE {left}")
    backups.drill(dump)
    assert left not in databases()


def password() -> str | None:
    return str(connections["owner"].settings_dict["PASSWORD"]) or None


def test_a_failed_dump_leaves_no_half_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "_tool", lambda _: "/bin/false")
    with pytest.raises(Unavailable):
        backups.dump_record(tmp_path, timezone.now())
    with pytest.raises(Unavailable):
        backups.dump_keys(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_keys_are_one_copy_the_newest(tmp_path: Path, settings: Settings) -> None:
    settings.ORGO_VAULT_KEYRING = tmp_path / "vault_keyring.json"
    keys = tmp_path / "keys"
    for content in ("first", "second"):
        settings.ORGO_VAULT_KEYRING.write_text(content)
        backups.dump_keys(keys)
    assert (keys / "keys.json").read_text() == "second"
    assert {path.name for path in keys.iterdir()} == {"keys.dump", "keys.json", "keys.erasures"}


def test_a_database_with_rows_is_not_replaced_unasked(dump: Path, tmp_path: Path) -> None:
    backups.dump_keys(tmp_path / "keys")
    with pytest.raises(Conflict, match="--replace"):
        backups.restore(dump, tmp_path / "keys", replace=False)


def test_keys_and_record_go_into_different_folders(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="belong apart"):
        call_command("backup", str(tmp_path), "--keys", str(tmp_path))


def test_a_restore_needs_keys_or_is_a_drill(dump: Path) -> None:
    with pytest.raises(CommandError, match="expected --keys"):
        call_command("restore", str(dump))
