"""Every metric of the record: name, unit, meaning; labels from closed sets, never a person."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

EVENTS_STORED = Counter(
    "orgo_audit_events_stored_total",
    "Events stored in the record, but for those that were replayed out of quarantine.",
    ["log_type"],
)
for _log_type in ("activity", "security", "error"):
    EVENTS_STORED.labels(log_type=_log_type)  # from 0 on: `rate()` misses what a series begins with
EVENTS_REFUSED = Counter(
    "orgo_audit_events_refused_total",
    "Items refused at the door and kept in quarantine.",
    ["log_type"],
)
QUARANTINE_ITEMS = Gauge(
    "orgo_audit_quarantine_items",
    "Refused items that wait in quarantine, counted every minute.",
    multiprocess_mode="mostrecent",
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
RETENTION_FINISHED = Gauge(
    "orgo_audit_retention_last_run_timestamp_seconds",
    "When the nightly retention run last got to its end. Older than 26 hours: a night was missed.",
    multiprocess_mode="mostrecent",
)
VAULT_SEEN = Gauge(
    "orgo_audit_vault_last_seen_timestamp_seconds",
    "When the vault was last at work. Older than two minutes: sensitive events wait in its inbox,"
    " or the worker, which tells it, is away.",
    multiprocess_mode="mostrecent",
)
