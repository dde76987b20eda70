"""Alerts about what the portal stands on: machine, broker, cache, database, Prometheus itself."""

from __future__ import annotations

from monitoring.provisioning.shapes import Alerting, Group

# A platform without one of these has no such job: only what is asked and does not answer is away.
SERVERS = Group(
    "orgo_servers",
    (
        Alerting(
            "OrgoRabbitmqDown",
            'up{job=~"rabbitmq|rabbitmq_queues"} == 0',
            "3m",
            "critical",
            "RabbitMQ Down",
            "RabbitMQ does not answer: no periodic work is handed out, and nobody watches.",
        ),
        Alerting(
            "OrgoRedisDown",
            'redis_up == 0 or up{job="redis"} == 0',
            "3m",
            "critical",
            "Redis Down",
            "Redis or its exporter does not answer.",
        ),
        Alerting(
            "OrgoPostgresqlDown",
            'pg_up == 0 or up{job="postgresql"} == 0',
            "3m",
            "critical",
            "PostgreSQL Down",
            "PostgreSQL or its exporter does not answer.",
        ),
        Alerting(
            "OrgoTargetMissing",
            'up{job=~"node|alertmanager|prometheus"} == 0',
            "5m",
            "warning",
            "Target Missing",
            "Prometheus gets no answer from {{ $labels.job }} at {{ $labels.instance }}.",
        ),
        Alerting(
            "OrgoQueueWithoutConsumer",
            "rabbitmq_detailed_queue_messages > 0\n"
            "  and rabbitmq_detailed_queue_consumers == 0\n"
            "  and deriv(rabbitmq_detailed_queue_messages[10m]) > 0",
            "10m",
            "critical",
            "Queue Without Consumer",
            "The queue {{ $labels.queue }} grows and nobody takes from it: {{ $value }} messages.",
        ),
        Alerting(
            "OrgoRabbitmqAlarm",
            "rabbitmq_alarms_memory_used_watermark == 1\n"
            "  or rabbitmq_alarms_free_disk_space_watermark == 1",
            "1m",
            "critical",
            "RabbitMQ Takes Nothing",
            "RabbitMQ is short of memory or disk, and takes no message.",
        ),
        Alerting(
            "OrgoRedisEvicts",
            "increase(redis_evicted_keys_total[10m]) > 0",
            "0m",
            "warning",
            "Redis Evicts Keys",
            "Redis is full and threw away {{ $value | humanize }} keys within ten minutes.",
        ),
        Alerting(
            "OrgoPostgresqlDeadlocks",
            "increase(pg_stat_database_deadlocks[10m]) > 0",
            "0m",
            "warning",
            "PostgreSQL Deadlocks",
            "In {{ $labels.datname }}, {{ $value | humanize }} deadlocks within ten minutes.",
        ),
        Alerting(
            "OrgoPostgresqlConnections",
            "postgresql:connections_used:ratio > 0.8",
            "5m",
            "warning",
            "PostgreSQL Connections Near Limit",
            "PostgreSQL has {{ $value | humanizePercentage }} of its connections in use.",
        ),
    ),
)
MACHINE = Group(
    "orgo_machine",
    (
        Alerting(
            "OrgoProcessorBusy",
            "node:cpu_utilisation:ratio > 0.9",
            "15m",
            "warning",
            "Processor Busy",
            "The processors of {{ $labels.instance }} are {{ $value | humanizePercentage }} busy.",
        ),
        Alerting(
            "OrgoMemoryShort",
            "node:memory_utilisation:ratio > 0.92",
            "10m",
            "warning",
            "Memory Short",
            "{{ $value | humanizePercentage }} of the memory of {{ $labels.instance }} is in use.",
        ),
        Alerting(
            "OrgoDiskShort",
            "node:filesystem_used:ratio > 0.9 and node_filesystem_readonly == 0",
            "10m",
            "warning",
            "Disk Short",
            "The disk at {{ $labels.mountpoint }} is {{ $value | humanizePercentage }} full.",
        ),
        Alerting(
            "OrgoDiskFull",
            "node:filesystem_used:ratio > 0.97 and node_filesystem_readonly == 0",
            "5m",
            "critical",
            "Disk Full",
            "The disk at {{ $labels.mountpoint }} is {{ $value | humanizePercentage }} full.",
        ),
    ),
)
PROMETHEUS = Group(
    "orgo_prometheus",
    (
        Alerting(
            "OrgoRulesFail",
            "increase(prometheus_rule_evaluation_failures_total[10m]) > 0",
            "0m",
            "warning",
            "Prometheus Rules Fail",
            "Prometheus could not judge some of its rules: {{ $labels.rule_group }}.",
        ),
        Alerting(
            "OrgoAlertmanagerFails",
            "increase(alertmanager_notifications_failed_total[10m]) > 0",
            "5m",
            "warning",
            "Alertmanager Fails",
            "Alertmanager could not tell people something by {{ $labels.integration }}.",
        ),
    ),
)
GROUPS = (SERVERS, MACHINE, PROMETHEUS)
