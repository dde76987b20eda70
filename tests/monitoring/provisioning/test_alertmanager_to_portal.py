"""A real Alertmanager with our example tells the portal, and the portal keeps what it was told."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.utils import timezone

from monitoring.alerting.models import Alert
from monitoring.alerting.vocabulary import Rule, Severity, State
from monitoring.delivery import alertmanager
from orgo_audit.accounts.models import Scope
from tests.builders import a_token, an_organization
from tests.monitoring.provisioning.servers import answers, until
from tests.portal import PROJECT, a_free_port

EXAMPLE = PROJECT / "monitoring" / "provisioning" / "prometheus" / "alertmanager.yml"
PORTAL = "http://127.0.0.1:8000"
AT_ONCE = {"group_wait: 15s": "group_wait: 0s", "group_interval: 1m": "group_interval: 1s"}
OURS = {"alertname": "OrgoDiskShort", "severity": "critical", "about": "platform"}
BACK = {"alertname": "TaskEscalationPending", alertmanager.MARK: alertmanager.OWN}

pytestmark = pytest.mark.service


@pytest.fixture
def server(tmp_path: Path, address: str) -> Iterator[str]:
    if shutil.which("prometheus-alertmanager") is None:
        pytest.skip("prometheus-alertmanager is not installed: .ci/services install")
    example = EXAMPLE.read_text()
    for shipped, here in (AT_ONCE | {PORTAL: address}).items():
        assert shipped in example
        example = example.replace(shipped, here)
    (tmp_path / "alertmanager.yml").write_text(example)
    (tmp_path / "orgo_token").write_text(a_token(an_organization(), Scope.ALERTS) + "\n")
    listens = f"127.0.0.1:{a_free_port()}"
    words = (
        "prometheus-alertmanager",
        f"--config.file={tmp_path / 'alertmanager.yml'}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={listens}",
        f"--web.external-url=http://{listens}",
        "--cluster.listen-address=",
    )
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(words, stderr=log) as process:
        try:
            until(lambda: answers(f"http://{listens}/-/ready"), "Alertmanager is ready")
            yield f"http://{listens}"
        finally:
            process.terminate()


def tell(server: str, *labels: dict[str, str], over: bool = False) -> None:
    ends = {"endsAt": timezone.now().isoformat()} if over else {}
    alerts = [{"labels": each, "annotations": {"alert": "Disk Short"}} | ends for each in labels]
    httpx.post(f"{server}/api/v2/alerts", json=alerts).raise_for_status()


def test_the_portal_keeps_what_alertmanager_tells_it(server: str) -> None:
    tell(server, BACK, OURS)
    alert = until(lambda: Alert.objects.filter(rule=Rule.ALERTMANAGER).first(), "the portal knows")
    assert (alert.name, alert.severity) == ("Disk Short", Severity.CRITICAL)
    tell(server, OURS, over=True)
    resolved = Alert.objects.filter(pk=alert.pk, state=State.RESOLVED)
    until(resolved.exists, "the portal knows that it is over")
    assert Alert.objects.count() == 1
