"""Recorded series: the policy's own metrics under legal names, and the shares that charts show."""

from __future__ import annotations

from collections.abc import Mapping

from monitoring.provisioning.shapes import Group, Recording
from orgo_audit.errors import BadInput
from orgo_audit.policy.schema import Metrics

ERROR_RATIO = "orgo:error_ratio:increase10m"
_EVENTS = "orgo_audit_events_stored_total"
# What the policy may name as its `metrics`, and where an exporter has it.
QUEUE_LENGTHS = {
    "rabbitmq.queue_length": "sum by (vhost, queue) (rabbitmq_detailed_queue_messages)",
    "redis.queue_length": "sum by (db, key) (redis_key_size)",
}
CACHE_HITS = {"redis.cache_hits": "sum by (instance) (redis_keyspace_hits_total)"}


def legal_name(source: str) -> str:
    """A metric's name has no dot."""
    return source.replace(".", ":")


def of_policy(metrics: Metrics) -> Group:
    """BadInput where the policy names a source that no exporter of ours has."""
    return Group(
        "orgo_policy_metrics",
        (
            _known("queue_length", metrics.queue_length, QUEUE_LENGTHS),
            _known("cache_hits", metrics.cache_hits, CACHE_HITS),
        ),
    )


def _known(key: str, source: str, known: Mapping[str, str]) -> Recording:
    if source not in known:
        raise BadInput(
            f"no exporter tells {source!r}; accepted: {', '.join(known)}", path=f"metrics.{key}"
        )
    return Recording(legal_name(source), known[source])


# A denominator of 0 gives no share at all.
SHARES = Group(
    "orgo_shares",
    (
        Recording(
            ERROR_RATIO,
            f'sum(increase({_EVENTS}{{log_type="error"}}[10m]))\n'
            f'  / (sum(increase({_EVENTS}{{log_type=~"activity|error"}}[10m])) > 0)',
        ),
        Recording(
            "orgo:routing_success_ratio:increase1h",
            'sum(increase(orgo_tasks_routed_total{outcome="success"}[1h]))\n'
            '  / (sum(increase(orgo_tasks_routed_total{outcome!="unknown"}[1h])) > 0)',
        ),
        Recording(
            "orgo:emails_received:increase1h", "sum(increase(orgo_emails_received_total[1h]))"
        ),
        Recording(
            "redis:cache_hits:rate5m",
            "sum by (instance) (rate(redis_keyspace_hits_total[5m]))",
        ),
        Recording(
            "redis:cache_hit_ratio:rate5m",
            "sum by (instance) (rate(redis_keyspace_hits_total[5m]))\n"
            "  / (sum by (instance) (rate(redis_keyspace_hits_total[5m]))\n"
            "     + sum by (instance) (rate(redis_keyspace_misses_total[5m])) > 0)",
        ),
        Recording(
            "node:cpu_utilisation:ratio",
            '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))',
        ),
        Recording(
            "node:memory_utilisation:ratio",
            "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        ),
        Recording(
            "node:filesystem_used:ratio",
            '1 - node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs"}\n'
            '  / (node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|squashfs"} > 0)',
        ),
        Recording(
            "postgresql:connections_used:ratio",
            "sum by (instance) (pg_stat_activity_count)\n"
            "  / (max by (instance) (pg_settings_max_connections) > 0)",
        ),
    ),
)
