"""The dashboard of the machines: processors, memory, disks."""

from __future__ import annotations

from monitoring.provisioning.dashboards.shapes import Dashboard, Panel, Query

PLATFORM = Dashboard(
    "platform",
    "platform",
    "The machines that the portal and its servers run on.",
    (
        Panel(
            "Processors in use",
            "Share of all processors' time that is not idle.",
            (Query("node:cpu_utilisation:ratio", "{{instance}}"),),
            unit="percentunit",
            top=1,
            limit=0.9,
        ),
        Panel(
            "Processors by mode",
            "What the processors do, in processors.",
            (
                Query(
                    'sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[$__rate_interval]))',
                    "{{mode}}",
                ),
            ),
            stacked=True,
        ),
        Panel(
            "Load",
            "Processes that run or want to.",
            (
                Query("node_load1", "{{instance}} 1 min"),
                Query("node_load5", "{{instance}} 5 min"),
                Query("node_load15", "{{instance}} 15 min"),
            ),
        ),
        Panel(
            "Memory in use",
            "Share of the memory that no process could have any more.",
            (Query("node:memory_utilisation:ratio", "{{instance}}"),),
            unit="percentunit",
            top=1,
            limit=0.92,
        ),
        Panel(
            "Memory",
            "What there is, and what could still be had.",
            (
                Query("node_memory_MemTotal_bytes", "{{instance}} in all"),
                Query("node_memory_MemAvailable_bytes", "{{instance}} available"),
            ),
            unit="bytes",
        ),
        Panel(
            "Network",
            "Bytes a second, but for those of a machine to itself.",
            (
                Query(
                    "sum by (instance) (rate(node_network_receive_bytes_total"
                    '{device!="lo"}[$__rate_interval]))',
                    "{{instance}} in",
                ),
                Query(
                    "sum by (instance) (rate(node_network_transmit_bytes_total"
                    '{device!="lo"}[$__rate_interval]))',
                    "{{instance}} out",
                ),
            ),
            unit="Bps",
        ),
        Panel(
            "Disks in use",
            "Share of each file system that is taken.",
            (Query("node:filesystem_used:ratio", "{{instance}} {{mountpoint}}"),),
            unit="percentunit",
            top=1,
            limit=0.9,
        ),
        Panel(
            "Disks at work",
            "Share of the time in which the disk had something to do.",
            (
                Query(
                    "rate(node_disk_io_time_seconds_total[$__rate_interval])",
                    "{{instance}} {{device}}",
                ),
            ),
            unit="percentunit",
            top=1,
        ),
        Panel(
            "Disk traffic",
            "Bytes a second.",
            (
                Query(
                    "sum by (instance) (rate(node_disk_read_bytes_total[$__rate_interval]))",
                    "{{instance}} read",
                ),
                Query(
                    "sum by (instance) (rate(node_disk_written_bytes_total[$__rate_interval]))",
                    "{{instance}} written",
                ),
            ),
            unit="Bps",
        ),
        Panel(
            "Who answers Prometheus",
            "1 where the last question was answered.",
            (Query("min by (job) (up)", "{{job}}"),),
            kind="stat",
            width=24,
            limit=1,
            below=True,
        ),
    ),
)
