"""Every metric of the record: name, unit, meaning; labels from closed sets, never a person."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

EVENTS_STORED = Counter(
    "orgo_audit_events_stored_total",
    "Events stored in the record, but for those that were replayed out of quarantine.",
    ["log_type"],
)
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
VAULT_UP = Gauge(
    "orgo_audit_vault_up",
    "1 while the vault's process is alive; 0: sensitive events wait in its inbox.",
    multiprocess_mode="mostrecent",
)
