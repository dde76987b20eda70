"""Alerts with their steps, what is told about them, and runs of health checks."""

from __future__ import annotations

import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import monitoring.alerting.vocabulary


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0002_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="QueueSample",
            fields=[
                ("measured_at", models.DateTimeField(primary_key=True, serialize=False)),
                ("waiting", models.PositiveIntegerField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="WatchMark",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("finished_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("error_rate", "error rate"),
                            ("escalation_pending", "escalation pending"),
                            ("escalation_near", "escalation near"),
                            ("email_volume", "email volume"),
                            ("failed_logins", "failed logins"),
                            ("access_violations", "access violations"),
                            ("health_check", "health check"),
                            ("heartbeat", "heartbeat"),
                            ("vault_lag", "vault lag"),
                            ("retention", "retention"),
                            ("alertmanager", "alertmanager"),
                        ],
                        max_length=20,
                    ),
                ),
                ("subject", models.CharField(blank=True, max_length=500)),
                ("name", models.CharField(max_length=200, verbose_name="alert")),
                (
                    "severity",
                    models.CharField(
                        choices=[
                            ("info", "info"),
                            ("warning", "warning"),
                            ("critical", "critical"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("firing", "firing"),
                            ("acknowledged", "acknowledged"),
                            ("escalated", "escalated"),
                            ("resolved", "resolved"),
                            ("silenced", "silenced"),
                        ],
                        max_length=12,
                    ),
                ),
                ("task_id", models.CharField(max_length=500, null=True, verbose_name="task")),
                ("task_digest", models.BinaryField(max_length=32, null=True)),
                ("told", models.JSONField(default=dict)),
                ("fired_at", models.DateTimeField(verbose_name="fired")),
                ("resolved_at", models.DateTimeField(null=True, verbose_name="resolved")),
                ("cleared_at", models.DateTimeField(null=True)),
                ("silenced_until", models.DateTimeField(null=True)),
                ("steps_taken", models.PositiveSmallIntegerField(default=0)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="AlertTransition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("firing", "firing"),
                            ("acknowledged", "acknowledged"),
                            ("escalated", "escalated"),
                            ("resolved", "resolved"),
                            ("silenced", "silenced"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=150)),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transitions",
                        to="monitoring.alert",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="HealthCheckResult",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=40, verbose_name="check")),
                (
                    "state",
                    models.CharField(
                        choices=[("ok", "ok"), ("failed", "failed"), ("skipped", "skipped")],
                        max_length=8,
                    ),
                ),
                ("started_at", models.DateTimeField(verbose_name="run")),
                ("duration_ms", models.PositiveIntegerField(verbose_name="duration")),
                ("detail", models.CharField(max_length=1000)),
                ("facts", models.JSONField(default=dict)),
                ("asked_by", models.CharField(blank=True, max_length=150, verbose_name="asked by")),
            ],
            options={
                "verbose_name": "health check",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["name", "started_at", "id"], name="health_check_history"),
                    models.Index(fields=["started_at", "id"], name="health_check_in_order"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["ok", "failed", "skipped"])),
                        name="health_check_state_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("fired", "fired"),
                            ("escalated", "escalated"),
                            ("resolved", "resolved"),
                        ],
                        max_length=10,
                    ),
                ),
                ("receiver", models.CharField(max_length=255)),
                (
                    "alerts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), size=None
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("sent", "sent"),
                            ("given_up", "given up"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("made_at", models.DateTimeField()),
                ("next_try_at", models.DateTimeField()),
                ("claimed_until", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="DeliveryTry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=12)),
                ("at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[("sent", "sent"), ("refused", "refused"), ("skipped", "skipped")],
                        max_length=8,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=200)),
                (
                    "notification",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trail",
                        to="monitoring.notification",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["organization", "fired_at", "id"], name="alert_in_order"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("task_digest__isnull", False)),
                fields=["task_digest"],
                name="alert_task",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("cleared_at", None)),
                fields=("organization", "rule", "subject"),
                name="alert_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "rule__in",
                        [
                            "error_rate",
                            "escalation_pending",
                            "escalation_near",
                            "email_volume",
                            "failed_logins",
                            "access_violations",
                            "health_check",
                            "heartbeat",
                            "vault_lag",
                            "retention",
                            "alertmanager",
                        ],
                    )
                ),
                name="alert_rule_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["firing", "acknowledged", "escalated", "resolved", "silenced"])
                ),
                name="alert_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity__in", ["info", "warning", "critical"])),
                name="alert_severity_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("resolved_at__isnull", False),
                        ("state", monitoring.alerting.vocabulary.State["RESOLVED"]),
                    ),
                    models.Q(
                        models.Q(
                            ("state", monitoring.alerting.vocabulary.State["RESOLVED"]),
                            _negated=True,
                        ),
                        ("cleared_at", None),
                        ("resolved_at", None),
                    ),
                    _connector="OR",
                ),
                name="alert_resolved_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", monitoring.alerting.vocabulary.State["SILENCED"]),
                    ("silenced_until", None),
                    _connector="XOR",
                ),
                name="alert_silenced_until_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="alerttransition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["firing", "acknowledged", "escalated", "resolved", "silenced"])
                ),
                name="transition_state_known",
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["alerts"], name="notification_alerts"
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("settled_at", None)),
                fields=["next_try_at"],
                name="notification_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["fired", "escalated", "resolved"])),
                name="notification_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "sent", "given_up"])),
                name="notification_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "waiting"), ("settled_at__isnull", False), _connector="XOR"
                ),
                name="notification_settled_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="deliverytry",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["sent", "refused", "skipped"])),
                name="delivery_outcome_known",
            ),
        ),
    ]
