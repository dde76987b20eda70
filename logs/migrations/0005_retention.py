"""The tables of retention: holds, closed months, plans, runs, resolutions, certificates."""

from __future__ import annotations

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_sessions"),
        ("logs", "0004_two_worlds"),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("policy_version", models.BigIntegerField()),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["finished_at"], name="run_finished")],
            },
        ),
        migrations.CreateModel(
            name="PlannedDestruction",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("segment", models.CharField(max_length=20)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("drop", "the whole segment"),
                            ("remove", "one organization's events"),
                            ("case", "one case"),
                            ("erase", "a person's events, on request"),
                        ],
                        max_length=6,
                    ),
                ),
                ("period", models.CharField(max_length=200)),
                ("policy_version", models.BigIntegerField()),
                ("rows", models.BigIntegerField()),
                ("bytes", models.BigIntegerField()),
                ("due_at", models.DateTimeField()),
                (
                    "published_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "approved_by",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=150), default=list, size=None
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "planned"),
                            ("done", "done"),
                            ("superseded", "no longer due"),
                            ("held", "held"),
                        ],
                        default="planned",
                        max_length=10,
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="logs.retentionrun",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "verbose_name_plural": "retention",
            },
        ),
        migrations.CreateModel(
            name="SegmentClosure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("segment", models.CharField(max_length=20)),
                (
                    "closed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("rows", models.BigIntegerField()),
                ("digest", models.CharField(max_length=64)),
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
            name="LegalHold",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("matter", models.CharField(max_length=200)),
                ("reason", models.CharField(max_length=2000)),
                ("owner", models.CharField(max_length=150)),
                (
                    "scope_kind",
                    models.CharField(
                        choices=[
                            ("segment", "segment"),
                            ("task", "task"),
                            ("user", "user"),
                            ("case", "case"),
                        ],
                        max_length=7,
                    ),
                ),
                ("scope_value", models.CharField(max_length=500)),
                ("placed_at", models.DateTimeField()),
                ("placed_by", models.CharField(max_length=150)),
                ("review_on", models.DateField()),
                ("release_asked_by", models.CharField(blank=True, max_length=150)),
                ("release_asked_at", models.DateTimeField(null=True)),
                ("released_by", models.CharField(blank=True, max_length=150)),
                ("released_at", models.DateTimeField(null=True)),
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
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("released_at", None)),
                        fields=["organization"],
                        name="hold_active",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("scope_kind__in", ["segment", "task", "user", "case"])),
                        name="hold_scope_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("matter", ""), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            models.Q(("owner", ""), _negated=True),
                            models.Q(("scope_value", ""), _negated=True),
                        ),
                        name="hold_says_all",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("release_asked_at", None), ("release_asked_by", "")),
                            models.Q(
                                models.Q(("release_asked_by", ""), _negated=True),
                                ("release_asked_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="hold_release_asked_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("released_at", None), ("released_by", "")),
                            models.Q(
                                models.Q(("released_by", ""), _negated=True),
                                ("release_asked_at__isnull", False),
                                ("released_at__isnull", False),
                                models.Q(
                                    ("released_by", models.F("release_asked_by")), _negated=True
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="hold_released_by_a_second_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DestructionCertificate",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("segment", models.CharField(blank=True, max_length=20)),
                ("case_code", models.UUIDField(null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("drop", "the whole segment"),
                            ("remove", "one organization's events"),
                            ("case", "one case"),
                            ("erase", "a person's events, on request"),
                        ],
                        max_length=6,
                    ),
                ),
                ("first_recorded_at", models.DateTimeField(null=True)),
                ("last_recorded_at", models.DateTimeField(null=True)),
                ("rows_at_closing", models.BigIntegerField()),
                ("rows_destroyed", models.BigIntegerField()),
                ("rows_held", models.BigIntegerField(db_default=0)),
                ("digest_at_closing", models.CharField(blank=True, max_length=64)),
                ("policy_version", models.BigIntegerField()),
                ("period", models.CharField(max_length=200)),
                (
                    "approved_by",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=150), default=list, size=None
                    ),
                ),
                ("announcement", models.UUIDField(null=True)),
                ("destroyed_at", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="logs.planneddestruction",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "certificates",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["organization", "-destroyed_at", "-id"], name="certificate_in_order"
                    ),
                    models.Index(fields=["segment"], name="certificate_of_segment"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("plan__isnull", False)),
                        fields=("plan", "organization"),
                        name="certificate_once",
                        nulls_distinct=False,
                    ),
                    models.UniqueConstraint(fields=("case_code",), name="certificate_of_case_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "erase")),
                        fields=("announcement", "segment"),
                        name="certificate_of_erasure_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("announcement__isnull", False),
                                ("case_code", None),
                                ("kind__in", ["drop", "remove"]),
                                ("plan__isnull", False),
                            ),
                            models.Q(
                                ("announcement", None),
                                ("case_code__isnull", False),
                                ("kind", "case"),
                                ("plan", None),
                            ),
                            models.Q(
                                ("announcement__isnull", False),
                                ("case_code", None),
                                ("kind", "erase"),
                                ("plan", None),
                            ),
                            _connector="OR",
                        ),
                        name="certificate_says_what_went",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RetentionResolution",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kept", models.CharField(max_length=20)),
                (
                    "decision",
                    models.CharField(
                        choices=[
                            ("keep_to_floor", "keep to the floor"),
                            ("destroy_at_ceiling", "destroy at the ceiling"),
                        ],
                        max_length=20,
                    ),
                ),
                ("basis", models.CharField(max_length=2000)),
                ("decided_by", models.CharField(max_length=150)),
                (
                    "decided_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
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
                "default_permissions": ("view",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decision__in", ["keep_to_floor", "destroy_at_ceiling"])
                        ),
                        name="resolution_decision_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kept__in", ["activity_logs", "security_logs", "error_logs", "cases"])
                        ),
                        name="resolution_kept_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("basis", ""), _negated=True),
                            models.Q(("decided_by", ""), _negated=True),
                        ),
                        name="resolution_has_a_basis",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="planneddestruction",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["planned", "done", "superseded", "held"])),
                name="planned_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="planneddestruction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "drop"), ("organization", None)),
                    models.Q(("kind", "remove"), ("organization__isnull", False)),
                    _connector="OR",
                ),
                name="planned_for_one_or_all",
            ),
        ),
        migrations.AddConstraint(
            model_name="planneddestruction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "planned")),
                fields=("segment", "organization", "kind"),
                name="planned_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="segmentclosure",
            constraint=models.UniqueConstraint(
                fields=("segment", "organization"), name="closure_once"
            ),
        ),
    ]
