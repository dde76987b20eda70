"""Every counter of the record: name, unit, meaning; labels from closed sets, never a person.

What can be asked of the database is no counter: `monitoring/metrics.py` has the gauges.
"""

from __future__ import annotations

from prometheus_client import Counter

EVENTS_STORED = Counter(
    "orgo_audit_events_stored_total",
    "Events stored in the record, but for those that were replayed out of quarantine, and for the"
    " steps of alerts.",
    ["log_type"],
)
for _log_type in ("activity", "security", "error"):
    EVENTS_STORED.labels(log_type=_log_type)  # from 0 on: `rate()` misses what a series begins with
EVENTS_REFUSED = Counter(
    "orgo_audit_events_refused_total",
    "Items refused at the door and kept in quarantine.",
    ["log_type"],
)
QUARANTINE_SETTLED = Counter(
    "orgo_audit_quarantine_settled_total",
    "Refused items that left quarantine: accepted when replayed, discarded, expired or surplus.",
    ["how"],
)
EVENTS_DESTROYED = Counter(
    "orgo_audit_events_destroyed_total",
    "Events destroyed because their retention period was over.",
    ["log_type"],
)
EMAILS_RECEIVED = Counter(
    "orgo_emails_received_total",
    "E-mails that services reported as received, but for test mails of health checks and imports.",
)
TASKS_ROUTED = Counter(
    "orgo_tasks_routed_total",
    "Routings of tasks that services reported, by how they ended, but for those of test mails and"
    " imports.",
    ["outcome"],
)
for _outcome in ("success", "failure", "denied", "unknown"):
    TASKS_ROUTED.labels(outcome=_outcome)
