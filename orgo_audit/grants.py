"""Which login may do what with which table: the whole wall between the processes on one page.

Applied by the owner after every migration, from nothing: what is not listed here is refused. No
login owns anything, none may change or delete an event.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connections, transaction
from psycopg import sql

READ = "SELECT"
ADD = "SELECT, INSERT"
KEEP = "SELECT, INSERT, UPDATE"
ALL = "SELECT, INSERT, UPDATE, DELETE"

_RELEASE = "UPDATE (release_asked_by, release_asked_at, released_by, released_at)"

ROLES = ("orgo_web", "orgo_worker", "orgo_vault")
# No login: the web process becomes it, for one transaction, to read HR's tables.
HR = "orgo_hr"
SCHEMAS = {"hr": (HR, *ROLES), "vault": ("orgo_vault",), "keys": ("orgo_vault",)}

# table: (web, worker, vault)
TABLES: dict[str, tuple[str, str, str]] = {
    "event": (ADD, ADD, ""),
    "logs_batch": (ADD, "SELECT, INSERT, DELETE", ""),
    "logs_quarantinedevent": (
        f"{ADD}, UPDATE (code, path, detail), DELETE",
        "SELECT, INSERT, DELETE",
        "",
    ),
    # The vault's inbox: whoever takes mail in cannot read it back.
    "logs_sealeditem": ("INSERT", "INSERT", "SELECT, DELETE"),
    "logs_beat": (READ, KEEP, KEEP),
    "logs_sensitivereference": (ADD, ADD, ADD),
    # The doors say what has to leave the ordinary world; the worker moves it.
    "logs_reclassification": ("INSERT", "SELECT, INSERT, DELETE", ""),
    "event_removal": ("", "", ""),
    # Persons approve and release on the web; the worker destroys. A plan's clock, a certificate
    # and what a hold covers are the owner's (0006_destruction).
    "logs_legalhold": (f"{ADD}, {_RELEASE}", f"{ADD}, {_RELEASE}", READ),
    "logs_segmentclosure": (READ, ADD, ""),
    "logs_retentionrun": (READ, f"{ADD}, UPDATE (finished_at)", ""),
    "logs_planneddestruction": (
        f"{READ}, UPDATE (approved_by)",
        f"{ADD}, UPDATE (state, finished_at)",
        "",
    ),
    "logs_retentionresolution": (ADD, READ, READ),
    "logs_destructioncertificate": (READ, f"{READ}, UPDATE (rows_held)", ""),
    "held_event": (READ, READ, ""),
    # The vault says whose events and that it is approved, the worker which ones (0007_erasure).
    "logs_erasureplan": (
        READ,
        f"{READ}, UPDATE (planned_at, done_at, events, kept)",
        f"{ADD}, UPDATE (approved_at), DELETE",
    ),
    "logs_erasuresought": ("", "SELECT, DELETE", "SELECT, INSERT, DELETE"),
    "logs_erasurelisting": ("", "SELECT, INSERT, DELETE", "SELECT, DELETE"),
    "logs_erasedevents": (READ, KEEP, ""),
    # Copies of events, folded by the worker.
    "logs_taskclock": (READ, ALL, ""),
    "logs_hourcount": (READ, ALL, ""),
    "logs_foldmark": (READ, KEEP, ""),
    # The worker judges and tells; a person acknowledges, silences and resolves on the web, which
    # also takes Alertmanager's alerts in.
    "monitoring_alert": (
        f"{ADD}, UPDATE (state, severity, told, resolved_at, cleared_at, silenced_until)",
        ALL,
        "",
    ),
    "monitoring_alerttransition": (ADD, f"{ADD}, DELETE", ""),
    "monitoring_notification": (ADD, ALL, ""),
    "monitoring_deliverytry": (READ, f"{ADD}, DELETE", ""),
    "monitoring_watchmark": (READ, KEEP, ""),
    "monitoring_healthcheckresult": (READ, f"{ADD}, DELETE", ""),
    "monitoring_queuesample": (READ, f"{ADD}, DELETE", ""),
    "logs_readmark": (KEEP, ALL, ""),
    "logs_importedfile": ("", KEEP, ""),
    # The web process cannot widen anybody's view: the worker puts the policy's grants into force.
    "logs_logscope": (READ, ADD, ""),
    "logs_logscopegroupgrant": (READ, ALL, ""),
    "logs_logscopeusergrant": (READ, ALL, ""),
    "policy_policyversion": (f"{READ}, UPDATE (state, decided_by)", KEEP, READ),
    "accounts_organization": (READ, ADD, READ),
    "accounts_user": (
        f"{READ}, UPDATE (last_login, password, time_zone)",
        KEEP,
        "SELECT (id, username, email, is_active)",
    ),
    "accounts_user_groups": (READ, ALL, ""),
    "accounts_user_user_permissions": (READ, READ, ""),
    "accounts_membership": (READ, ALL, READ),
    "accounts_knownsecret": (READ, KEEP, ""),
    # Wrong passwords, counted; digests instead of names.
    "axes_accessattempt": (ALL, "SELECT, DELETE", ""),
    "axes_accessattemptexpiration": (ALL, "SELECT, DELETE", ""),
    "axes_accessfailurelog": ("", "", ""),
    "axes_accesslog": ("", "", ""),
    "accounts_session": (ALL, "SELECT, DELETE", ""),
    "accounts_servicetoken": (f"{ADD}, UPDATE (last_used_at, revoked_at, expires_at)", KEEP, ""),
    "auth_group": (READ, ADD, ""),
    "auth_group_permissions": (READ, READ, ""),
    "auth_permission": (READ, READ, READ),
    "django_content_type": (READ, READ, READ),
    "django_admin_log": ("", "", ""),
    "django_migrations": (READ, READ, READ),
    "guardian_groupobjectpermission": ("", "", ""),
    "guardian_userobjectpermission": ("", "", ""),
    # The worker's login takes a second factor away (`reset_second_factor`), and reads no secret.
    "otp_static_staticdevice": (ALL, "SELECT, DELETE", ""),
    "otp_static_statictoken": ("SELECT, INSERT, DELETE", "SELECT, DELETE", ""),
    "otp_totp_totpdevice": (ALL, "SELECT (id, user_id), DELETE", ""),
    "django_celery_beat_clockedschedule": (READ, ALL, ""),
    "django_celery_beat_crontabschedule": (READ, ALL, ""),
    "django_celery_beat_intervalschedule": (READ, ALL, ""),
    "django_celery_beat_periodictask": (READ, ALL, ""),
    "django_celery_beat_periodictasks": (READ, ALL, ""),
    "django_celery_beat_solarschedule": (READ, ALL, ""),
}
# The restricted world: (hr, worker, vault). The web login itself reaches none of it.
RESTRICTED: dict[str, tuple[str, str, str]] = {
    "hr.case": (
        f"{READ}, UPDATE (state, acknowledged_on, answered_on, closed_on)",
        "",
        ALL,
    ),
    "hr.case_event": (READ, "", ALL),
    "hr.case_grant": (READ, "", ALL),
    "hr.case_note": (ADD, "", "SELECT, DELETE"),
    "hr.look": (ADD, "", ADD),
    "hr.approval_request": (READ, "", KEEP),
    "hr.decision": (READ, "", f"{ADD}, UPDATE (voided_at)"),
    "hr.custodian_passkey": (READ, "", KEEP),
    "hr.errand": (
        "SELECT, INSERT, DELETE",
        "SELECT, INSERT, DELETE",
        "SELECT, UPDATE (answer, state), DELETE",
    ),
    "hr.notice": ("", "SELECT, UPDATE (sent_at, tries), DELETE", ADD),
    "vault.subject": ("", "", ALL),
    "vault.identity": ("", "", ALL),
    "vault.case_tag": ("", "", ALL),
    "vault.participant": ("", "", ALL),
    "vault.events": ("", "", ALL),
    "vault.held_item": ("", "", ALL),
    "vault.passkey": ("", "", KEEP),
    "vault.request": ("", "", KEEP),
    "vault.approval": ("", "", ADD),
    "vault.view": ("", "", ADD),
    "keys.wrapped_key": ("", "", ALL),
}
# What HR's role needs of everybody's tables: guardian's look-ups, and the organization's name.
BESIDE = {
    "accounts_organization": READ,
    "auth_permission": READ,
    "django_content_type": READ,
}
FUNCTIONS = {
    "create_segment(text, date)": ("orgo_web", "orgo_worker"),
    "remove_events(uuid[], text, uuid)": ("orgo_worker",),
    "drop_segment(text, uuid)": ("orgo_worker",),
    "retention_period(bigint, text, bigint)": ("orgo_worker",),
    "kept_from_erasure(uuid[])": ("orgo_worker",),
    "end_case(uuid, date)": ("orgo_vault",),
    "keep_holds_still()": ("orgo_vault",),
}

_MAKE_ROLE = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN
    CREATE ROLE {role} NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another start was faster
END $$
"""

# Whoever may become HR's role must not simply have its rights (PostgreSQL 15 knows this per role).
_LET_WEB_BECOME_HR = f"""
DO $$ BEGIN
  PERFORM pg_advisory_xact_lock(8);
  IF current_setting('server_version_num')::int >= 160000 THEN
    EXECUTE 'GRANT {HR} TO orgo_web WITH INHERIT FALSE, SET TRUE';
  ELSE
    EXECUTE 'ALTER ROLE orgo_web NOINHERIT';
    EXECUTE 'GRANT {HR} TO orgo_web';
  END IF;
EXCEPTION WHEN unique_violation OR internal_error THEN NULL;  -- another start was faster
END $$
"""
_CHECK_IT = f"""
DO $$ BEGIN
  IF pg_has_role('orgo_web', '{HR}', 'USAGE') OR NOT pg_has_role('orgo_web', '{HR}', 'MEMBER') THEN
    RAISE EXCEPTION 'orgo_web must be able to SET ROLE {HR}, and must not inherit it';
  END IF;
END $$
"""

# Where an administrator has let us: then the monthly check verifies the indexes.
_LET_WORKER_VERIFY_INDEXES = """
DO $$ BEGIN
  IF has_function_privilege(to_regprocedure('bt_index_check(regclass)'),
                            'EXECUTE WITH GRANT OPTION') THEN
    GRANT EXECUTE ON FUNCTION bt_index_check(regclass) TO orgo_worker;
  END IF;
END $$
"""
# A row's transaction (xmin), beside those of the events, tells to the second when a report came.
_WITHOUT_SYSTEM_COLUMNS = """
DO $$ DECLARE readable record; BEGIN
  FOR readable IN
    SELECT c.oid::regclass AS name, string_agg(quote_ident(a.attname), ', ') AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'hr'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
      AND NOT a.attisdropped AND has_table_privilege({name}, c.oid, 'SELECT')
    GROUP BY c.oid
  LOOP
    EXECUTE format('REVOKE SELECT ON %s FROM {role}', readable.name);
    EXECUTE format('GRANT SELECT (%s) ON %s TO {role}', readable.columns, readable.name);
  END LOOP;
END $$
"""


def apply_after_migrate(*, using: str, **_: Any) -> None:
    """Gives each login exactly its rights, and takes every other one away."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for statement in statements(connections[using].settings_dict["NAME"]):
            cursor.execute(statement)


def statements(database: str) -> Iterator[sql.Composable]:
    """All of it, in order; safe to run again."""
    for role in (*ROLES, HR):
        yield sql.SQL(_MAKE_ROLE).format(name=sql.Literal(role), role=sql.Identifier(role))
    yield sql.SQL(_LET_WEB_BECOME_HR)
    yield sql.SQL(_CHECK_IT)
    roles = sql.SQL(", ").join(map(sql.Identifier, ROLES))
    # A temporary table named `event` would stand before ours.
    yield sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database))
    yield sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(roles)
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(roles)
    # Identity columns need no right on their sequence, and its value tells how many there were.
    yield sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}").format(roles)
    for table, rights in TABLES.items():
        for role, right in zip(ROLES, rights, strict=True):
            if right:
                yield _grant(sql.SQL(right), sql.Identifier("public", table), role)
    yield from _of_the_restricted_world()
    for function, callers in FUNCTIONS.items():
        for role in callers:
            yield _grant(sql.SQL("EXECUTE"), sql.SQL(f"FUNCTION public.{function}"), role)
    yield sql.SQL(_LET_WORKER_VERIFY_INDEXES)


def _of_the_restricted_world() -> Iterator[sql.Composable]:
    everybody = sql.SQL(", ").join(map(sql.Identifier, (*ROLES, HR)))
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(HR))
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(sql.Identifier(HR))
    for schema, roles in SCHEMAS.items():
        name = sql.Identifier(schema)
        for kind in (sql.SQL("TABLES"), sql.SQL("SEQUENCES")):
            yield sql.SQL("REVOKE ALL ON ALL {} IN SCHEMA {} FROM {}").format(kind, name, everybody)
        yield sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(name, everybody)
        for role in roles:
            yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(name, sql.Identifier(role))
    for table, rights in RESTRICTED.items():
        for role, right in zip((HR, "orgo_worker", "orgo_vault"), rights, strict=True):
            if right:
                yield _grant(sql.SQL(right), sql.Identifier(*table.split(".")), role)
    hr = {"name": sql.Literal(HR), "role": sql.Identifier(HR)}
    yield sql.SQL(_WITHOUT_SYSTEM_COLUMNS).format(**hr)
    for table, right in BESIDE.items():
        yield _grant(sql.SQL(right), sql.Identifier("public", table), HR)


def _grant(right: sql.SQL, target: sql.Composable, role: str) -> sql.Composed:
    return sql.SQL("GRANT {} ON {} TO {}").format(right, target, sql.Identifier(role))
