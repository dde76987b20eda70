"""How a case ends, and how a person's ordinary events leave on request: tables and functions.

As in 0006_destruction, the owner's functions check everything again, refuse with 42501, and write
the certificates.
"""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# How long a closed case is kept, in words: as regimes.kept_cases and keeping.destroyed_after have it;
# a test compares them. NULL: no policy was accepted, or nobody resolved a conflict.
CASE_PERIOD = """
CREATE FUNCTION case_period(tenant bigint, workflow text, version bigint DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET intervalstyle = 'postgres' AS $$
DECLARE
  rules jsonb := public.retention_rules(tenant, version);
  stated text := CASE WHEN rules IS NOT NULL THEN
    coalesce(rules->'sensitive_workflows'->workflow->>'case_period', '2 months') END;
  kept text := public.kept_period(tenant, 'cases', stated::interval, version);
BEGIN
  IF kept = stated::interval::text THEN
    RETURN stated;
  END IF;
  RETURN replace(replace(kept, 'month', 'mon'), 'mon', 'month');  -- PostgreSQL says 2 mons
END $$;
REVOKE ALL ON FUNCTION case_period(bigint, text, bigint) FROM PUBLIC;
"""

# The vault destroys the case in the transaction in which this says yes. Policy, day and the holds
# on the case are read here. Of the case it tells the code: not how much there was of it.
END_CASE = """
CREATE FUNCTION end_case(code uuid, closed_on date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ended hr."case";
  kept text;
  version bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'a destruction must see the holds of this moment' USING ERRCODE = '42501';
  END IF;
  LOCK TABLE public.logs_legalhold IN SHARE MODE;
  SELECT * INTO ended FROM hr."case" AS one
    WHERE one.code = end_case.code AND one.state = 'closed'
      AND one.closed_on = end_case.closed_on FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  FOR version IN SELECT * FROM public.heeded_versions() AS one ORDER BY one LOOP
    kept := public.case_period(ended.organization_id, ended.workflow, version);
    IF kept IS NULL
       OR (ended.closed_on + kept::interval)::date >= (now() AT TIME ZONE 'UTC')::date THEN
      RETURN false;
    END IF;
  END LOOP;
  IF kept IS NULL THEN
    RETURN false;
  END IF;
  PERFORM FROM public.logs_legalhold AS hold
    WHERE hold.scope_kind = 'case' AND hold.released_at IS NULL
      AND hold.organization_id = ended.organization_id
      AND hold.scope_value = ended.code::text;
  IF FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO public.logs_destructioncertificate
      (id, organization_id, segment, case_code, kind, rows_at_closing, rows_destroyed,
       digest_at_closing, policy_version, period, approved_by, destroyed_at)
    VALUES (gen_random_uuid(), ended.organization_id, '', ended.code, 'case', 1, 1, '',
            (SELECT max(id) FROM public.policy_policyversion WHERE state = 'accepted'),
            kept, '{}', now())
    ON CONFLICT (case_code) DO NOTHING;  -- an old backup had brought the case back
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION end_case(uuid, date) FROM PUBLIC;
"""

# For the vault, which erases what is its own: a hold that is being placed waits, or is seen.
KEEP_HOLDS = """
CREATE FUNCTION keep_holds_still() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  LOCK TABLE public.logs_legalhold IN SHARE MODE;
END $$;
REVOKE ALL ON FUNCTION keep_holds_still() FROM PUBLIC;
"""

# Which of these events stay although their person wants them gone, and why.
KEPT = """
CREATE FUNCTION kept_from_erasure(ids uuid[], OUT id uuid, OUT why text) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH wanted AS MATERIALIZED (
    SELECT event.id, event.log_type, event.organization_id, event.recorded_at, event.source
      FROM public.event AS event WHERE event.id = ANY (ids)
  ), floors AS MATERIALIZED (
    SELECT kind.organization_id, kind.log_type,
           (SELECT bounds.floor FROM public.heeded_versions() AS version,
              public.bounds_of(kind.organization_id, kind.log_type || '_logs', version) AS bounds
              ORDER BY timestamp '2023-07-01' + bounds.floor DESC NULLS LAST LIMIT 1) AS floor
      FROM (SELECT DISTINCT organization_id, log_type FROM wanted) AS kind
  ), held AS MATERIALIZED (
    SELECT DISTINCT held_event.id FROM public.held_event WHERE held_event.id = ANY (ids)
  )
  SELECT kept.id, kept.why FROM (
    SELECT wanted.id, CASE
        WHEN wanted.source = 'portal' THEN 'own_record'
        WHEN public.period_after(wanted.recorded_at, floors.floor) > now() THEN 'duty'
        WHEN EXISTS (SELECT FROM held WHERE held.id = wanted.id) THEN 'hold' END AS why
      FROM wanted JOIN floors USING (organization_id, log_type)
  ) AS kept WHERE kept.why IS NOT NULL
$$;
REVOKE ALL ON FUNCTION kept_from_erasure(uuid[]) FROM PUBLIC;
"""

# What `remove_events` calls for the reason `erased`.
REMOVE_ERASED = """
CREATE FUNCTION remove_erased(ids uuid[], announced_by uuid) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  said public.event;
  planned public.logs_erasureplan;
  removed bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'a destruction must see the holds of this moment' USING ERRCODE = '42501';
  END IF;
  IF cardinality(ids) > 5000 THEN
    RAISE EXCEPTION 'at most 5000 events at once' USING ERRCODE = '22023';
  END IF;
  LOCK TABLE public.logs_legalhold IN SHARE MODE;
  SELECT * INTO said FROM public.event
    WHERE id = announced_by AND log_type = 'security'
      AND source = 'portal' AND code = 'retention.announced';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'a destruction is announced first' USING ERRCODE = '42501';
  END IF;
  SELECT * INTO planned FROM public.logs_erasureplan AS one
    WHERE one.request::text = said.details->>'erasure'
      AND one.organization_id = said.organization_id
      AND one.approved_at IS NOT NULL AND one.planned_at IS NOT NULL AND one.done_at IS NULL
    FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'what was announced is not approved' USING ERRCODE = '42501';
  END IF;
  PERFORM FROM unnest(ids) AS wanted (id) WHERE NOT EXISTS (
    SELECT FROM public.logs_erasurelisting AS listed
      WHERE listed.plan_id = planned.request AND listed.event_id = wanted.id);
  IF FOUND THEN
    RAISE EXCEPTION 'not all of these are planned' USING ERRCODE = '42501';
  END IF;
  PERFORM FROM public.event WHERE id = ANY (ids) AND organization_id <> planned.organization_id;
  IF FOUND THEN
    RAISE EXCEPTION 'another organization''s events stay' USING ERRCODE = '42501';
  END IF;
  PERFORM FROM public.kept_from_erasure(ids) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'a hold or a duty covers some of these' USING ERRCODE = '42501';
  END IF;
  INSERT INTO public.logs_destructioncertificate AS known
      (id, organization_id, segment, kind, first_recorded_at, last_recorded_at, rows_at_closing,
       rows_destroyed, digest_at_closing, policy_version, period, approved_by, announcement,
       destroyed_at)
    SELECT gen_random_uuid(), planned.organization_id, gone.segment, 'erase', gone.first,
           gone.last, coalesce(closure.rows, 0), gone.rows, coalesce(closure.digest, ''),
           coalesce((SELECT max(id) FROM public.policy_policyversion WHERE state = 'accepted'),
                    0),
           '', '{}', announced_by, now()
      FROM (SELECT log_type || '-' || to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM')
                     AS segment,
                   count(*) AS rows, min(recorded_at) AS first, max(recorded_at) AS last
              FROM public.event WHERE id = ANY (ids) GROUP BY 1) AS gone
      LEFT JOIN public.logs_segmentclosure AS closure
        ON closure.segment = gone.segment AND closure.organization_id = planned.organization_id
    ON CONFLICT (announcement, segment) WHERE kind = 'erase' DO UPDATE SET
      rows_destroyed = known.rows_destroyed + excluded.rows_destroyed,
      first_recorded_at = least(known.first_recorded_at, excluded.first_recorded_at),
      last_recorded_at = greatest(known.last_recorded_at, excluded.last_recorded_at);
  INSERT INTO public.event_removal
    SELECT DISTINCT wanted.id, pg_current_xact_id() FROM unnest(ids) AS wanted (id);
  DELETE FROM public.event WHERE id = ANY (ids);
  GET DIAGNOSTICS removed = ROW_COUNT;
  DELETE FROM public.event_removal;
  RETURN removed;
END $$;
REVOKE ALL ON FUNCTION remove_erased(uuid[], uuid) FROM PUBLIC;
"""

# What custodians approve is what was listed: once a plan is made, nothing joins it.
GUARDS = """
CREATE FUNCTION guard_erasure_plan() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.done_at IS NOT NULL
     OR OLD.planned_at IS NOT NULL AND NEW.planned_at IS DISTINCT FROM OLD.planned_at
     OR OLD.approved_at IS NOT NULL AND NEW.approved_at IS DISTINCT FROM OLD.approved_at THEN
    RAISE EXCEPTION 'this plan was made, and stays so' USING ERRCODE = '42501';
  END IF;
  IF OLD.planned_at IS NULL AND NEW.planned_at IS NOT NULL THEN
    SELECT count(*) INTO NEW.events FROM public.logs_erasurelisting
      WHERE plan_id = NEW.request;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_erasure_plan BEFORE UPDATE ON logs_erasureplan
  FOR EACH ROW EXECUTE FUNCTION guard_erasure_plan();
CREATE FUNCTION guard_erasure_listing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM public.logs_erasureplan
    WHERE request = NEW.plan_id AND planned_at IS NULL FOR SHARE;  -- until this row is committed
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this plan was made, and nothing joins it' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_erasure_listing BEFORE INSERT OR UPDATE ON logs_erasurelisting
  FOR EACH ROW EXECUTE FUNCTION guard_erasure_listing();
"""

FORWARD = [CASE_PERIOD, END_CASE, KEEP_HOLDS, KEPT, REMOVE_ERASED, GUARDS]
BACKWARD = """
DROP TRIGGER guard_erasure_listing ON logs_erasurelisting;
DROP TRIGGER guard_erasure_plan ON logs_erasureplan;
DROP FUNCTION guard_erasure_listing(), guard_erasure_plan();
DROP FUNCTION remove_erased(uuid[], uuid), kept_from_erasure(uuid[]);
DROP FUNCTION keep_holds_still(), end_case(uuid, date);
DROP FUNCTION case_period(bigint, text, bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_sessions"),
        ("logs", "0006_destruction"),
    ]

    operations = [
        migrations.CreateModel(
            name="ErasedEvents",
            fields=[
                ("digest", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("events", models.PositiveIntegerField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ErasurePlan",
            fields=[
                ("request", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "asked_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("planned_at", models.DateTimeField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("events", models.PositiveBigIntegerField(default=0)),
                ("kept", models.JSONField(default=dict)),
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
            name="ErasureSought",
            fields=[
                (
                    "plan",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="logs.erasureplan",
                    ),
                ),
                ("content", models.BinaryField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ErasureListing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.UUIDField()),
                (
                    "plan",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="listings",
                        to="logs.erasureplan",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("plan", "event_id"), name="erasure_listing_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(tuple(FORWARD), BACKWARD),
    ]
