"""From panels to the JSON that Grafana reads: one grid, one look. Knows no metric."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

COLUMNS = 24
HEIGHT = 8
# The classic dashboard of Grafana 10 and later.
SCHEMA_VERSION = 39
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_TAG = "orgo"


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked, and how each series is called; `{{label}}` is filled in."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """`limit` is drawn in red: from there on (or, `below`, up to there) something is wrong."""

    title: str
    meaning: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: Literal["timeseries", "stat"] = "timeseries"
    width: int = 8
    stacked: bool = False
    top: float | None = None
    limit: float | None = None
    below: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`name` is the file's and the last part of the address."""

    name: str
    title: str
    meaning: str
    panels: tuple[Panel, ...]

    def as_text(self) -> str:
        return json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n"

    def as_json(self) -> dict[str, Any]:
        return {
            "uid": f"orgo-{self.name}",
            "title": f"Orgo: {self.title}",
            "description": self.meaning,
            "tags": [_TAG],
            "timezone": "browser",
            "editable": False,
            "graphTooltip": 1,
            "time": {"from": "now-6h", "to": "now"},
            "refresh": "1m",
            "schemaVersion": SCHEMA_VERSION,
            "templating": {"list": [_datasource_choice()]},
            "annotations": {"list": [_firing_alerts()]},
            "links": [_other_dashboards()],
            "panels": [
                _panel(number, panel, place)
                for number, (panel, place) in enumerate(
                    zip(self.panels, _places(self.panels), strict=True), start=1
                )
            ],
        }


def _datasource_choice() -> dict[str, Any]:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Prometheus",
        "query": "prometheus",
        "current": {"text": "Prometheus", "value": "prometheus"},
    }


def _firing_alerts() -> dict[str, Any]:
    return {
        "name": "Alerts",
        "datasource": _DATASOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": 'ALERTS{alertname=~"Orgo.+", alertstate="firing"}',
    }


def _other_dashboards() -> dict[str, Any]:
    return {
        "title": "Orgo",
        "type": "dashboards",
        "icon": "external link",
        "tooltip": "",
        "tags": [_TAG],
        "asDropdown": False,
        "targetBlank": False,
        "includeVars": True,
        "keepTime": True,
    }


def _places(panels: Sequence[Panel]) -> Iterator[dict[str, int]]:
    """Side by side, as long as there is room."""
    x = y = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y = 0, y + HEIGHT
        yield {"x": x, "y": y, "w": panel.width, "h": HEIGHT}
        x += panel.width


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": _DATASOURCE,
        "gridPos": place,
        "targets": [
            _target(chr(ord("A") + place), query, is_stat=panel.kind == "stat")
            for place, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _look(panel), "overrides": []},
        "options": _stat_options() if panel.kind == "stat" else _chart_options(),
    }


def _target(letter: str, query: Query, *, is_stat: bool) -> dict[str, Any]:
    return {
        "refId": letter,
        "datasource": _DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": is_stat,
        "range": not is_stat,
    }


def _look(panel: Panel) -> dict[str, Any]:
    look: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.top is not None:
        look["max"] = panel.top
    if panel.limit is not None:
        colors = ("red", "green") if panel.below else ("green", "red")
        steps = [{"value": 0, "color": colors[0]}, {"value": panel.limit, "color": colors[1]}]
        look["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.kind == "timeseries":
        look["custom"] = _lines(panel)
    elif panel.limit is not None:
        look["color"] = {"mode": "thresholds"}
    return look


def _lines(panel: Panel) -> dict[str, Any]:
    lines: dict[str, Any] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10}
    if panel.stacked:
        lines["stacking"] = {"mode": "normal", "group": "A"}
    if panel.limit is not None:
        lines["thresholdsStyle"] = {"mode": "dashed"}
    return lines


def _chart_options() -> dict[str, Any]:
    return {
        "legend": {
            "displayMode": "list",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["lastNotNull"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _stat_options() -> dict[str, Any]:
    return {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }
