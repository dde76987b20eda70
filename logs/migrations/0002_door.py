"""What stands at the door: scopes, receipts, quarantine, the vault's inbox, what leaves the record."""

from __future__ import annotations

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# The one way of single events out of the record. Whoever calls it can neither choose the ids (they
# must have been put down as sensitive before) nor do it unsaid.
REMOVE_EVENTS = """
CREATE FUNCTION remove_events(ids uuid[], reason text, announcement uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  organization bigint;
  removed bigint;
BEGIN
  IF reason = 'expired' THEN
    RETURN public.remove_expired(ids, announcement);  -- of 0006_destruction
  ELSIF reason = 'erased' THEN
    RETURN public.remove_erased(ids, announcement);  -- of 0007_erasure
  ELSIF reason IS DISTINCT FROM 'reclassified' THEN
    RAISE EXCEPTION 'unknown reason for a removal' USING ERRCODE = '22023';
  END IF;
  SELECT organization_id INTO organization FROM public.event
    WHERE id = announcement AND log_type = 'security'
      AND source = 'portal' AND code = 'events.reclassified';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'a removal is announced first' USING ERRCODE = '42501';
  END IF;
  PERFORM FROM unnest(ids) AS wanted (id) WHERE NOT EXISTS (
    SELECT FROM public.logs_reclassification AS pending
      WHERE pending.organization_id = organization
        AND pending.kind = 'event' AND pending.subject_id = wanted.id);
  IF FOUND THEN
    RAISE EXCEPTION 'not all of these are to leave this organization' USING ERRCODE = '42501';
  END IF;
  PERFORM FROM public.event
    WHERE id = ANY (ids) AND (organization_id <> organization OR source = 'portal');
  IF FOUND THEN
    RAISE EXCEPTION 'another organization''s events, and the portal''s own, stay'
      USING ERRCODE = '42501';
  END IF;
  INSERT INTO public.event_removal
    SELECT DISTINCT wanted.id, pg_current_xact_id() FROM unnest(ids) AS wanted (id);
  DELETE FROM public.event WHERE id = ANY (ids);
  GET DIAGNOSTICS removed = ROW_COUNT;
  DELETE FROM public.event_removal;
  RETURN removed;
END $$;
REVOKE ALL ON FUNCTION remove_events(uuid[], text, uuid) FROM PUBLIC;
"""

# A mark of tomorrow would keep looks unsaid for as long.
MARKS = """
CREATE FUNCTION mark_not_ahead() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.recorded_at := least(NEW.recorded_at, statement_timestamp());
  RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION mark_not_ahead() FROM PUBLIC;
CREATE TRIGGER mark_not_ahead BEFORE INSERT OR UPDATE ON logs_readmark
  FOR EACH ROW EXECUTE FUNCTION mark_not_ahead();
"""
NO_MARKS = """
DROP TRIGGER mark_not_ahead ON logs_readmark;
DROP FUNCTION mark_not_ahead();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_accounts"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("logs", "0001_event"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LogScope",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("view", models.CharField(max_length=100)),
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
            },
        ),
        migrations.CreateModel(
            name="LogScopeGroupGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "content_object",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="logs.logscope"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.group"),
                ),
                (
                    "permission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="auth.permission"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="LogScopeUserGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "content_object",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="logs.logscope"
                    ),
                ),
                (
                    "permission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="auth.permission"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="QuarantinedEvent",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("source", models.CharField(max_length=100)),
                ("log_type", models.CharField(blank=True, max_length=8)),
                ("recorded_at", models.DateTimeField()),
                ("code", models.CharField(max_length=50)),
                ("path", models.CharField(blank=True, max_length=1000)),
                ("detail", models.CharField(max_length=1000)),
                ("sent", models.TextField()),
                ("truncated", models.BooleanField(default=False)),
                (
                    "named",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BinaryField(max_length=32), default=list, size=None
                    ),
                ),
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
                "verbose_name": "refused item",
                "verbose_name_plural": "quarantine",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ReadMark",
            fields=[
                ("digest", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                (
                    "recorded_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["recorded_at"], name="readmark_recorded_at")],
            },
        ),
        migrations.RunSQL(MARKS, NO_MARKS),
        migrations.CreateModel(
            name="SealedItem",
            fields=[
                ("place", models.BigAutoField(primary_key=True, serialize=False)),
                ("envelope", models.BinaryField()),
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
            name="Reclassification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("event", "event"), ("item", "refused item")], max_length=5
                    ),
                ),
                ("subject_id", models.UUIDField()),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "kind", "subject_id"),
                        name="reclassification_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["event", "item"])),
                        name="reclassification_kind_known",
                    ),
                ],
            },
        ),
        migrations.RunSQL(REMOVE_EVENTS, "DROP FUNCTION remove_events(uuid[], text, uuid)"),
        migrations.CreateModel(
            name="SensitiveReference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField(max_length=32)),
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
            name="Batch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=100)),
                ("key", models.BinaryField(max_length=32)),
                ("body_digest", models.BinaryField(max_length=32)),
                ("receipt", models.BinaryField()),
                ("recorded_on", models.DateField()),
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
                "indexes": [models.Index(fields=["recorded_on"], name="batch_recorded_on")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "source", "key"), name="batch_key_once"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="logscope",
            constraint=models.UniqueConstraint(
                fields=("organization", "view"), name="logscope_once"
            ),
        ),
        migrations.AlterUniqueTogether(
            name="logscopegroupgrant",
            unique_together={("group", "permission", "content_object")},
        ),
        migrations.AlterUniqueTogether(
            name="logscopeusergrant",
            unique_together={("user", "permission", "content_object")},
        ),
        migrations.AddIndex(
            model_name="quarantinedevent",
            index=models.Index(
                fields=["organization", "recorded_at", "id"], name="quarantine_in_order"
            ),
        ),
        migrations.AddIndex(
            model_name="quarantinedevent",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["named"], name="quarantine_named"
            ),
        ),
        migrations.AddConstraint(
            model_name="sensitivereference",
            constraint=models.UniqueConstraint(
                fields=("organization", "digest"), name="sensitive_reference_once"
            ),
        ),
    ]
