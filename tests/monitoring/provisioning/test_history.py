"""Every query of the dashboards is answered by a Prometheus that knows two hours of real pages.

The pages are those of the real exporters and of the portal; what counts has risen each minute.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.plugin import DjangoDbBlocker

from logs.record.models import Beat
from logs.record.vocabulary import LogType
from logs.retention.models import RetentionRun
from monitoring import exposition
from monitoring.alerting.models import WatchMark
from monitoring.health_checks.models import CheckState, HealthCheckResult
from monitoring.provisioning.dashboards.catalog import DASHBOARDS
from monitoring.provisioning.rules_file import groups
from orgo_audit.policy.schema import Policy
from tests import database
from tests.builders import PATH_OF, Service, an_organization, setting_the_scene, wire_event
from tests.monitoring.provisioning.promql import filled_in, names_in
from tests.monitoring.provisioning.servers import page, running_prometheus, until
from tests.portal import PROJECT

pytestmark = pytest.mark.service

RULES = PROJECT / "monitoring" / "provisioning" / "prometheus" / "orgo_rules.yml"
STEP_SECONDS, STEPS = 60, 130
RISE = {"counter", "histogram", "summary"}
QUEUE = "orgo-history"
DETAILS = "/metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count"
QUERIES = [
    pytest.param(query.expr, id=f"{dashboard.name}: {panel.title}, {number}")
    for dashboard in DASHBOARDS
    for panel in dashboard.panels
    for number, query in enumerate(panel.queries, start=1)
]


# --- the pages ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exporters() -> dict[str, str]:
    if shutil.which("promtool") is None or "ORGO_TEST_EXPORTERS" not in os.environ:
        pytest.skip("no exporters: .ci/services start FOLDER sets ORGO_TEST_EXPORTERS")
    told = os.environ["ORGO_TEST_EXPORTERS"].split(",")
    return dict(one.split("=") for one in told)


@pytest.fixture(scope="module")
def pages(exporters: dict[str, str], portal_page: str, queue: None) -> dict[str, str]:
    """What each job of the scrape config reads."""
    details = f"http://{exporters['rabbitmq']}{DETAILS}"
    until(lambda: QUEUE in page(details), "the queue is told")
    return {
        "orgo": portal_page,
        "rabbitmq_queues": page(details),
        **{job: page(f"http://{address}/metrics") for job, address in exporters.items()},
    }


@pytest.fixture(scope="module")
def queue(exporters: dict[str, str]) -> Iterator[None]:
    manage("PUT")
    yield
    manage("DELETE")


def manage(method: str) -> None:
    server = os.environ["ORGO_TEST_RABBITMQ_MANAGEMENT_URL"]
    httpx.request(method, f"{server}/api/queues/%2F/{QUEUE}", json={}).raise_for_status()


@pytest.fixture(scope="module")
def portal_page(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> str:
    """Of a portal in which everything has happened once."""
    with django_db_blocker.unblock():
        try:
            an_eventful_day()
            exposition.forget_cache()
            return Client().get("/metrics").content.decode()
        finally:
            database.wipe()


def an_eventful_day() -> None:
    now = timezone.now()
    service = Service(an_organization())
    service.deliver(wire_event(action="Email Received"), wire_event(), wire_event(user=5))
    service.get(PATH_OF[LogType.ACTIVITY])
    with setting_the_scene():
        WatchMark.objects.create(name="watch", finished_at=now)
        Beat.objects.create(process=Beat.Process.VAULT, beaten_at=now, problem="")
        RetentionRun.objects.create(started_at=now, finished_at=now, policy_version=1)
        HealthCheckResult.objects.create(
            name="mail", state=CheckState.OK, started_at=now, duration_ms=1, detail=""
        )


# --- the history --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, pages: dict[str, str]) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    write_history(folder, pages)
    with running_prometheus(folder, f"rule_files: ['{RULES}']\n") as address:
        until(lambda: ask(address, "orgo:error_ratio:increase10m"), "rules were judged")
        yield address


def ask(address: str, expr: str) -> Any:
    told = page(f"{address}/api/v1/query?query={quote(filled_in(expr))}")
    return json.loads(told)["data"]["result"]


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a page."""

    name: str
    labels: dict[str, str]
    value: float
    rises: bool

    def history(self, first: int) -> Iterator[str]:
        words = ",".join(f"{name}={json.dumps(value)}" for name, value in self.labels.items())
        for step in range(STEPS):
            value = self.value + step * self.rises
            yield f"{self.name}{{{words}}} {value} {first + step * STEP_SECONDS}\n"


def write_history(folder: Path, pages: dict[str, str]) -> None:
    wanted = wanted_names()
    first = int(time.time()) - STEP_SECONDS * (STEPS - 1) - 1
    with (folder / "history").open("w") as file:
        for series in all_series(pages):
            if series.name in wanted:
                file.writelines(series.history(first))
        file.write("# EOF\n")
    words = ("promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h")
    subprocess.run(
        (*words, str(folder / "history"), str(folder / "data")), check=True, capture_output=True
    )


def wanted_names() -> set[str]:
    asked = [query.expr for one in DASHBOARDS for panel in one.panels for query in panel.queries]
    judged = [rule.expr for group in groups(Policy()) for rule in group.rules]
    return {name for expr in (*asked, *judged) for name in names_in(expr)}


def all_series(pages: dict[str, str]) -> Iterator[Series]:
    for job, text in pages.items():
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                # The parser adds `_total` where an exporter has left it out.
                name = sample.name if sample.name in text else family.name
                labels = {**sample.labels, "job": job, "instance": "a"}
                yield Series(name, labels, sample.value, rises=family.type in RISE)


@pytest.mark.parametrize("expr", QUERIES)
def test_the_query_is_answered(prometheus: str, expr: str) -> None:
    for series in until(lambda: ask(prometheus, expr), expr):
        assert series["value"][1] != "NaN"


def test_no_rule_fails(prometheus: str) -> None:
    groups = json.loads(page(f"{prometheus}/api/v1/rules"))["data"]["groups"]
    judged = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    assert set(judged.values()) == {"ok"}, judged


def test_a_query_for_what_there_is_not_is_not_answered(prometheus: str) -> None:
    """Or the test above could not fail."""
    assert ask(prometheus, "rabbitmq:queue_lenght") == []
    assert timedelta(seconds=STEP_SECONDS * STEPS) > timedelta(hours=2)
