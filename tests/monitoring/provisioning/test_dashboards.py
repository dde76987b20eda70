"""Grafana's dashboards are valid, are what the code makes, and ask for what there is."""

from __future__ import annotations

import csv
import json
from typing import Any

import jsonschema
import pytest
from django_prometheus.middleware import Metrics
from prometheus_client import REGISTRY
from ruamel.yaml import YAML

from monitoring import metrics
from monitoring.provisioning.dashboards.catalog import DASHBOARDS, files
from monitoring.provisioning.dashboards.shapes import COLUMNS, Dashboard
from monitoring.provisioning.rules_file import groups
from monitoring.provisioning.shapes import Recording
from orgo_audit.policy.schema import Policy
from tests.monitoring.provisioning.promql import names_in
from tests.portal import PROJECT
from tests.shared_data import SHARED_DATA

GRAFANA = PROJECT / "monitoring" / "provisioning" / "grafana"
FILES = GRAFANA / "dashboards" / "orgo"
DATA = SHARED_DATA.parent / "observability" / "data"
# Prometheus's own, and what the list of exporters' metrics left out; see `test_history.py`.
OTHERS = {
    *("up", "ALERTS", "pg_settings_max_connections"),
    *("node_network_receive_bytes_total", "node_network_transmit_bytes_total"),
}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)


def shared(name: str) -> str:
    if not (file := DATA / name).is_file():
        pytest.skip(f"the developers' shared data is not there: {name}")
    return file.read_text()


def expressions(dashboard: Dashboard) -> list[str]:
    annotations = [one["expr"] for one in dashboard.as_json()["annotations"]["list"]]
    return annotations + [query.expr for panel in dashboard.panels for query in panel.queries]


def test_the_shipped_files_are_what_the_code_makes() -> None:
    assert {file.name: file.read_text() for file in FILES.iterdir()} == files()


@each_dashboard
@pytest.mark.parametrize(
    "schema", ["grafana-dashboard-v1.schema.json", "grafana-dashboard-11.6.schema.json"]
)
def test_a_dashboard_is_valid(dashboard: Dashboard, schema: str) -> None:
    jsonschema.Draft7Validator(json.loads(shared(schema))).validate(dashboard.as_json())


@each_dashboard
def test_a_charts_options_are_valid(dashboard: Dashboard) -> None:
    definitions = json.loads(shared("grafana-panel-timeseries.schema.json"))
    for panel in dashboard.as_json()["panels"]:
        if panel["type"] == "timeseries":
            for part, name in (("Options", "options"), ("FieldConfig", "custom")):
                told = panel["options"] if name == "options" else looks(panel)
                schema = definitions | {"$ref": f"#/definitions/{part}"}
                jsonschema.Draft7Validator(schema).validate(told)


def looks(panel: dict[str, Any]) -> Any:
    return panel["fieldConfig"]["defaults"]["custom"]


@each_dashboard
def test_a_query_is_valid(dashboard: Dashboard) -> None:
    schema = json.loads(shared("grafana-query-prometheus.schema.json"))
    validator = jsonschema.Draft7Validator(schema)
    for panel in dashboard.as_json()["panels"]:
        for target in panel["targets"]:
            validator.validate(target)


@each_dashboard
def test_a_dashboard_asks_for_what_there_is(dashboard: Dashboard) -> None:
    listed = csv.DictReader(shared("exporter-metrics-debian12.tsv").splitlines(), delimiter="\t")
    exported = {row["metric"] for row in listed}
    known = OTHERS | ours() | recorded() | exported
    assert {name for expr in expressions(dashboard) for name in names_in(expr)} <= known


def ours() -> set[str]:
    Metrics.get_instance()  # declared with the first request
    declared = {
        f"{family.name}{suffix}"
        for family in REGISTRY.collect()
        for suffix in SUFFIXES.get(family.type, ("",))
    }
    return declared | {figure.name for figure in metrics.FIGURES}


def recorded() -> set[str]:
    rules = [rule for group in groups(Policy()) for rule in group.rules]
    return {rule.name for rule in rules if isinstance(rule, Recording)}


@each_dashboard
def test_panels_lie_side_by_side_and_tell_what_they_mean(dashboard: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard.as_json()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < COLUMNS
        assert not cells & taken
        taken |= cells
        assert panel["description"].endswith(".")


def test_addresses_and_numbers_are_their_own() -> None:
    assert len({one.as_json()["uid"] for one in DASHBOARDS}) == len(DASHBOARDS)
    for one in DASHBOARDS:
        numbers = [panel["id"] for panel in one.as_json()["panels"]]
        assert len(numbers) == len(set(numbers))
        assert len({panel.title for panel in one.panels}) == len(one.panels)


def test_every_figure_is_shown_somewhere() -> None:
    asked = {name for one in DASHBOARDS for expr in expressions(one) for name in names_in(expr)}
    assert {figure.name for figure in metrics.FIGURES} <= asked


def test_grafana_finds_the_dashboards_and_their_source() -> None:
    yaml = YAML(typ="safe")
    (provider,) = yaml.load(GRAFANA / "dashboards" / "orgo.yml")["providers"]
    assert provider["options"]["path"].endswith("/dashboards/orgo")
    (source,) = yaml.load(GRAFANA / "datasources" / "orgo.yml")["datasources"]
    choices = [one.as_json()["templating"]["list"][0] for one in DASHBOARDS]
    assert {choice["current"]["value"] for choice in choices} == {source["uid"]}
