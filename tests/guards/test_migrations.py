"""The migrations are complete, and stand on their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).parents[2]


@pytest.mark.django_db
def test_no_change_of_a_model_is_without_its_migration(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        call_command("makemigrations", check=True, dry_run=True, verbosity=1)
    except SystemExit:
        pytest.fail(capsys.readouterr().out)


def test_no_migration_imports_our_models() -> None:
    migrations = [
        path
        for app in ("orgo_audit", "logs", "monitoring", "compliance")
        for path in (ROOT / app).rglob("migrations/0*.py")
    ]
    assert migrations
    pattern = r"^\s*(?:from|import) (?:orgo_audit|logs|monitoring|compliance)\b.*\bmodels\b"
    importing = [
        path.name
        for path in migrations
        if re.search(pattern, path.read_text("utf-8"), re.MULTILINE)
    ]
    assert importing == []
