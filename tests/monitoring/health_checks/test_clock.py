"""The check of the clocks: ours is turned, the database's is the real one."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from monitoring.health_checks.clock import Clock
from monitoring.health_checks.models import CheckState

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]


def test_equal_clocks_are_well() -> None:
    outcome = Clock().run(timezone.now())
    assert outcome.state == CheckState.OK
    assert outcome.facts.keys() == {"difference_seconds"}


@pytest.mark.parametrize("hours", [-1, 1])
def test_clocks_that_differ_either_way_are_a_failure(hours: int) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        outcome = Clock().run(timezone.now())
    assert outcome.state == CheckState.FAILED
    assert round(outcome.facts["difference_seconds"] / 60) == 60
