"""All that other apps may touch of the record."""

from __future__ import annotations

from logs.cases.access import sees_cases
from logs.record.access import sync_grants
from logs.record.beats import vault_problem, worker_problem
from logs.record.own_events import (
    report_account,
    report_administration,
    report_failed_sign_in,
    report_lockout,
    report_refusal,
)
from logs.record.partitions import make_segments, missing_segments
from logs.record.policy_loading import accept as accept_policy
from logs.record.policy_loading import load as load_policy
from logs.retention.foresight import described_destruction
from logs.retention.runs import is_overdue as retention_is_overdue

__all__ = [
    "accept_policy",
    "described_destruction",
    "load_policy",
    "make_segments",
    "missing_segments",
    "report_account",
    "report_administration",
    "report_failed_sign_in",
    "report_lockout",
    "report_refusal",
    "retention_is_overdue",
    "sees_cases",
    "sync_grants",
    "vault_problem",
    "worker_problem",
]
