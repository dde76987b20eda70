"""The event table: partitioned by log type and month of our clock, append-only for everybody."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

LOG_TYPES = ("activity", "security", "error")

# The smallest UUIDv7 (RFC 9562) of an instant. SQL-standard body: its names are bound now, so that
# no caller's search_path can change what the CHECK below means.
U7_FLOOR = """
CREATE FUNCTION u7_floor(instant timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN (lpad(to_hex(floor(extract(epoch FROM instant) * 1000)::bigint), 12, '0')
        || '70008000000000000000')::uuid;
"""

# What `remove_events` is just removing. No login may look at it; comparing xmin instead would break
# on savepoints.
REMOVAL = """
CREATE TABLE event_removal (
  event_id uuid NOT NULL,
  transaction xid8 NOT NULL,
  PRIMARY KEY (event_id, transaction)
);
"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM FROM public.event_removal
      WHERE event_id = OLD.id AND transaction = pg_current_xact_id();
    IF FOUND THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'the record is append-only: % is refused', TG_OP USING ERRCODE = '42501';
END $$;
"""

EVENT = """
CREATE TABLE event (
  id uuid NOT NULL,
  log_type varchar(8) NOT NULL,
  organization_id bigint NOT NULL,
  recorded_at timestamptz NOT NULL,
  occurred_at timestamptz NOT NULL,
  source varchar(100) NOT NULL,
  action varchar(500) NOT NULL,
  code varchar(50) NOT NULL,
  outcome varchar(8) NOT NULL,
  status varchar(500),
  actor varchar(500),
  task_id varchar(500),
  email_id varchar(500),
  ip_address varchar(64),
  route_from varchar(500),
  route_to varchar(500),
  reason varchar(10000),
  workflow varchar(500),
  details json NOT NULL,
  PRIMARY KEY (id, log_type),
  CONSTRAINT event_log_type_known CHECK (log_type IN ('activity', 'security', 'error')),
  CONSTRAINT event_outcome_known CHECK (outcome IN ('success', 'failure', 'denied', 'unknown')),
  CONSTRAINT event_action_not_empty CHECK (action <> ''),
  CONSTRAINT event_id_tells_recorded_at CHECK (
    id >= u7_floor(recorded_at - interval '1 minute')
    AND id < u7_floor(recorded_at + interval '1 minute'))
) PARTITION BY LIST (log_type);
"""

# Lists go by (occurred_at, id) within one organization. Every filter that product.md names has its
# own index in that order: a rare or absent value must not walk the log.
INDEXES = """
CREATE INDEX event_time ON event (organization_id, occurred_at DESC, id DESC);
CREATE INDEX event_action ON event (organization_id, action, occurred_at DESC);
CREATE INDEX event_source ON event (organization_id, source, occurred_at DESC);
CREATE INDEX event_outcome ON event (organization_id, outcome, occurred_at DESC);
CREATE INDEX event_status ON event (organization_id, status, occurred_at DESC)
  WHERE status IS NOT NULL;
CREATE INDEX event_actor ON event (organization_id, actor, occurred_at DESC)
  WHERE actor IS NOT NULL;
CREATE INDEX event_task ON event (organization_id, task_id, occurred_at DESC)
  WHERE task_id IS NOT NULL;
CREATE INDEX event_email ON event (organization_id, email_id, occurred_at DESC)
  WHERE email_id IS NOT NULL;
CREATE INDEX event_address ON event (organization_id, ip_address, occurred_at DESC)
  WHERE ip_address IS NOT NULL;
CREATE INDEX event_route_from ON event (organization_id, route_from, occurred_at DESC)
  WHERE route_from IS NOT NULL;
CREATE INDEX event_route_to ON event (organization_id, route_to, occurred_at DESC)
  WHERE route_to IS NOT NULL;
CREATE INDEX event_flow ON event (occurred_at) WHERE code IN ('email.received', 'task.routed');
"""

# For a task that becomes sensitive: `references.py` finds what spoke of it in `details`, where a
# text may be longer than an index entry.
INDEXES_ON_DETAILS = """
CREATE INDEX event_task_in_details ON event (
  organization_id, left(coalesce(details->'details', details)->>'task_id', 500))
  WHERE details::text LIKE '%"task_id"%';
CREATE INDEX event_email_in_details ON event (
  organization_id, left(coalesce(details->'details', details)->>'email_id', 500))
  WHERE details::text LIKE '%"email_id"%';
"""

# TRUNCATE triggers are not cloned to partitions: each level and each month gets its own. ALWAYS,
# because `session_replication_role = replica` walks past all others.
GUARD = """
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON event
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE event ENABLE ALWAYS TRIGGER no_change;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE event ENABLE ALWAYS TRIGGER no_truncate;
"""

LOG_TYPE_LEVEL = """
CREATE TABLE event_{0} PARTITION OF event FOR VALUES IN ('{0}') PARTITION BY RANGE (id);
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON event_{0}
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE event_{0} ENABLE ALWAYS TRIGGER no_truncate;
"""

# LIKE and ATTACH are not blocked by open readers and writers; CREATE TABLE ... PARTITION OF is.
MAKE_SEGMENT = """
CREATE FUNCTION make_segment(wanted_type text, wanted_month date) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  parent text := 'event_' || wanted_type;
  child text := parent || '_' || to_char(wanted_month, 'YYYY_MM');
  starts timestamptz := wanted_month::timestamp AT TIME ZONE 'UTC';
  ends timestamptz := (wanted_month + interval '1 month')::timestamp AT TIME ZONE 'UTC';
BEGIN
  IF wanted_type NOT IN ('activity', 'security', 'error') THEN
    RAISE EXCEPTION 'no log type %', wanted_type USING ERRCODE = '22023';
  END IF;
  IF wanted_month <> date_trunc('month', wanted_month)::date THEN
    RAISE EXCEPTION '% is not the first day of a month', wanted_month USING ERRCODE = '22023';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('orgo_audit make_segment'));
  IF to_regclass(format('public.%I', child)) IS NOT NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
                 ' INCLUDING STORAGE)', child, parent);
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.%I'
                 ' FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', child);
  EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER no_truncate', child);
  EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                 parent, child, public.u7_floor(starts), public.u7_floor(ends));
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION make_segment(text, date) FROM PUBLIC;
"""

# What the processes may call: they own nothing, and can only make months that are near.
CREATE_SEGMENT = """
CREATE FUNCTION create_segment(wanted_type text, wanted_month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF wanted_month NOT BETWEEN (now() - interval '2 months')::date
                          AND (now() + interval '1 year')::date THEN
    RAISE EXCEPTION 'segment % is not near', wanted_month USING ERRCODE = '22023';
  END IF;
  RETURN public.make_segment(wanted_type, wanted_month);
END $$;
REVOKE ALL ON FUNCTION create_segment(text, date) FROM PUBLIC;
"""

FIRST_SEGMENTS = """
SELECT make_segment(kind, month::date)
  FROM unnest(ARRAY['activity', 'security', 'error']) AS kind,
       generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),
                       date_trunc('month', now() AT TIME ZONE 'UTC') + interval '3 months',
                       interval '1 month') AS month;
"""

FORWARD = [
    U7_FLOOR,
    REMOVAL,
    REFUSE_CHANGE,
    EVENT,
    INDEXES,
    INDEXES_ON_DETAILS,
    GUARD,
    *(LOG_TYPE_LEVEL.format(log_type) for log_type in LOG_TYPES),
    MAKE_SEGMENT,
    CREATE_SEGMENT,
    FIRST_SEGMENTS,
]
BACKWARD = """
DROP TABLE event CASCADE;
DROP FUNCTION create_segment(text, date), make_segment(text, date), refuse_change();
DROP FUNCTION u7_floor(timestamptz);
DROP TABLE event_removal;
"""


def face(name: str, verbose_name: str, verbose_name_plural: str) -> migrations.CreateModel:
    return migrations.CreateModel(
        name=name,
        fields=[],
        options={
            "verbose_name": verbose_name,
            "verbose_name_plural": verbose_name_plural,
            "proxy": True,
            "default_permissions": ("view",),
            "indexes": [],
            "constraints": [],
        },
        bases=("logs.event",),
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [("accounts", "0001_accounts")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(tuple(FORWARD), BACKWARD)],
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        ("id", models.UUIDField(primary_key=True, serialize=False)),
                        (
                            "log_type",
                            models.CharField(
                                choices=[(kind, kind) for kind in LOG_TYPES], max_length=8
                            ),
                        ),
                        ("recorded_at", models.DateTimeField(verbose_name="recorded at")),
                        ("occurred_at", models.DateTimeField(verbose_name="time")),
                        ("source", models.CharField(max_length=100)),
                        ("action", models.CharField(max_length=500)),
                        ("code", models.CharField(max_length=50)),
                        (
                            "outcome",
                            models.CharField(
                                choices=[
                                    (outcome, outcome)
                                    for outcome in ("success", "failure", "denied", "unknown")
                                ],
                                max_length=8,
                            ),
                        ),
                        ("status", models.CharField(max_length=500, null=True)),
                        ("actor", models.CharField(max_length=500, null=True, verbose_name="user")),
                        (
                            "task_id",
                            models.CharField(max_length=500, null=True, verbose_name="task"),
                        ),
                        (
                            "email_id",
                            models.CharField(max_length=500, null=True, verbose_name="e-mail"),
                        ),
                        (
                            "ip_address",
                            models.CharField(max_length=64, null=True, verbose_name="address"),
                        ),
                        (
                            "route_from",
                            models.CharField(max_length=500, null=True, verbose_name="from"),
                        ),
                        (
                            "route_to",
                            models.CharField(max_length=500, null=True, verbose_name="to"),
                        ),
                        ("reason", models.CharField(max_length=10000, null=True)),
                        ("workflow", models.CharField(max_length=500, null=True)),
                        ("details", models.JSONField()),
                        (
                            "organization",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="accounts.organization",
                            ),
                        ),
                    ],
                    options={"db_table": "event", "default_permissions": ("view",)},
                ),
                face("ActivityLog", "activity event", "activity log"),
                face("SecurityLog", "security event", "security log"),
                face("ErrorLog", "error event", "error log"),
            ],
        )
    ]
