"""From a failed check to an alert, and back; from one that did not run, too."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from monitoring.alerting.models import Alert
from monitoring.health_checks import registry
from tests.monitoring.alerting.conftest import Watched, watched
from tests.monitoring.health_checks.conftest import Kept
from tests.policies import in_force

__all__ = ["watched"]


def told(alerts: list[Alert]) -> list[tuple[str, str, str]]:
    return [(alert.name, alert.severity, alert.subject) for alert in alerts]


def test_a_failed_check_fires_until_the_next_that_is_well(watched: Watched, kept: Kept) -> None:
    kept("mail", timezone.now(), "failed")
    assert told(watched.after(seconds=20)) == [("Health Check Failed", "critical", "mail")]
    kept("mail", timezone.now(), "failed")
    (alert,) = watched.after(seconds=20)
    kept("mail", timezone.now())
    assert watched.after(seconds=20) == []
    assert watched.steps(alert) == ["firing", "resolved"]


def test_each_failed_check_has_its_own_alert(watched: Watched, kept: Kept) -> None:
    for name in ("mail", "disk", "restore_drill"):
        kept(name, timezone.now(), "failed")
    kept("clock", timezone.now(), "skipped")
    subjects = {alert.subject for alert in watched.after(seconds=20)}
    assert subjects == {"mail", "disk", "restore_drill"}


def beats(watched: Watched) -> list[Alert]:
    return [alert for alert in watched.open() if alert.rule == "heartbeat"]


def test_a_check_that_did_not_run_fires(watched: Watched, kept: Kept) -> None:
    in_force("{}\n")
    for name in registry.CHECKS:
        kept(name, timezone.now())
    watched.after(minutes=20)
    assert beats(watched) == []
    watched.after(hours=36)
    fired = beats(watched)
    assert "health check: mail" in {alert.subject for alert in fired}
    watched.after(seconds=20)
    assert beats(watched) == fired, "one alert as long as it lasts"


def test_a_skipped_run_is_no_failure(watched: Watched, kept: Kept) -> None:
    kept("broker", timezone.now() - timedelta(minutes=1), "skipped")
    assert watched.after(seconds=20) == []
