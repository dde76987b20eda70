"""Who may import whom: the contracts of pyproject.toml, and what the linter cannot see."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPS = ("orgo_audit", "logs", "monitoring", "compliance")
SOURCES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py"))


def test_the_contracts_are_kept() -> None:
    # In a process of its own: the linter's own set-up would silence every logger of the tests.
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    words = [sys.executable, "-c", command, "--no-cache"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def found(pattern: str, *, besides: tuple[str, ...] = ()) -> list[str]:
    return [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
        and not any(part in path.relative_to(ROOT).as_posix() for part in besides)
    ]


def test_models_are_imported_and_not_looked_up_by_name() -> None:
    assert found(r"\bget_model\(", besides=("/migrations/",)) == []


def test_guardian_is_asked_in_access_and_models_alone() -> None:
    allowed = ("/record/access.py", "/record/models.py", "/cases/", "settings.py")
    assert found(r"^\s*(from|import) guardian", besides=allowed) == []


def test_events_are_inserted_in_one_place() -> None:
    assert found(r"INSERT INTO event\b|COPY event\b", besides=("/migrations/",)) == [
        "logs/record/ingest.py"
    ]
    assert found(r"\b(Event|ActivityLog|SecurityLog|ErrorLog)\.objects\.(create|bulk_create)") == []


def test_events_are_read_in_one_place() -> None:
    pattern = r"\b(Event|ActivityLog|SecurityLog|ErrorLog)\.(objects|_default_manager)\b"
    assert found(pattern) == [
        "logs/record/reading.py",
        "logs/record/reclassification.py",  # shows nobody anything: it seals, and removes
    ]


def test_every_module_opens_with_its_job() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.stat().st_size
        and "/migrations/" not in path.as_posix()
        and not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert silent == []


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []
