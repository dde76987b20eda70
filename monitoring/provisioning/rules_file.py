"""From the policy to the text of Prometheus's rules. Reads and writes no file."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from monitoring.provisioning import platform_alerts, portal_alerts, recordings
from monitoring.provisioning.shapes import Alerting, Group, Recording
from orgo_audit.policy.schema import Policy

_HEADER = (
    "# Prometheus's rules, made from logging_config.yaml. After a change of it, make them anew:\n"
    "# manage.py print_prometheus_rules --output orgo_rules.yml\n"
)


def groups(policy: Policy) -> tuple[Group, ...]:
    """All rules. BadInput where the policy asks for a metric that no exporter has."""
    return (
        recordings.of_policy(policy.metrics),
        recordings.SHARES,
        portal_alerts.of_policy(policy),
        *platform_alerts.GROUPS,
    )


def rules_file(policy: Policy) -> str:
    """The file's text, the same for the same policy."""
    yaml = YAML()
    yaml.width = 4096  # no line of an expression is broken
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO(_HEADER)
    text.seek(0, io.SEEK_END)
    yaml.dump({"groups": [_group(group) for group in groups(policy)]}, text)
    return text.getvalue()


def _group(group: Group) -> dict[str, Any]:
    return {"name": group.name, "rules": [_rule(rule, group) for rule in group.rules]}


def _rule(rule: Recording | Alerting, group: Group) -> dict[str, Any]:
    if isinstance(rule, Recording):
        return {"record": rule.name, "expr": _expression(rule.expr)}
    return {
        "alert": rule.name,
        "expr": _expression(rule.expr),
        "for": rule.lasts,
        "labels": {"severity": rule.severity, "about": group.about},
        "annotations": {"alert": rule.alert, "summary": rule.summary},
    }


def _expression(expr: str) -> str:
    return LiteralScalarString(expr + "\n") if "\n" in expr else expr
