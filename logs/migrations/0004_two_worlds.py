"""The two worlds: what HR may see, what only the vault may, and the keys apart from both."""

from __future__ import annotations

import uuid

import django.contrib.postgres.fields
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# What fits into no memory would stop the vault at every start.
BOUNDS = """
ALTER TABLE logs_sealeditem ADD CONSTRAINT sealed_item_bounded
  CHECK (octet_length(envelope) <= 18874368);
ALTER TABLE hr.errand ADD CONSTRAINT errand_bounded
  CHECK (octet_length(body) <= 1048576 AND octet_length(public_key) <= 32);
"""

# A case's period starts on the day on which HR closes it, whatever day the web process says.
CLOSED_TODAY = """
CREATE FUNCTION close_case_today() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.closed_on := (now() AT TIME ZONE 'UTC')::date;
  RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION close_case_today() FROM PUBLIC;
CREATE TRIGGER close_case_today BEFORE UPDATE ON hr."case" FOR EACH ROW
  WHEN (current_user = 'orgo_hr' AND NEW.closed_on IS NOT NULL
        AND NEW.closed_on IS DISTINCT FROM OLD.closed_on)
  EXECUTE FUNCTION close_case_today();
"""
CLOSED_ANY_DAY = """
DROP TRIGGER close_case_today ON hr."case";
DROP FUNCTION close_case_today();
"""

# Nobody looked at another time than now, whatever the web process says.
LOOKED_NOW = """
CREATE FUNCTION look_now() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.looked_at := statement_timestamp();
  RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION look_now() FROM PUBLIC;
CREATE TRIGGER look_now BEFORE INSERT ON hr.look FOR EACH ROW EXECUTE FUNCTION look_now();
"""
LOOKED_ANY_TIME = """
DROP TRIGGER look_now ON hr.look;
DROP FUNCTION look_now();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_sessions"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("logs", "0003_imported_files"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE SCHEMA hr; CREATE SCHEMA vault; CREATE SCHEMA keys;",
            "DROP SCHEMA keys; DROP SCHEMA vault; DROP SCHEMA hr;",
        ),
        migrations.CreateModel(
            name="SealedEvents",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False),
                ),
                ("case_code", models.UUIDField(db_index=True)),
                (
                    "codes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), size=None
                    ),
                ),
                ("times", models.BinaryField()),
                ("content", models.BinaryField()),
            ],
            options={
                "db_table": '"vault"."events"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="VaultPasskey",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("user_id", models.BigIntegerField()),
                ("credential_id", models.BinaryField(max_length=1023, unique=True)),
                ("public_key", models.BinaryField(max_length=2000)),
                ("sign_count", models.BigIntegerField()),
                ("rp_id", models.CharField(max_length=253)),
                ("origins", models.JSONField()),
                ("backup_eligible", models.BooleanField()),
                ("expires_at", models.DateTimeField()),
                ("proven_at", models.DateTimeField(null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("mark", models.BinaryField(max_length=32, null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
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
                "db_table": '"vault"."passkey"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ApprovalRequest",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                (
                    "act",
                    models.CharField(
                        choices=[("reveal", "reveal an identity"), ("erase", "erase a person")],
                        max_length=6,
                    ),
                ),
                ("case_code", models.UUIDField(null=True)),
                ("label", models.CharField(blank=True, max_length=20)),
                ("field", models.CharField(blank=True, max_length=10)),
                ("minutes", models.PositiveSmallIntegerField(default=0)),
                ("views", models.PositiveSmallIntegerField(default=0)),
                ("views_done", models.PositiveSmallIntegerField(default=0)),
                ("asked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "waits for custodians"),
                            ("approved", "approved"),
                            ("denied", "denied"),
                            ("expired", "expired"),
                            ("spent", "all views used"),
                            ("withdrawn", "withdrawn"),
                            ("done", "done"),
                        ],
                        max_length=9,
                    ),
                ),
                ("certificate", models.JSONField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": '"hr"."approval_request"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Case",
            fields=[
                ("code", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("workflow", models.CharField(max_length=40)),
                ("opened_on", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("closed", "closed")],
                        default="open",
                        max_length=6,
                    ),
                ),
                ("acknowledged_on", models.DateField(null=True)),
                ("answered_on", models.DateField(null=True)),
                ("closed_on", models.DateField(null=True)),
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
                "db_table": '"hr"."case"',
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="CaseEvent",
            fields=[
                ("code", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("occurred_at", models.DateTimeField()),
                ("place", models.PositiveIntegerField()),
                ("action", models.CharField(max_length=80)),
                ("status", models.CharField(max_length=80, null=True)),
                ("participants", models.JSONField()),
                ("released_text", models.TextField(null=True)),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="logs.case",
                    ),
                ),
            ],
            options={
                "db_table": '"hr"."case_event"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="CaseGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "content_object",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="logs.case"),
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
                "db_table": '"hr"."case_grant"',
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="CaseNote",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                (
                    "written_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("text", models.TextField()),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="logs.case",
                    ),
                ),
            ],
            options={
                "db_table": '"hr"."case_note"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="CaseTag",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("tag", models.BinaryField(max_length=32)),
                ("case_code", models.UUIDField(db_index=True)),
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
                "db_table": '"vault"."case_tag"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="CustodianPasskey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("fingerprint", models.CharField(max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "must prove itself"),
                            ("proven", "waits for confirmation"),
                            ("confirmed", "confirmed"),
                            ("revoked", "revoked"),
                        ],
                        max_length=9,
                    ),
                ),
                ("added_at", models.DateTimeField()),
                ("confirmed_by", models.CharField(blank=True, max_length=150)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": '"hr"."custodian_passkey"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("approved", models.BooleanField()),
                ("decided_at", models.DateTimeField()),
                ("voided_at", models.DateTimeField(null=True)),
                (
                    "custodian",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="logs.approvalrequest",
                    ),
                ),
            ],
            options={
                "db_table": '"hr"."decision"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Errand",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=30)),
                ("body", models.BinaryField()),
                ("public_key", models.BinaryField(max_length=32)),
                ("answer", models.BinaryField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("done", "done"), ("refused", "refused")],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                (
                    "asked_at",
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
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": '"hr"."errand"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="HeldItem",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("unlisted", "its workflow is listed nowhere"),
                            ("crowded", "it names too many people"),
                            ("refused", "it was refused at the door"),
                            ("unreadable", "it cannot be opened or stored"),
                        ],
                        max_length=10,
                    ),
                ),
                ("held_on", models.DateField()),
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
                "db_table": '"vault"."held_item"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Look",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "looked_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("list", "list of cases"),
                            ("case", "one case"),
                            ("events", "list of events"),
                            ("counts", "counts"),
                            ("export", "export"),
                            ("step", "step of a case"),
                            ("note", "note written"),
                            ("assignment", "assignment changed"),
                            ("request", "request made"),
                            ("requests", "list of requests"),
                            ("decision", "request decided"),
                            ("reveal", "identity shown"),
                            ("text", "text read or released"),
                            ("passkey", "passkey changed"),
                            ("access_log", "restricted access log"),
                            ("certified", "certificates of ended cases"),
                        ],
                        max_length=10,
                    ),
                ),
                ("case_code", models.UUIDField(null=True)),
                ("rows", models.PositiveIntegerField(null=True)),
                ("purpose", models.CharField(blank=True, max_length=200)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": '"hr"."look"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=30)),
                ("case_code", models.UUIDField(null=True)),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("sent_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": '"hr"."notice"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Participant",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("case_code", models.UUIDField()),
                ("label", models.CharField(max_length=20)),
                ("tag", models.BinaryField(max_length=32)),
                ("link", models.BinaryField(null=True)),
                ("erased_on", models.DateField(null=True)),
            ],
            options={
                "db_table": '"vault"."participant"',
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("case_code", "label"), name="participant_label_once"
                    ),
                    models.UniqueConstraint(
                        fields=("case_code", "tag"), name="participant_tag_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Subject",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("tag", models.BinaryField(max_length=32, null=True)),
                ("erased_on", models.DateField(null=True)),
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
                "db_table": '"vault"."subject"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Identity",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("field", models.CharField(max_length=10)),
                ("ciphertext", models.BinaryField()),
                (
                    "subject",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="logs.subject",
                    ),
                ),
            ],
            options={
                "db_table": '"vault"."identity"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Beat",
            fields=[
                (
                    "process",
                    models.CharField(
                        choices=[("vault", "the vault"), ("worker", "the worker, called by beat")],
                        max_length=6,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("beaten_at", models.DateTimeField()),
                ("problem", models.TextField(blank=True, default="")),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("process__in", ["vault", "worker"])),
                        name="beat_process_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VaultRequest",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("content", models.BinaryField()),
                ("ended_at", models.DateTimeField(null=True)),
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
                "db_table": '"vault"."request"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="VaultApproval",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("user_id", models.BigIntegerField()),
                ("assertion", models.JSONField()),
                ("approved_at", models.DateTimeField()),
                (
                    "passkey",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="logs.vaultpasskey",
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="approvals",
                        to="logs.vaultrequest",
                    ),
                ),
            ],
            options={
                "db_table": '"vault"."approval"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="VaultView",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("user_id", models.BigIntegerField()),
                ("viewed_at", models.DateTimeField()),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="views",
                        to="logs.vaultrequest",
                    ),
                ),
            ],
            options={
                "db_table": '"vault"."view"',
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="WrappedKey",
            fields=[
                ("owner", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("subject", "a person's"),
                            ("case", "a case's"),
                            ("texts", "of texts of a case"),
                            ("request", "a request's"),
                        ],
                        max_length=7,
                    ),
                ),
                ("epoch", models.PositiveIntegerField()),
                ("wrapped", models.BinaryField()),
            ],
            options={
                "db_table": '"keys"."wrapped_key"',
                "default_permissions": (),
                "indexes": [models.Index(fields=["epoch"], name="wrapped_key_epoch")],
            },
        ),
        migrations.AddIndex(
            model_name="approvalrequest",
            index=models.Index(
                fields=["organization", "-asked_at"], name="approval_request_in_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("act__in", ["reveal", "erase"])),
                name="approval_request_act_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "pending",
                            "approved",
                            "denied",
                            "expired",
                            "spent",
                            "withdrawn",
                            "done",
                        ],
                    )
                ),
                name="approval_request_state_known",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["organization", "-opened_on", "code"], name="case_in_order"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "closed"])), name="case_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_on", None), ("state", "open")),
                    models.Q(("closed_on__isnull", False), ("state", "closed")),
                    _connector="OR",
                ),
                name="case_closed_on_a_day",
            ),
        ),
        migrations.AddIndex(
            model_name="caseevent",
            index=models.Index(
                fields=["-occurred_at", "case", "-place"], name="case_event_in_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="caseevent",
            constraint=models.UniqueConstraint(
                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                fields=("case", "place"),
                name="case_event_place_once",
            ),
        ),
        migrations.AlterUniqueTogether(
            name="casegrant",
            unique_together={("user", "permission", "content_object")},
        ),
        migrations.AddConstraint(
            model_name="casetag",
            constraint=models.UniqueConstraint(
                fields=("organization", "tag"), name="case_tag_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="custodianpasskey",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "proven", "confirmed", "revoked"])),
                name="custodian_passkey_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.UniqueConstraint(
                fields=("request", "custodian"), name="decision_once"
            ),
        ),
        migrations.AddIndex(
            model_name="errand",
            index=models.Index(fields=["state", "asked_at"], name="errand_in_order"),
        ),
        migrations.AddConstraint(
            model_name="errand",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "done", "refused"])),
                name="errand_state_known",
            ),
        ),
        migrations.AddIndex(
            model_name="look",
            index=models.Index(fields=["organization", "-looked_at", "-id"], name="look_in_order"),
        ),
        migrations.AddConstraint(
            model_name="look",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "what__in",
                        [
                            "list",
                            "case",
                            "events",
                            "counts",
                            "export",
                            "step",
                            "note",
                            "assignment",
                            "request",
                            "requests",
                            "decision",
                            "reveal",
                            "text",
                            "passkey",
                            "access_log",
                            "certified",
                        ],
                    )
                ),
                name="look_what_known",
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["sent_at", "made_at"], name="notice_in_order"),
        ),
        migrations.AddConstraint(
            model_name="subject",
            constraint=models.UniqueConstraint(
                fields=("organization", "tag"), name="subject_tag_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.UniqueConstraint(
                fields=("subject", "field"), name="identity_field_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="vaultapproval",
            constraint=models.UniqueConstraint(
                fields=("request", "user_id"), name="vault_approval_once"
            ),
        ),
        migrations.RunSQL(BOUNDS, migrations.RunSQL.noop),
        migrations.RunSQL(CLOSED_TODAY, CLOSED_ANY_DAY),
        migrations.RunSQL(LOOKED_NOW, LOOKED_ANY_TIME),
    ]
