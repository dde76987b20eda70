"""The closed sets of alerts: what they are about, how grave they are, where they stand."""

from __future__ import annotations

from enum import StrEnum


class Rule(StrEnum):
    """What an alert is about; also a label of metrics."""

    ERROR_RATE = "error_rate"
    ESCALATION_PENDING = "escalation_pending"
    ESCALATION_NEAR = "escalation_near"
    EMAIL_VOLUME = "email_volume"
    FAILED_LOGINS = "failed_logins"
    ACCESS_VIOLATIONS = "access_violations"
    HEALTH_CHECK = "health_check"
    HEARTBEAT = "heartbeat"
    VAULT_LAG = "vault_lag"
    RETENTION = "retention"
    ALERTMANAGER = "alertmanager"


class Severity(StrEnum):
    """Information is listed; of the others people are told."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class State(StrEnum):
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    SILENCED = "silenced"


ACTIONS = {
    State.FIRING: "Alert Fired",
    State.ACKNOWLEDGED: "Alert Acknowledged",
    State.ESCALATED: "Alert Escalated",
    State.SILENCED: "Alert Silenced",
    State.RESOLVED: "Alert Resolved",
}
