"""The dashboard of the database that holds the record."""

from __future__ import annotations

from monitoring.provisioning.dashboards.shapes import Dashboard, Panel, Query

_HIT = "sum by (datname) (rate(pg_stat_database_blks_hit[$__rate_interval]))"
_READ = "sum by (datname) (rate(pg_stat_database_blks_read[$__rate_interval]))"


def _rate(metric: str) -> str:
    return f"sum by (datname) (rate(pg_stat_database_{metric}[$__rate_interval]))"


POSTGRESQL = Dashboard(
    "postgresql",
    "PostgreSQL",
    "The database that holds the record.",
    (
        Panel(
            "PostgreSQL answers",
            "1 where its exporter could log in.",
            (Query("pg_up", "{{instance}}"),),
            kind="stat",
            width=4,
            limit=1,
            below=True,
        ),
        Panel(
            "Connections",
            "By what they do.",
            (Query("sum by (state) (pg_stat_activity_count)", "{{state}}"),),
            width=10,
            stacked=True,
        ),
        Panel(
            "Connections in use",
            "Share of max_connections.",
            (Query("postgresql:connections_used:ratio", "{{instance}}"),),
            unit="percentunit",
            width=10,
            top=1,
            limit=0.8,
        ),
        Panel(
            "Transactions",
            "Transactions a second.",
            (
                Query(_rate("xact_commit"), "{{datname}} committed"),
                Query(_rate("xact_rollback"), "{{datname}} rolled back"),
            ),
            unit="ops",
        ),
        Panel(
            "Deadlocks",
            "Within the last ten minutes. Each is an alert.",
            (Query("increase(pg_stat_database_deadlocks[10m])", "{{datname}}"),),
        ),
        Panel(
            "Size",
            "Of each database, indexes included.",
            (Query("pg_database_size_bytes", "{{datname}}"),),
            unit="bytes",
        ),
        Panel(
            "Cache hit ratio",
            "Share of the blocks asked for that PostgreSQL had in memory.",
            (Query(f"{_HIT} / ({_HIT} + {_READ} > 0)", "{{datname}}"),),
            unit="percentunit",
            top=1,
        ),
        Panel(
            "Rows",
            "Rows a second.",
            (
                Query(_rate("tup_inserted"), "{{datname}} inserted"),
                Query(_rate("tup_updated"), "{{datname}} updated"),
                Query(_rate("tup_deleted"), "{{datname}} deleted"),
            ),
            unit="ops",
        ),
        Panel(
            "Locks",
            "Held or asked for, by mode.",
            (Query("sum by (mode) (pg_locks_count)", "{{mode}}"),),
            stacked=True,
        ),
    ),
)
