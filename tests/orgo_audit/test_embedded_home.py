"""The state folder is recognised, held by one, and never adopted from another version."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from orgo_audit.embedded import home as home_module
from orgo_audit.embedded.home import open_home
from orgo_audit.errors import Unavailable


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_new_home_gets_a_layout_and_opens_again(tmp_path: Path) -> None:
    home = tmp_path / "var"
    open_home(home).close()
    assert (home / "layout").read_text().splitlines() == home_module.layout()
    open_home(home).close()


def test_a_second_holder_is_told_who_has_it(tmp_path: Path) -> None:
    lock = open_home(tmp_path / "var")
    with pytest.raises(Unavailable, match=rf"already runs on .* \(process {os.getpid()}\)"):
        open_home(tmp_path / "var")
    lock.close()


def test_what_a_killed_start_left_running_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "var"
    lock = open_home(home)
    left = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1, pass_fds=[lock.fileno()])
    (home / "up.lock").write_text("999999999\n")
    lock.close()
    monkeypatch.setattr(home_module, "LEFTOVER_LIMIT_SECONDS", 0.2)
    with pytest.raises(Unavailable, match="earlier start"):
        open_home(home)
    left.communicate(b"\n")
    open_home(home).close()


def test_every_migration_that_makes_the_state_is_in_its_layout() -> None:
    named = {line.rpartition("  ")[2] for line in home_module.layout()}
    project = home_module.PROJECT
    made_by = {
        str(Path(app.path).relative_to(project) / "migrations" / f"{name}.py")
        for app in apps.get_app_configs()
        for label, name in MigrationLoader(None).disk_migrations
        if label == app.label and Path(app.path).is_relative_to(project)
        if (Path(app.path) / "migrations" / f"{name}.py").exists()
    }
    assert named == {name for name in made_by if ".venv" not in name}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one migration; its folder."""
    folder = tmp_path / "project" / "logs" / "migrations"
    folder.mkdir(parents=True)
    (folder / "0001_event.py").write_text("first")
    monkeypatch.setattr(home_module, "PROJECT", tmp_path / "project")
    return folder


def test_a_state_by_a_migration_that_has_changed_is_named_and_not_touched(
    tmp_path: Path, project: Path
) -> None:
    open_home(tmp_path / "var").close()
    kept = (tmp_path / "var" / "layout").read_text()
    (project / "0001_event.py").write_text("another")
    with pytest.raises(Unavailable, match=rf"0001_event.py has changed.*mv {tmp_path}/var "):
        open_home(tmp_path / "var")
    assert (tmp_path / "var" / "layout").read_text() == kept


def test_a_state_is_recognised_after_a_migration_was_added(tmp_path: Path, project: Path) -> None:
    open_home(tmp_path / "var").close()
    (project / "0002_door.py").write_text("second")
    open_home(tmp_path / "var").close()
    (project / "0002_door.py").unlink()
    with pytest.raises(Unavailable, match="0002_door"):
        open_home(tmp_path / "var")


@pytest.mark.parametrize("found", ["2", ""])
def test_an_older_state_is_named_and_not_touched(tmp_path: Path, found: str) -> None:
    (tmp_path / "postgres").mkdir()
    if found:
        (tmp_path / "layout").write_text(found)
    with pytest.raises(Unavailable, match=rf"mv {tmp_path} {tmp_path}.old"):
        open_home(tmp_path)


def test_the_previous_starts_logs_stay_beside_the_new(tmp_path: Path) -> None:
    open_home(tmp_path).close()
    (tmp_path / "log" / "web.log").write_text("then")
    open_home(tmp_path).close()
    assert (tmp_path / "log" / "web.log.1").read_text() == "then"
    assert not (tmp_path / "log" / "web.log").exists()


def test_counters_of_the_previous_start_are_gone(tmp_path: Path) -> None:
    open_home(tmp_path).close()
    (tmp_path / "metrics" / "counter_1.db").touch()
    open_home(tmp_path).close()
    assert list((tmp_path / "metrics").iterdir()) == []


def test_what_is_written_later_is_nobody_elses_to_read(tmp_path: Path) -> None:
    open_home(tmp_path / "var").close()
    (tmp_path / "var" / "mail").mkdir()
    assert (tmp_path / "var" / "mail").stat().st_mode & 0o077 == 0
