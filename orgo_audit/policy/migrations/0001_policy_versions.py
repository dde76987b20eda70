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

# What was decided stays, and no login chooses the instant of a decision: periods count from it.
_GUARD = """
CREATE FUNCTION guard_policy_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF to_jsonb(NEW) - ARRAY['state', 'decided_at', 'decided_by', 'withdrawn_at']
      <> to_jsonb(OLD) - ARRAY['state', 'decided_at', 'decided_by', 'withdrawn_at'] THEN
    RAISE EXCEPTION 'a policy version is not rewritten' USING ERRCODE = '42501';
  END IF;
  IF OLD.state = 'waiting' THEN
    NEW.decided_at := CASE WHEN NEW.state <> 'waiting' THEN now() END;
  ELSIF (NEW.state, NEW.decided_at, NEW.decided_by)
      IS DISTINCT FROM (OLD.state, OLD.decided_at, OLD.decided_by) THEN
    RAISE EXCEPTION 'this policy version is decided, and stays so' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_policy_version BEFORE UPDATE ON policy_policyversion
  FOR EACH ROW EXECUTE FUNCTION guard_policy_version();
CREATE FUNCTION guard_new_policy_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.loaded_at := now();
  IF NEW.decided_at IS NOT NULL THEN
    NEW.decided_at := now();
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_new_policy_version BEFORE INSERT ON policy_policyversion
  FOR EACH ROW EXECUTE FUNCTION guard_new_policy_version();
"""
_UNGUARD = """
DROP TRIGGER guard_new_policy_version ON policy_policyversion;
DROP FUNCTION guard_new_policy_version();
DROP TRIGGER guard_policy_version ON policy_policyversion;
DROP FUNCTION guard_policy_version();
"""


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
        ),
        migrations.RunSQL(_GUARD, _UNGUARD),
    ]
