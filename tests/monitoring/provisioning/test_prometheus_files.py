"""The real Prometheus and Alertmanager accept what is shipped for them, and it does its work."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from monitoring.delivery import alertmanager
from tests.monitoring.provisioning.servers import page, running_prometheus, until
from tests.portal import PROJECT

FILES = PROJECT / "monitoring" / "provisioning" / "prometheus"
LIMIT_SECONDS = 120

pytestmark = pytest.mark.service


def accepted(*words: str) -> str:
    """What the tool says of our files."""
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed: .ci/services install")
    done = subprocess.run(
        words, cwd=FILES, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    return told


def answer(variable: str, path: str) -> Any:
    if not (server := os.environ.get(variable)):
        pytest.skip(f"{variable} is not set: .ci/services start FOLDER")
    return json.loads(page(f"{server}{path}"))


def test_the_rules_are_accepted() -> None:
    assert "40 rules found" in accepted("promtool", "check", "rules", "orgo_rules.yml")


def test_the_scrape_config_is_accepted() -> None:
    accepted("promtool", "check", "config", "prometheus.yml")


@pytest.mark.parametrize("name", ["orgo_rules_test.yml", "orgo_rules_days_test.yml"])
def test_the_rules_do_what_they_say(name: str) -> None:
    assert "SUCCESS" in accepted("promtool", "test", "rules", name)


def test_every_alert_is_tried_by_the_rules_own_tests() -> None:
    made = YAML(typ="safe").load(FILES / "orgo_rules.yml")
    alerts = {
        rule["alert"] for group in made["groups"] for rule in group["rules"] if "alert" in rule
    }
    tried = "".join(path.read_text() for path in FILES.glob("orgo_rules*_test.yml"))
    untried = {name for name in alerts if f"alertname: {name}" not in tried}
    assert {name for name in untried if "Monthly" not in name} == set()


def test_the_example_for_alertmanager_is_accepted() -> None:
    assert "2 receivers" in accepted("amtool", "check-config", "alertmanager.yml")


@pytest.mark.parametrize(
    ("label", "receivers"),
    [
        ("about=platform", "portal"),
        ("about=portal", "operator,portal"),
        (f"{alertmanager.MARK}={alertmanager.OWN}", "operator"),
    ],
)
def test_what_is_about_the_portal_goes_past_it_and_its_own_never_comes_back(
    label: str, receivers: str
) -> None:
    words = ("amtool", "config", "routes", "test", "--config.file=alertmanager.yml")
    assert accepted(*words, label).splitlines()[0] == receivers


def test_all_that_we_scrape_answers_but_for_the_portal_that_does_not_run() -> None:
    targets = answer("ORGO_TEST_PROMETHEUS_URL", "/api/v1/targets")["data"]["activeTargets"]
    health = {target["labels"]["job"]: target["health"] for target in targets}
    jobs = ("node", "rabbitmq", "rabbitmq_queues", "redis", "postgresql", "prometheus")
    assert {job: health[job] for job in (*jobs, "alertmanager")} == dict.fromkeys(
        (*jobs, "alertmanager"), "up"
    )
    assert "orgo" in health


def test_every_rule_can_be_judged_and_alertmanager_is_known() -> None:
    groups = answer("ORGO_TEST_PROMETHEUS_URL", "/api/v1/rules")["data"]["groups"]
    rules = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    assert len(rules) == 40
    assert {name for name, health in rules.items() if health == "err"} == set()
    found = answer("ORGO_TEST_PROMETHEUS_URL", "/api/v1/alertmanagers")
    (known,) = found["data"]["activeAlertmanagers"]
    assert known["url"].startswith(os.environ["ORGO_TEST_ALERTMANAGER_URL"])


def test_alertmanager_runs_with_the_example() -> None:
    status = answer("ORGO_TEST_ALERTMANAGER_URL", "/api/v2/status")
    assert "/api/v1/alerts/alertmanager/" in status["config"]["original"]
    assert status["cluster"]["status"] == "disabled"


def test_an_alert_of_ours_reaches_alertmanager_in_plain_words(tmp_path: Path) -> None:
    answer("ORGO_TEST_ALERTMANAGER_URL", "/api/v2/status")
    server = os.environ["ORGO_TEST_ALERTMANAGER_URL"]
    rules = (FILES / "orgo_rules.yml").read_text()
    (tmp_path / "at_once.yml").write_text(re.sub("for: [0-9]+[mh]", "for: 0s", rules))
    config = (
        "rule_files: [at_once.yml]\n"
        "alerting:\n  alertmanagers:\n"
        f"  - static_configs: [{{targets: ['{urlsplit(server).netloc}']}}]\n"
    )
    with running_prometheus(tmp_path, config) as address:
        told = until(lambda: down(server, address), "Alertmanager knows")
    assert told["labels"]["severity"] == "critical"
    assert told["annotations"]["alert"] == "Portal Down"


def down(server: str, prometheus: str) -> Any:
    """What Alertmanager says of the portal's absence, as this Prometheus told it."""
    known = json.loads(page(f"{server}/api/v2/alerts?filter=alertname%3DOrgoPortalDown"))
    return next((one for one in known if one["generatorURL"].startswith(prometheus)), None)
