"""The dashboard of what waits and what is kept at hand: RabbitMQ and Redis."""

from __future__ import annotations

from monitoring.provisioning.dashboards.shapes import Dashboard, Panel, Query

QUEUES = Dashboard(
    "queues",
    "queues and cache",
    "RabbitMQ's queues and Redis (or Valkey).",
    (
        Panel(
            "Queue length",
            "The policy's queue_length: all messages of a queue, those at work included.",
            (Query("rabbitmq:queue_length", "{{queue}}"),),
        ),
        Panel(
            "Ready",
            "Messages that wait for somebody to take them.",
            (Query("sum by (vhost, queue) (rabbitmq_detailed_queue_messages_ready)", "{{queue}}"),),
        ),
        Panel(
            "At work",
            "Messages that were taken and are not acknowledged yet.",
            (
                Query(
                    "sum by (vhost, queue) (rabbitmq_detailed_queue_messages_unacked)", "{{queue}}"
                ),
            ),
        ),
        Panel(
            "Consumers",
            "Who takes messages. A queue that grows and has none is an alert.",
            (Query("sum by (vhost, queue) (rabbitmq_detailed_queue_consumers)", "{{queue}}"),),
        ),
        Panel(
            "Messages",
            "Messages a second, into RabbitMQ and out of it.",
            (
                Query("sum(rate(rabbitmq_global_messages_received_total[$__rate_interval]))", "in"),
                Query(
                    "sum(rate(rabbitmq_global_messages_delivered_total[$__rate_interval]))", "out"
                ),
            ),
            unit="ops",
        ),
        Panel(
            "RabbitMQ's memory and disk",
            "What it uses, and what is left of its disk.",
            (
                Query("rabbitmq_process_resident_memory_bytes", "memory in use"),
                Query("rabbitmq_resident_memory_limit_bytes", "memory at most"),
                Query("rabbitmq_disk_space_available_bytes", "disk available"),
            ),
            unit="bytes",
        ),
        Panel(
            "Cache hit ratio",
            "Share of the keys asked for that were there.",
            (Query("redis:cache_hit_ratio:rate5m", "{{instance}}"),),
            unit="percentunit",
            top=1,
        ),
        Panel(
            "Hits and misses",
            "The policy's cache_hits, a second.",
            (
                Query("redis:cache_hits:rate5m", "{{instance}} hits"),
                Query(
                    "sum by (instance) (rate(redis_keyspace_misses_total[$__rate_interval]))",
                    "{{instance}} misses",
                ),
            ),
            unit="ops",
        ),
        Panel(
            "Evictions",
            "Keys a second that Redis threw away because it was full.",
            (
                Query(
                    "sum by (instance) (rate(redis_evicted_keys_total[$__rate_interval]))",
                    "{{instance}}",
                ),
            ),
            unit="ops",
        ),
        Panel(
            "Redis's memory",
            "At most 0 means: no limit.",
            (
                Query("redis_memory_used_bytes", "{{instance}} in use"),
                Query("redis_memory_max_bytes", "{{instance}} at most"),
            ),
            unit="bytes",
        ),
        Panel(
            "Clients",
            "Connections to RabbitMQ and to Redis.",
            (
                Query("rabbitmq_connections", "RabbitMQ"),
                Query("redis_connected_clients", "Redis {{instance}}"),
            ),
        ),
        Panel(
            "Redis commands",
            "Commands a second.",
            (
                Query(
                    "sum by (instance) (rate(redis_commands_processed_total[$__rate_interval]))",
                    "{{instance}}",
                ),
            ),
            unit="ops",
        ),
    ),
)
