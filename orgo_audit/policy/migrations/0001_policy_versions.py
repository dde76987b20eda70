"""Makes the table of policy versions. Never edited after 1.0."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models import Q

_STATES = [
    ("accepted", "accepted"),
    ("waiting", "waits for a decision"),
    ("refused", "refused"),
    ("superseded", "replaced before it was decided"),
]
_FIELDS: list[tuple[str, models.Field[Any, Any]]] = [
    (
        "id",
        models.BigAutoField(
            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
        ),
    ),
    ("text", models.TextField()),
    ("digest", models.CharField(help_text="SHA-256 of the file's bytes", max_length=64)),
    ("state", models.CharField(choices=_STATES, max_length=10)),
    ("author", models.TextField(help_text="owner of the file when it was loaded")),
    ("loaded_at", models.DateTimeField()),
    ("decided_at", models.DateTimeField(null=True)),
    ("decided_by", models.TextField(blank=True, help_text="empty where nobody had to decide")),
    (
        "withdrawn_at",
        models.DateTimeField(help_text="when the file went back to the text in force", null=True),
    ),
    ("diff", models.TextField(blank=True, help_text="against the text then in force")),
    ("problem", models.TextField(blank=True, help_text="why it was refused, with line and column")),
    ("consequences", models.JSONField(blank=True, default=list)),
    (
        "plain",
        models.JSONField(
            blank=True,
            help_text="the policy it makes, defaults and overrides filled in, as SQL can read it",
            null=True,
        ),
    ),
]
_CONSTRAINTS = [
    models.CheckConstraint(
        condition=Q(state__in=[state for state, _ in _STATES]), name="policy_version_state_known"
    ),
    models.CheckConstraint(
        condition=Q(decided_at=None, state="waiting")
        | (~Q(state="waiting") & Q(decided_at__isnull=False)),
        name="policy_version_decided_unless_waiting",
    ),
    models.CheckConstraint(
        condition=Q(problem="") | Q(state="refused"), name="policy_version_problem_refused"
    ),
    models.CheckConstraint(
        condition=~Q(problem="") | Q(plain__isnull=False),
        name="policy_version_plain_unless_problem",
    ),
    models.UniqueConstraint(
        condition=Q(state="waiting"), fields=("state",), name="policy_version_one_waits"
    ),
]


class Migration(migrations.Migration):
    initial = True
    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="PolicyVersion",
            fields=_FIELDS,
            options={
                "verbose_name": "policy version",
                "ordering": ("-id",),
                "constraints": _CONSTRAINTS,
            },
        )
    ]
