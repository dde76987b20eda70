"""How events leave when their time is over: the owner's functions, which check everything again.

Whoever calls them says neither when nor what for: policy, plan, notice, approval and holds are read
here, by the database's own clock. They refuse with 42501. Certificates are written here alone.
"""

from __future__ import annotations

from django.db import migrations

# As orgo_audit/policy/regimes.py has them; a test compares the two.
BOUNDS = """
CREATE FUNCTION retention_bounds(OUT regime text, OUT kept text, OUT floor interval,
                                 OUT ceiling interval) RETURNS SETOF record
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES ('gdpr', 'activity_logs', NULL::interval, interval '1 year'),
         ('gdpr', 'error_logs', NULL, interval '1 year'),
         ('gdpr', 'security_logs', NULL, interval '3 years'),
         ('hipaa', 'security_logs', interval '6 years', NULL),
         ('whistleblowing', 'cases', NULL, interval '3 years')
$$;
REVOKE ALL ON FUNCTION retention_bounds() FROM PUBLIC;
"""

# Python's Period: `may_be_shorter_than`, and `after` in UTC. An interval alone cannot be compared:
# to PostgreSQL a month is 30 days.
PERIODS = """
CREATE FUNCTION may_be_shorter(one interval, other interval) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT bool_or(month + one < month + other)
    FROM generate_series(timestamp '2021-01-01', timestamp '2024-12-01', '1 month') AS month
$$;
REVOKE ALL ON FUNCTION may_be_shorter(interval, interval) FROM PUBLIC;
CREATE FUNCTION period_after(instant timestamptz, period interval) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT (instant AT TIME ZONE 'UTC' + period) AT TIME ZONE 'UTC'
$$;
REVOKE ALL ON FUNCTION period_after(timestamptz, interval) FROM PUBLIC;
"""

# Whoever loads a policy must not have anything destroyed at once: each version that was in force
# within the longest notice (contradictions.LONGEST_NOTICE) has to allow it too.
HEEDED = """
CREATE FUNCTION heeded_versions() RETURNS SETOF bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH accepted AS (
    SELECT id, lead(decided_at) OVER (ORDER BY id) AS replaced_at
      FROM public.policy_policyversion WHERE state = 'accepted'
  )
  SELECT id FROM accepted WHERE replaced_at IS NULL OR replaced_at > now() - interval '2 days'
$$;
REVOKE ALL ON FUNCTION heeded_versions() FROM PUBLIC;
"""

# Of one version; of the newest where none is named.
RULES = """
CREATE FUNCTION retention_rules(tenant bigint, version bigint DEFAULT NULL) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(one.plain->'organizations'->organization.slug, one.plain)
    FROM public.policy_policyversion AS one, public.accounts_organization AS organization
    WHERE one.state = 'accepted' AND organization.id = tenant
      AND one.id = coalesce(version, one.id)
    ORDER BY one.id DESC LIMIT 1
$$;
REVOKE ALL ON FUNCTION retention_rules(bigint, bigint) FROM PUBLIC;
"""

# The highest floor and the lowest ceiling of an organization's regimes, for a log or for `cases`.
BOUNDS_OF = """
CREATE FUNCTION bounds_of(tenant bigint, thing text, version bigint,
                          OUT floor interval, OUT ceiling interval)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH own AS (
    SELECT bound.floor, bound.ceiling
      FROM public.retention_bounds() AS bound, public.retention_rules(tenant, version) AS rules
      WHERE bound.kept = thing AND CASE jsonb_typeof(rules->'regime')
        WHEN 'array' THEN rules->'regime' ELSE jsonb_build_array(rules->'regime') END ? bound.regime
  )
  SELECT (SELECT own.floor FROM own WHERE own.floor IS NOT NULL
            ORDER BY timestamp '2023-07-01' + own.floor DESC LIMIT 1),
         (SELECT own.ceiling FROM own WHERE own.ceiling IS NOT NULL
            ORDER BY timestamp '2023-07-01' + own.ceiling LIMIT 1)
$$;
REVOKE ALL ON FUNCTION bounds_of(bigint, text, bigint) FROM PUBLIC;
"""

# NULL: nothing may be destroyed, because no policy was accepted or nobody resolved a conflict.
PERIOD = """
CREATE FUNCTION kept_period(tenant bigint, thing text, stated interval, version bigint)
RETURNS interval
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  bounds record;
  decided text;
BEGIN
  SELECT * INTO bounds FROM public.bounds_of(tenant, thing, version);
  IF public.may_be_shorter(bounds.ceiling, bounds.floor) THEN
    SELECT resolution.decision INTO decided FROM public.logs_retentionresolution AS resolution
      WHERE resolution.organization_id = tenant AND resolution.kept = thing
      ORDER BY resolution.id DESC LIMIT 1;
    RETURN CASE decided WHEN 'keep_to_floor' THEN bounds.floor
                        WHEN 'destroy_at_ceiling' THEN bounds.ceiling END;
  END IF;
  IF public.may_be_shorter(stated, bounds.floor) THEN
    stated := bounds.floor;
  END IF;
  IF public.may_be_shorter(bounds.ceiling, stated) THEN
    stated := bounds.ceiling;
  END IF;
  RETURN stated;
END $$;
REVOKE ALL ON FUNCTION kept_period(bigint, text, interval, bigint) FROM PUBLIC;
CREATE FUNCTION retention_period(organization bigint, log_type text, version bigint DEFAULT NULL)
RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT public.kept_period(organization, log_type || '_logs',
    (public.retention_rules(organization, version)
       ->'retention_policies'->>(log_type || '_logs'))::interval, version)
$$;
REVOKE ALL ON FUNCTION retention_period(bigint, text, bigint) FROM PUBLIC;
"""

# The one place that says what a hold covers: an arm a way, so that each has its index, and none
# gives an event twice. Names alone are read through, without case: what a lawyer wrote down must not
# miss what a service spelt otherwise. Of a task's e-mails it covers what the task's trace shows.
HELD = """
CREATE VIEW held_event AS
SELECT held.id, held.log_type, held.organization_id, hold.id AS hold_id
  FROM public.logs_legalhold AS hold CROSS JOIN LATERAL (SELECT
      CASE WHEN hold.scope_kind = 'segment' AND hold.scope_value ~ '-[1-9][0-9]{3}-(0[1-9]|1[0-2])$'
      THEN (right(hold.scope_value, 7) || '-01')::timestamp END AS starts) AS month
    JOIN public.event AS held ON held.organization_id = hold.organization_id
      AND held.log_type = split_part(hold.scope_value, '-', 1)
      AND held.id >= public.u7_floor(month.starts AT TIME ZONE 'UTC')
      AND held.id < public.u7_floor((month.starts + interval '1 month') AT TIME ZONE 'UTC')
  WHERE hold.scope_kind = 'segment' AND hold.released_at IS NULL
UNION ALL
SELECT held.id, held.log_type, held.organization_id, hold.id
  FROM public.logs_legalhold AS hold JOIN public.event AS held
    ON held.organization_id = hold.organization_id AND held.task_id = hold.scope_value
  WHERE hold.scope_kind = 'task' AND hold.released_at IS NULL
UNION ALL
SELECT held.id, held.log_type, held.organization_id, hold.id
  FROM public.logs_legalhold AS hold JOIN public.event AS held
    ON held.organization_id = hold.organization_id
      AND held.task_id IS DISTINCT FROM hold.scope_value
      AND held.details::text LIKE '%"task_id"%'
      AND left(coalesce(held.details->'details', held.details)->>'task_id', 500) = hold.scope_value
  WHERE hold.scope_kind = 'task' AND hold.released_at IS NULL
UNION ALL
SELECT held.id, held.log_type, held.organization_id, hold.id
  FROM public.logs_legalhold AS hold CROSS JOIN LATERAL (
      SELECT DISTINCT own.email_id FROM public.event AS own
        WHERE own.organization_id = hold.organization_id AND own.task_id = hold.scope_value) AS mail
    JOIN public.event AS held ON held.organization_id = hold.organization_id
      AND held.email_id = mail.email_id AND held.task_id IS NULL
      AND left(coalesce(held.details->'details', held.details)->>'task_id', 500)
        IS DISTINCT FROM hold.scope_value
  WHERE hold.scope_kind = 'task' AND hold.released_at IS NULL
UNION ALL
SELECT held.id, held.log_type, held.organization_id, hold.id
  FROM public.logs_legalhold AS hold JOIN public.event AS held
    ON held.organization_id = hold.organization_id AND (
      lower(btrim(hold.scope_value)) IN (lower(btrim(held.actor)),
        lower(btrim(held.route_from)), lower(btrim(held.route_to)))
      OR held.details::text LIKE '%"user"%' AND lower(btrim(hold.scope_value)) =
        lower(btrim(coalesce(held.details->'details', held.details)->>'user')))
  WHERE hold.scope_kind = 'user' AND hold.released_at IS NULL;
"""

SEGMENT = """
CREATE FUNCTION segment_range(segment text, OUT log_type text, OUT starts timestamptz,
                              OUT ends timestamptz)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF segment IS NULL OR segment !~ '^(activity|security|error)-[1-9][0-9]{3}-(0[1-9]|1[0-2])$' THEN
    RAISE EXCEPTION 'this is no name of a segment' USING ERRCODE = '22023';
  END IF;
  log_type := split_part(segment, '-', 1);
  starts := (right(segment, 7) || '-01')::timestamp AT TIME ZONE 'UTC';
  ends := public.period_after(starts, interval '1 month');
END $$;
REVOKE ALL ON FUNCTION segment_range(text) FROM PUBLIC;
"""

# A hold that is being placed either waits for the end of this transaction, or is seen by it: so the
# lock comes first, and every later statement must look at what is committed by then.
ANNOUNCED = """
CREATE FUNCTION announced_destruction(announcement uuid, means text)
RETURNS public.logs_planneddestruction
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  said public.event;
  planned public.logs_planneddestruction;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'a destruction must see the holds of this moment' USING ERRCODE = '42501';
  END IF;
  LOCK TABLE public.logs_legalhold IN SHARE MODE;
  SELECT * INTO said FROM public.event
    WHERE id = announcement AND log_type = 'security'
      AND source = 'portal' AND code = 'retention.announced';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'a destruction is announced first' USING ERRCODE = '42501';
  END IF;
  SELECT * INTO planned FROM public.logs_planneddestruction AS one
    WHERE one.id::text = said.details->>'plan' AND one.segment = said.details->>'segment'
      AND one.kind = means AND one.state = 'planned' AND one.published_at <= said.recorded_at
      AND one.organization_id IS NOT DISTINCT FROM
        CASE means WHEN 'remove' THEN said.organization_id END
    FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'what was announced is not planned' USING ERRCODE = '42501';
  END IF;
  RETURN planned;
END $$;
REVOKE ALL ON FUNCTION announced_destruction(uuid, text) FROM PUBLIC;
"""

# A month that goes as a whole is approved in each organization by its own admins.
APPROVED = """
CREATE FUNCTION approvers_of(planned public.logs_planneddestruction, tenant bigint)
RETURNS varchar[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(array_agg(DISTINCT person.username ORDER BY person.username), '{}')
    FROM public.accounts_user AS person JOIN public.accounts_membership AS held
      ON held.user_id = person.id AND held.organization_id = tenant AND held.role = 'admin'
    WHERE person.is_active AND person.username = ANY (planned.approved_by)
$$;
REVOKE ALL ON FUNCTION approvers_of(public.logs_planneddestruction, bigint) FROM PUBLIC;
"""

ALLOWED = """
CREATE FUNCTION refuse_unless_due(planned public.logs_planneddestruction, tenant bigint,
                                  latest timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  log text := split_part(planned.segment, '-', 1);
  version bigint;
  kept interval;
  wanted jsonb;
BEGIN
  FOR version IN SELECT * FROM public.heeded_versions() LOOP
    kept := public.retention_period(tenant, log, version);
    wanted := coalesce(public.retention_rules(tenant, version)->'retention', '{}');
    IF kept IS NULL THEN
      RAISE EXCEPTION 'no period holds: a conflict is not resolved' USING ERRCODE = '42501';
    END IF;
    IF public.period_after(latest, kept) > now() THEN
      RAISE EXCEPTION 'the period is not over' USING ERRCODE = '42501';
    END IF;
    IF public.period_after(planned.published_at, coalesce(wanted->>'notice', '1 day')::interval)
        > now() THEN
      RAISE EXCEPTION 'the plan was not published long enough ago' USING ERRCODE = '42501';
    END IF;
    IF coalesce(wanted->>'approval', 'automatic') <> 'automatic'
       AND cardinality(public.approvers_of(planned, tenant)) < 2 THEN
      RAISE EXCEPTION 'two people have not approved the plan' USING ERRCODE = '42501';
    END IF;
  END LOOP;
  IF version IS NULL THEN
    RAISE EXCEPTION 'no period holds: nothing was accepted' USING ERRCODE = '42501';
  END IF;
END $$;
REVOKE ALL ON FUNCTION
  refuse_unless_due(public.logs_planneddestruction, bigint, timestamptz) FROM PUBLIC;
"""

# The row of a batch that follows another one adds to the first one's.
CERTIFY = """
CREATE FUNCTION certify(planned public.logs_planneddestruction, tenant bigint, announced_by uuid,
                        kept text, gone bigint, earliest timestamptz, latest timestamptz)
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO public.logs_destructioncertificate AS known
      (id, plan_id, organization_id, segment, kind, first_recorded_at, last_recorded_at,
       rows_at_closing, rows_destroyed, digest_at_closing, policy_version, period, approved_by,
       announcement, destroyed_at)
    SELECT gen_random_uuid(), planned.id, tenant, planned.segment, planned.kind, earliest, latest,
           coalesce(closure.rows, 0), gone, coalesce(closure.digest, ''),
           (SELECT max(id) FROM public.policy_policyversion WHERE state = 'accepted'),
           coalesce(kept, ''), public.approvers_of(planned, tenant), announced_by, now()
      FROM (VALUES (1)) AS one LEFT JOIN public.logs_segmentclosure AS closure
        ON closure.segment = planned.segment AND closure.organization_id = tenant
    ON CONFLICT (plan_id, organization_id) WHERE plan_id IS NOT NULL DO UPDATE SET
      rows_destroyed = known.rows_destroyed + gone,
      first_recorded_at = least(known.first_recorded_at, earliest),
      last_recorded_at = greatest(known.last_recorded_at, latest),
      destroyed_at = now()
$$;
REVOKE ALL ON FUNCTION certify(public.logs_planneddestruction, bigint, uuid, text, bigint,
                               timestamptz, timestamptz) FROM PUBLIC;
"""

# DETACH comes last: what it locks is let go with the commit, before the files are unlinked.
DROP_SEGMENT = """
CREATE FUNCTION drop_segment(segment text, announcement uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
  planned public.logs_planneddestruction := public.announced_destruction(announcement, 'drop');
  month record;
  parent text;
  child text;
  counted jsonb;  -- at once: rows that a loop fetches are never counted by several processes
  tenant record;
  kept text;  -- the tenant's own period, as it was told: others' are not its matter
  destroyed bigint := 0;
BEGIN
  IF planned.segment IS DISTINCT FROM segment THEN
    RAISE EXCEPTION 'another segment was announced' USING ERRCODE = '42501';
  END IF;
  SELECT * INTO month FROM public.segment_range(segment);
  parent := 'event_' || month.log_type;
  child := 'event_' || replace(segment, '-', '_');
  PERFORM FROM pg_inherits
    WHERE inhrelid = to_regclass('public.' || child)
      AND inhparent = to_regclass('public.' || parent);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such segment' USING ERRCODE = '42P01';
  END IF;
  IF month.ends > now() THEN
    RAISE EXCEPTION 'the month is not over' USING ERRCODE = '42501';
  END IF;
  PERFORM FROM public.logs_legalhold WHERE released_at IS NULL LIMIT 1;
  IF FOUND THEN
    PERFORM FROM public.held_event
      WHERE log_type = month.log_type AND id >= public.u7_floor(month.starts)
        AND id < public.u7_floor(month.ends) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'a hold covers events of this segment' USING ERRCODE = '42501';
    END IF;
  END IF;
  EXECUTE format(
    'SELECT coalesce(jsonb_agg(one ORDER BY id), ''[]'') FROM ('
    'SELECT organization_id AS id, count(*) AS rows, min(recorded_at) AS first,'
    ' max(recorded_at) AS last FROM public.%I GROUP BY 1) AS one', child) INTO counted;
  FOR tenant IN SELECT * FROM jsonb_to_recordset(counted)
    AS one (id bigint, rows bigint, first timestamptz, last timestamptz)
  LOOP
    PERFORM public.refuse_unless_due(planned, tenant.id, greatest(month.ends, tenant.last));
    SELECT said.details->>'period' INTO kept FROM public.event AS said
      WHERE said.organization_id = tenant.id AND said.log_type = 'security'
        AND said.source = 'portal' AND said.code = 'retention.announced'
        AND said.details->>'plan' = planned.id::text
        AND said.id >= public.u7_floor(planned.published_at - interval '1 minute') LIMIT 1;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'a destruction is announced to every organization' USING ERRCODE = '42501';
    END IF;
    PERFORM public.certify(planned, tenant.id, announcement, kept, tenant.rows, tenant.first,
                           tenant.last);
    destroyed := destroyed + tenant.rows;
  END LOOP;
  IF destroyed = 0 THEN
    PERFORM public.certify(planned, NULL, announcement, '', 0, NULL, NULL);
  END IF;
  UPDATE public.logs_planneddestruction SET state = 'done', finished_at = now()
    WHERE id = planned.id;
  EXECUTE format('ALTER TABLE public.%I DETACH PARTITION public.%I', parent, child);
  EXECUTE format('DROP TABLE public.%I', child);
  RETURN destroyed;
END $$;
REVOKE ALL ON FUNCTION drop_segment(text, uuid) FROM PUBLIC;
"""

# What `remove_events` calls for the reason `expired`.
REMOVE_EXPIRED = """
CREATE FUNCTION remove_expired(ids uuid[], announcement uuid) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  planned public.logs_planneddestruction := public.announced_destruction(announcement, 'remove');
  month record;
  earliest timestamptz;
  latest timestamptz;
  removed bigint;
BEGIN
  IF cardinality(ids) > 5000 THEN
    RAISE EXCEPTION 'at most 5000 events at once' USING ERRCODE = '22023';
  END IF;
  SELECT * INTO month FROM public.segment_range(planned.segment);
  PERFORM FROM unnest(ids) AS wanted (id)
    WHERE wanted.id IS NULL OR wanted.id < public.u7_floor(month.starts)
       OR wanted.id >= public.u7_floor(month.ends);
  IF FOUND THEN
    RAISE EXCEPTION 'not all of these are of the planned segment' USING ERRCODE = '42501';
  END IF;
  PERFORM FROM public.event WHERE id = ANY (ids)
    AND (log_type <> month.log_type OR organization_id <> planned.organization_id);
  IF FOUND THEN
    RAISE EXCEPTION 'not all of these are planned' USING ERRCODE = '42501';
  END IF;
  SELECT min(recorded_at), max(recorded_at) INTO earliest, latest FROM public.event
    WHERE log_type = month.log_type AND id = ANY (ids);
  IF latest IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM public.refuse_unless_due(planned, planned.organization_id, latest);
  PERFORM FROM public.held_event WHERE log_type = month.log_type AND id = ANY (ids) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'a hold covers some of these' USING ERRCODE = '42501';
  END IF;
  INSERT INTO public.event_removal
    SELECT DISTINCT wanted.id, pg_current_xact_id() FROM unnest(ids) AS wanted (id);
  DELETE FROM public.event WHERE log_type = month.log_type AND id = ANY (ids);
  GET DIAGNOSTICS removed = ROW_COUNT;
  DELETE FROM public.event_removal;
  PERFORM public.certify(planned, planned.organization_id, announcement, planned.period, removed,
                         earliest, latest);
  RETURN removed;
END $$;
REVOKE ALL ON FUNCTION remove_expired(uuid[], uuid) FROM PUBLIC;
"""

# Nobody publishes in the past, approves by inserting, or wakes what is done.
PLANS = """
CREATE FUNCTION guard_plan() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.published_at := now();
    NEW.approved_by := '{}';
    NEW.state := 'planned';
    NEW.finished_at := NULL;
  ELSIF OLD.state <> 'planned' THEN
    RAISE EXCEPTION 'this plan is %, and stays so', OLD.state USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_plan BEFORE INSERT OR UPDATE ON logs_planneddestruction
  FOR EACH ROW EXECUTE FUNCTION guard_plan();
CREATE FUNCTION guard_hold() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.release_asked_by := '';
    NEW.release_asked_at := NULL;
    NEW.released_by := '';
    NEW.released_at := NULL;
  ELSIF OLD.released_at IS NOT NULL THEN
    RAISE EXCEPTION 'this hold was released, and stays so' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_hold BEFORE INSERT OR UPDATE ON logs_legalhold
  FOR EACH ROW EXECUTE FUNCTION guard_hold();
"""

# A month that runs is not closed, and how many rows it had is nobody's word.
CLOSURES = """
CREATE FUNCTION guard_closure() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  month record;
BEGIN
  SELECT * INTO month FROM public.segment_range(NEW.segment);
  IF month.ends > now() THEN
    RAISE EXCEPTION 'the month is not over' USING ERRCODE = '42501';
  END IF;
  SELECT count(*) INTO NEW.rows FROM public.event
    WHERE log_type = month.log_type AND id >= public.u7_floor(month.starts)
      AND id < public.u7_floor(month.ends) AND organization_id = NEW.organization_id;
  RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION guard_closure() FROM PUBLIC;
CREATE TRIGGER guard_closure BEFORE INSERT ON logs_segmentclosure
  FOR EACH ROW EXECUTE FUNCTION guard_closure();
"""

FORWARD = [
    BOUNDS,
    PERIODS,
    HEEDED,
    RULES,
    BOUNDS_OF,
    PERIOD,
    HELD,
    SEGMENT,
    ANNOUNCED,
    APPROVED,
    ALLOWED,
    CERTIFY,
    DROP_SEGMENT,
    REMOVE_EXPIRED,
    PLANS,
    CLOSURES,
]
BACKWARD = """
DROP TRIGGER guard_closure ON logs_segmentclosure;
DROP FUNCTION guard_closure();
DROP TRIGGER guard_hold ON logs_legalhold;
DROP TRIGGER guard_plan ON logs_planneddestruction;
DROP FUNCTION guard_hold(), guard_plan();
DROP FUNCTION remove_expired(uuid[], uuid), drop_segment(text, uuid);
DROP FUNCTION certify(logs_planneddestruction, bigint, uuid, text, bigint, timestamptz,
                      timestamptz);
DROP FUNCTION refuse_unless_due(logs_planneddestruction, bigint, timestamptz);
DROP FUNCTION approvers_of(logs_planneddestruction, bigint);
DROP FUNCTION announced_destruction(uuid, text), segment_range(text);
DROP VIEW held_event;
DROP FUNCTION retention_period(bigint, text, bigint);
DROP FUNCTION kept_period(bigint, text, interval, bigint);
DROP FUNCTION bounds_of(bigint, text, bigint), retention_rules(bigint, bigint);
DROP FUNCTION heeded_versions();
DROP FUNCTION period_after(timestamptz, interval), may_be_shorter(interval, interval);
DROP FUNCTION retention_bounds();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("logs", "0005_retention"),
        ("policy", "0001_policy_versions"),
    ]

    operations = [migrations.RunSQL(tuple(FORWARD), BACKWARD)]
