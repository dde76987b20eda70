"""All that other apps may touch of the record."""

from __future__ import annotations

from logs.cases.access import sees_cases
from logs.cases.beat import is_alive as vault_is_alive
from logs.record.access import sync_grants
from logs.record.own_events import (
    report_administration,
    report_failed_sign_in,
    report_lockout,
    report_password_change,
    report_refusal,
    report_second_factor,
    report_sessions_ended,
    report_sign_in,
    report_sign_out,
    report_unlock,
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
    "report_administration",
    "report_failed_sign_in",
    "report_lockout",
    "report_password_change",
    "report_refusal",
    "report_second_factor",
    "report_sessions_ended",
    "report_sign_in",
    "report_sign_out",
    "report_unlock",
    "retention_is_overdue",
    "sees_cases",
    "sync_grants",
    "vault_is_alive",
]
