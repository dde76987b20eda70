"""Alerts about the portal: what it cannot say of itself once it is away, or has stopped to watch.

While the portal watches, its own rules speak. Theirs are repeated here for when it has been silent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from monitoring.provisioning.recordings import ERROR_RATIO
from monitoring.provisioning.shapes import Alerting, Group
from orgo_audit.periods import REFERENCE, Period
from orgo_audit.policy.schema import HealthChecks, Policy, as_plain

# As the portal's own rule; see `monitoring/alerting/rules.py`.
FEWEST_EVENTS, FEWEST_ERRORS = 10, 5
SILENT_SECONDS = 180
RETENTION_LATE_SECONDS = 26 * 3600
_DAYS = {"daily": 1, "weekly": 7, "monthly": 31}
_WATCHED = "orgo_watch_last_pass_timestamp_seconds"
_RETENTION = "orgo_audit_retention_last_run_timestamp_seconds"
_VAULT = "orgo_audit_vault_last_seen_timestamp_seconds"
_CHECKED = "orgo_health_check_last_run_timestamp_seconds"
_EVENTS = "orgo_audit_events_stored_total"
# Only a portal that answers can tell that something never was.
_ANSWERS = "and on () orgo_database_up == 1"


def of_policy(policy: Policy) -> Group:
    """The thresholds are those of the policy; of the tasks', the shortest of any organization."""
    return Group(
        "orgo_portal",
        (
            _portal_down(),
            _database_away(),
            _watch_stopped(),
            _notifications_stuck(),
            _check_failed(),
            *_checks_overdue(policy.health_checks),
            _checks_never_ran(policy.health_checks),
            _vault_away(policy.alert_thresholds.vault_lag),
            _retention_missed(),
            _retention_never_ran(),
            _error_rate_high(policy.alert_thresholds.error_rate.percent),
            _escalation_pending(_shortest_escalation(policy)),
        ),
        about="portal",
    )


def seconds(period: Period) -> int:
    return int((period.after(REFERENCE) - REFERENCE).total_seconds())


def _shortest_escalation(policy: Policy) -> Period:
    blocks = (policy, *policy.organizations.values())
    return min((block.alert_thresholds.escalation_pending for block in blocks), key=seconds)


def _portal_down() -> Alerting:
    return Alerting(
        "OrgoPortalDown",
        'up{job="orgo"} == 0 or absent(up{job="orgo"})',
        "3m",
        "critical",
        "Portal Down",
        "The portal does not answer Prometheus: events may not be recorded, and nobody watches.",
    )


def _database_away() -> Alerting:
    return Alerting(
        "OrgoDatabaseAway",
        "orgo_database_up == 0",
        "3m",
        "critical",
        "Portal Without Database",
        "The portal's database does not answer it: events are refused, and nobody watches.",
    )


def _watch_stopped() -> Alerting:
    return Alerting(
        "OrgoWatchStopped",
        f"time() - {_WATCHED} > {SILENT_SECONDS}\n  or (absent({_WATCHED}) {_ANSWERS})",
        "1m",
        "critical",
        "Portal Watches No More",
        "The portal has judged no rule for three minutes: worker, beat or broker is away.",
    )


def _notifications_stuck() -> Alerting:
    return Alerting(
        "OrgoNotificationsStuck",
        "orgo_notifications_oldest_seconds > 900",
        "5m",
        "critical",
        "Notifications Stuck",
        "What the portal has to tell people has waited for {{ $value | humanizeDuration }}.",
    )


def _check_failed() -> Alerting:
    return Alerting(
        "OrgoHealthCheckFailed",
        "orgo_health_check_ok == 0",
        "5m",
        "warning",
        "Health Check Failed",
        "The last run of the health check {{ $labels.check }} failed.",
    )


def _checks_overdue(checks: HealthChecks) -> Iterator[Alerting]:
    """A check is late after one and a half of its periods."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, frequency in _frequencies(checks).items():
        names[frequency].append(name)
    for frequency, these in names.items():
        hours = _DAYS[frequency] * 36
        yield Alerting(
            f"Orgo{frequency.capitalize()}CheckOverdue",
            f'time() - {_CHECKED}{{check=~"{"|".join(these)}"}} > {hours * 3600}',
            "10m",
            "warning",
            "Health Check Overdue",
            f"The {frequency} health check {{{{ $labels.check }}}} has not run for"
            " {{ $value | humanizeDuration }}.",
        )


def _checks_never_ran(checks: HealthChecks) -> Alerting:
    """Each runs once as soon as it is known, however seldom it is to run."""
    number = len(_frequencies(checks))
    return Alerting(
        "OrgoHealthCheckNeverRan",
        f"(count(count by (check) ({_CHECKED})) or on () vector(0)) < {number}\n  {_ANSWERS}",
        "36h",
        "warning",
        "Health Check Never Ran",
        f"Of the {number} health checks only {{{{ $value }}}} ever ran.",
    )


def _frequencies(checks: HealthChecks) -> dict[str, str]:
    plain = as_plain(checks)
    assert isinstance(plain, dict)  # noqa: S101  # a struct's
    return {name: str(frequency) for name, frequency in plain.items()}


def _vault_away(lag: Period) -> Alerting:
    return Alerting(
        "OrgoVaultAway",
        f"time() - {_VAULT} > {seconds(lag)}\n  or (absent({_VAULT}) {_ANSWERS})",
        "2m",
        "warning",
        "Vault Away",
        "The vault is not at work: sensitive events are sealed and wait, cases stand still.",
    )


def _retention_missed() -> Alerting:
    return Alerting(
        "OrgoRetentionMissed",
        f"time() - {_RETENTION} > {RETENTION_LATE_SECONDS}",
        "10m",
        "warning",
        "Retention Missed",
        "The nightly retention run has not ended for {{ $value | humanizeDuration }}.",
    )


def _retention_never_ran() -> Alerting:
    return Alerting(
        "OrgoRetentionNeverRan",
        f"absent({_RETENTION}) {_ANSWERS}",
        f"{RETENTION_LATE_SECONDS // 3600}h",
        "warning",
        "Retention Missed",
        "The nightly retention run has never got to its end.",
    )


def _error_rate_high(percent: float) -> Alerting:
    increase = f"sum(increase({_EVENTS}"
    return Alerting(
        "OrgoErrorRateHigh",
        f"{ERROR_RATIO} > {percent / 100:g}\n"
        f'  and on () {increase}{{log_type="error"}}[10m])) >= {FEWEST_ERRORS}\n'
        f'  and on () {increase}{{log_type=~"activity|error"}}[10m])) >= {FEWEST_EVENTS}\n'
        f"  {_silent()}",
        "0m",
        "warning",
        "Error Rate High",
        f"Of the events of the last ten minutes, {{{{ $value | humanizePercentage }}}} are errors"
        f" (more than {percent:g}%), and the portal does not watch.",
    )


def _escalation_pending(period: Period) -> Alerting:
    return Alerting(
        "OrgoEscalationPending",
        "orgo_escalation_pending_tasks > 0\n"
        f"  and on () orgo_escalation_pending_oldest_seconds > {seconds(period)}\n"
        f"  {_silent()}",
        "0m",
        "critical",
        "Task Escalation Pending",
        f"{{{{ $value }}}} tasks have not moved for {period.as_text()} or longer, as far as the"
        " portal knew when it stopped to watch.",
    )


def _silent() -> str:
    return f"and on () (time() - {_WATCHED} > {SILENT_SECONDS})"
