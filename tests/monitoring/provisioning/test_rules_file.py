"""Prometheus's rules are made from the policy, and the shipped ones from the shipped policy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from monitoring import metrics
from monitoring.alerting import rules
from monitoring.provisioning import portal_alerts
from monitoring.provisioning.recordings import legal_name
from monitoring.provisioning.rules_file import groups, rules_file
from monitoring.provisioning.shapes import Alerting
from orgo_audit.errors import BadInput
from orgo_audit.periods import Period
from orgo_audit.policy.loading import load_policy
from orgo_audit.policy.schema import Policy
from tests.commands import refused, run
from tests.monitoring.provisioning.promql import names_in
from tests.portal import PROJECT

SHIPPED = PROJECT / "monitoring" / "provisioning" / "prometheus"
POLICY = PROJECT / "orgo_audit" / "logging_config.yaml"
COUNTERS = {
    "orgo_audit_events_stored_total",
    "orgo_tasks_routed_total",
    "orgo_emails_received_total",
}


def made_of(text: str) -> dict[str, dict[str, Any]]:
    """Every rule by its name."""
    document = YAML(typ="safe").load(rules_file(load_policy(text, name="test.yaml")))
    return {
        rule.get("alert") or rule["record"]: rule
        for group in document["groups"]
        for rule in group["rules"]
    }


def test_the_shipped_rules_are_those_of_the_shipped_policy() -> None:
    policy = load_policy(POLICY.read_text(), name=POLICY.name)
    assert (SHIPPED / "orgo_rules.yml").read_text() == rules_file(policy)


def test_the_shipped_file_and_the_defaults_say_the_same() -> None:
    assert rules_file(Policy()) == (SHIPPED / "orgo_rules.yml").read_text()


@pytest.mark.parametrize(
    ("text", "rule", "expected"),
    [
        ('alert_thresholds: {error_rate: ">12.5%"}', "OrgoErrorRateHigh", "> 0.125"),
        ('alert_thresholds: {escalation_pending: "3 hours"}', "OrgoEscalationPending", "> 10800"),
        ('alert_thresholds: {vault_lag: "7 minutes"}', "OrgoVaultAway", "> 420"),
        ("health_checks: {cache: daily}", "OrgoDailyCheckOverdue", "mail|queue|cache|broker"),
        ("metrics: {queue_length: redis.queue_length}", "redis:queue_length", "redis_key_size"),
    ],
)
def test_what_the_policy_says_is_in_the_rules(text: str, rule: str, expected: str) -> None:
    assert expected in made_of(text)[rule]["expr"]


def test_the_most_impatient_organization_decides_when_a_task_is_late() -> None:
    text = (
        'alert_thresholds: {escalation_pending: "2 hours"}\n'
        'organizations: {north: {alert_thresholds: {escalation_pending: "30 minutes"}}}\n'
    )
    rule = made_of(text)["OrgoEscalationPending"]
    assert "> 1800" in rule["expr"]
    assert "30 minutes" in rule["annotations"]["summary"]


def test_a_frequency_that_no_check_has_makes_no_rule() -> None:
    made = made_of("health_checks: {cache: daily, database: daily}")
    assert not {name for name in made if "Weekly" in name or "Monthly" in name}


def test_a_metric_that_no_exporter_has_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput) as caught:
        made_of("metrics: {queue_length: kafka.lag}")
    assert caught.value.path == "metrics.queue_length"
    assert "rabbitmq.queue_length" in caught.value.sentence


def test_dots_become_colons() -> None:
    assert legal_name("rabbitmq.queue_length") == "rabbitmq:queue_length"


def test_every_rule_has_a_name_of_its_own_and_speaks_in_plain_words() -> None:
    made = [rule for group in groups(Policy()) for rule in group.rules]
    names = [rule.name for rule in made]
    assert len(names) == len(set(names))
    for rule in made:
        assert re.fullmatch("[a-zA-Z][a-zA-Z0-9_:]*", rule.name)
        if isinstance(rule, Alerting):
            assert rule.summary.endswith(".")
            assert not rule.alert.startswith("Orgo")


def test_every_expression_can_be_read_and_asks_for_what_there_is() -> None:
    made = [rule for group in groups(Policy()) for rule in group.rules]
    recorded = {rule.name for rule in made if not isinstance(rule, Alerting)}
    ours = {figure.name for figure in metrics.FIGURES} | COUNTERS
    for rule in made:
        for name in names_in(rule.expr):
            assert not name.startswith("orgo_") or name in ours
            assert ":" not in name or name in recorded


def test_the_rule_of_errors_is_the_portals() -> None:
    assert portal_alerts.FEWEST_EVENTS == rules.FEWEST_EVENTS
    assert portal_alerts.FEWEST_ERRORS == rules.FEWEST_ERRORS
    assert Period(10, "minute") == rules.ERROR_WINDOW


# --- the command --------------------------------------------------------------------------------


def test_the_command_prints_the_rules() -> None:
    assert run("print_prometheus_rules") == (SHIPPED / "orgo_rules.yml").read_text()


def test_the_command_takes_another_policy_and_writes_a_file(tmp_path: Path) -> None:
    policy, rules_path = tmp_path / "policy.yaml", tmp_path / "rules.yml"
    policy.write_text('alert_thresholds: {error_rate: ">50%"}\n')
    assert run("print_prometheus_rules", str(policy), "--output", str(rules_path)) == ""
    assert "> 0.5\n" in rules_path.read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metrics: {cache_hits: memcached.hits}\n", "metrics.cache_hits: no exporter tells"),
        ("alert_thresholds:\n  error_rate: 5\n", ":2:"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(text)
    assert expected in refused("print_prometheus_rules", str(policy))


def test_where_nothing_can_be_written_the_command_says_so(tmp_path: Path) -> None:
    assert "cannot be written" in refused("print_prometheus_rules", "--output", str(tmp_path))
