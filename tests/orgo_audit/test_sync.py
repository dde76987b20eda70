"""The set-up does nothing when nothing changed, and starts anew where it cannot trust its find."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SYNC = Path(__file__).resolve().parent.parent.parent / "requirements" / "sync.py"


@pytest.fixture
def sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("sync", SYNC)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    places = {"ROOT": tmp_path, "VENV": venv, "STATE": venv / "synced", "LOCK": tmp_path / "lock"}
    places |= {
        "PYTHON": venv / "python",
        "UV_FILE": tmp_path / "uv",
        "PACKAGES_FILE": tmp_path / "dev",
    }
    for name, place in places.items():
        monkeypatch.setattr(module, name, place)
    for name in ("UV_FILE", "PACKAGES_FILE"):
        places[name].write_text("django==5.2\n")
    done: list[str] = []
    monkeypatch.setattr(module, "done", done, raising=False)
    monkeypatch.setattr(module, "make_venv", lambda: make(module))
    monkeypatch.setattr(module, "install", lambda: done.append("install"))
    return module


def make(sync: ModuleType) -> None:
    sync.done.append("venv")
    sync.VENV.mkdir(exist_ok=True)
    sync.PYTHON.touch()


def test_a_second_run_does_nothing(sync: ModuleType) -> None:
    sync.main()
    sync.main()
    assert sync.done == ["venv", "install"]


def test_changed_packages_are_installed_into_what_is_there(sync: ModuleType) -> None:
    sync.main()
    sync.PACKAGES_FILE.write_text("django==5.3\n")
    sync.main()
    assert sync.done == ["venv", "install", "install"]


def test_another_interpreter_starts_anew(sync: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    sync.main()
    monkeypatch.setattr(sys, "version", "3.99")
    sync.main()
    assert sync.done == ["venv", "install", "venv", "install"]


def test_a_run_that_was_killed_starts_anew(
    sync: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sync, "install", killed)
        with pytest.raises(KeyboardInterrupt):
            sync.main()
    sync.main()
    assert sync.done == ["venv", "venv", "install"]


def test_a_moved_checkout_stays_in_step(sync: ModuleType, tmp_path: Path) -> None:
    before = sync.digest((sync.PACKAGES_FILE,))
    moved = tmp_path / "moved"
    moved.write_bytes(sync.PACKAGES_FILE.read_bytes())
    assert sync.digest((moved,)) == before


def test_an_old_python_is_refused_in_words(
    sync: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match="Python 3.11 or later is needed"):
        sync.main()
