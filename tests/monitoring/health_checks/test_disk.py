"""The check of the disk, by what the system says of it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from pytest_django import Settings

from monitoring.health_checks.disk import Disk
from monitoring.health_checks.models import CheckState

NOW = datetime(2026, 11, 28, tzinfo=UTC)
GB = 10**9


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("total", "free", "state"),
    [
        (100 * GB, 10 * GB, CheckState.OK),
        (100 * GB, 10 * GB - 1, CheckState.FAILED),
        (2 * GB, GB, CheckState.OK),
        (2 * GB, GB - 1, CheckState.FAILED),
        (100 * GB, 0, CheckState.FAILED),
    ],
    ids=["a tenth", "less than a tenth", "a gigabyte", "less than a gigabyte", "full"],
)
def test_a_tenth_and_a_gigabyte_must_be_free(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, total: int, free: int, state: CheckState
) -> None:
    asked = []

    def disk_usage(path: object) -> Usage:
        asked.append(path)
        return Usage(total, total - free, free)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    outcome = Disk().run(NOW)
    assert outcome.state == state
    assert outcome.facts == {"free_bytes": free, "free_share": round(free / total, 4)}
    assert asked == [settings.ORGO_HOME]


def test_the_real_disk_is_told_in_words() -> None:
    assert " of the disk is free (" in Disk().run(NOW).detail
