"""An event that was held in the ordinary logs, and whose task turned sensitive, stays held."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pytest_django import Settings

from logs.cases.models import Case, CaseState
from logs.record import reclassification
from logs.record.models import Event
from logs.retention import holds
from logs.vault import endings
from orgo_audit import logins
from tests.builders import an_organization, setting_the_scene, stored, wire_event
from tests.database import login_of_default
from tests.logs.vault.scene import REPORT
from tests.policies import in_force
from tests.retention import a_hold, released
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
OVER = datetime(2025, 3, 2, tzinfo=UTC)


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize(("kind", "value"), [("task", "T9"), ("user", "mia")])
def test_what_was_held_stays_held_in_its_case(
    kind: str, value: str, tmp_path: Path, settings: Settings
) -> None:
    vault, home = VaultAtHand(tmp_path, settings), an_organization()
    in_force("metrics: {}", since=LONG_AGO)
    stored(home, wire_event(task_id="T9", user="mia"))
    with setting_the_scene():
        hold = a_hold(home, kind, value)
    assert holds.rows_of(hold) == 1
    stored(home, REPORT | {"task_id": "T9"})
    with login_of_default(logins.WORKER):
        reclassification.run()
    assert not Event.objects.filter(organization=home, task_id="T9").exists()
    vault.drain()
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=date(2024, 12, 31))
        assert endings.end_cases(OVER) == 0
    released(hold, LONG_AGO)
    with the_vaults_rights():
        assert endings.end_cases(OVER) == 1
