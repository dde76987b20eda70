"""All that other apps may touch of the record."""

from __future__ import annotations

from logs.cases.access import sees_cases
from logs.record.access import Viewer, readable, sync_grants
from logs.record.arrivals import Arrivals, arrivals
from logs.record.beats import vault_is_behind, vault_problem, vault_seen, worker_problem
from logs.record.bounds import quarantined
from logs.record.hour_counts import HEALTH_CHECK, Measure
from logs.record.hour_counts import count as count_hours
from logs.record.hour_counts import counts as hour_counts
from logs.record.own_events import (
    AlertStep,
    are_ordinary,
    ordinary_words,
    report_account,
    report_administration,
    report_alerts,
    report_failed_sign_in,
    report_lockout,
    report_rate_limit,
    report_read,
    report_refusal,
)
from logs.record.partitions import make_segments, missing_segments
from logs.record.policy_loading import accept as accept_policy
from logs.record.policy_loading import load as load_policy
from logs.record.references import digest_of_task, sensitive_digests
from logs.record.task_clocks import OpenTask, Unmoved, open_tasks, unmoved
from logs.record.task_clocks import fold as fold_task_clocks
from logs.record.task_clocks import forget as forget_task_clocks
from logs.record.wire import format_instant
from logs.retention.foresight import described_destruction
from logs.retention.runs import is_overdue as retention_is_overdue
from logs.retention.runs import last_finished as retention_finished

__all__ = [
    "AlertStep",
    "Arrivals",
    "HEALTH_CHECK",
    "Measure",
    "OpenTask",
    "Unmoved",
    "Viewer",
    "accept_policy",
    "are_ordinary",
    "arrivals",
    "count_hours",
    "described_destruction",
    "digest_of_task",
    "fold_task_clocks",
    "forget_task_clocks",
    "format_instant",
    "hour_counts",
    "load_policy",
    "make_segments",
    "missing_segments",
    "open_tasks",
    "ordinary_words",
    "quarantined",
    "readable",
    "report_account",
    "report_administration",
    "report_alerts",
    "report_failed_sign_in",
    "report_lockout",
    "report_rate_limit",
    "report_read",
    "report_refusal",
    "retention_finished",
    "retention_is_overdue",
    "sees_cases",
    "sensitive_digests",
    "sync_grants",
    "unmoved",
    "vault_is_behind",
    "vault_problem",
    "vault_seen",
    "worker_problem",
]
