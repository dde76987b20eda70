"""Copies of events, folded and counted, from which the portal watches."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_sessions"),
        ("logs", "0007_erasure"),
    ]

    operations = [
        migrations.CreateModel(
            name="FoldMark",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="HourCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "measure",
                    models.CharField(
                        choices=[
                            ("mails", "e-mails received"),
                            ("routed", "tasks routed"),
                            ("routed_well", "tasks routed with success"),
                            ("activity", "activity events"),
                            ("errors", "error events"),
                        ],
                        max_length=12,
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("number", models.PositiveIntegerField()),
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
                "default_permissions": (),
                "indexes": [models.Index(fields=["hour"], name="hour_count_hour")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "measure", "hour"), name="hour_count_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TaskClock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("task_id", models.CharField(max_length=500)),
                ("moved_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField()),
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
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("completed_at", None),
                            ("moved_at__gt", models.F("completed_at")),
                            _connector="OR",
                        ),
                        fields=["moved_at"],
                        name="task_clock_open",
                    ),
                    models.Index(fields=["recorded_at"], name="task_clock_recorded_at"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "task_id"), name="task_clock_once"
                    )
                ],
            },
        ),
    ]
