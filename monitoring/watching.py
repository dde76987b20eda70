"""One pass: observes, judges by each organization's policy, brings alerts into line, tells people.

It decides nothing by itself: the rules judge, and `alerting/alerts.py` acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from logs import interface
from monitoring import heartbeat
from monitoring.alerting import alerts, baseline, observations, rules
from monitoring.alerting.models import WatchMark
from monitoring.alerting.observations import FAILED_LOGIN, VIOLATION, Numbers
from monitoring.alerting.rules import ERROR_WINDOW, Verdict
from monitoring.alerting.vocabulary import Rule
from monitoring.health_checks import running
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import Period
from orgo_audit.policy import versions

MARK = "watch"
STALE_AFTER = timedelta(minutes=3)


def watch(now: datetime) -> None:
    """Judges all rules of all organizations, and leaves a mark when it gets to its end."""
    interface.fold_task_clocks(now)
    alerts.forget_sensitive()
    organizations = list(Organization.objects.order_by("pk"))
    numbers, platform = observations.numbers(organizations, now), Platform.of(now)
    for organization in organizations:
        verdicts = judged(organization, numbers, platform, now)
        alerts.reconcile(organization, verdicts, now)
    WatchMark.objects.update_or_create(name=MARK, defaults={"finished_at": now})


def is_fresh(now: datetime) -> bool:
    """Whether a pass got to its end lately."""
    return WatchMark.objects.filter(name=MARK, finished_at__gt=now - STALE_AFTER).exists()


def watch_volumes(now: datetime) -> None:
    """Counts by the hour, then judges the e-mail volumes: an hour is judged when it is over."""
    interface.count_hours(now)
    interface.forget_task_clocks(now)
    for organization in Organization.objects.order_by("pk"):
        verdict = rules.email_volume(baseline.judged(observations.mails(organization, now)))
        alerts.reconcile(organization, {Rule.EMAIL_VOLUME: verdict}, now)


@dataclass(frozen=True, slots=True)
class Platform:
    """What is the same for every organization."""

    failed_checks: tuple[tuple[str, str], ...]
    missed: tuple[tuple[str, datetime], ...]
    retention_is_overdue: bool

    @classmethod
    def of(cls, now: datetime) -> Platform:
        failed = [(result.name, result.detail) for result in running.failed_checks()]
        late = [(one.name, one.expected_by) for one in heartbeat.missed(now)]
        return cls(tuple(failed), tuple(late), interface.retention_is_overdue(now))


def judged(
    organization: Organization, numbers: Numbers, platform: Platform, now: datetime
) -> Mapping[Rule, Verdict]:
    """The verdict of every rule but that of the e-mail volumes."""
    policy = versions.current().for_organization(organization.slug)
    limits, hours = policy.alert_thresholds, policy.escalation.business_hours
    tasks = observations.open_tasks(organization, limits.escalation_pending, now)
    escalations = rules.escalations(
        ((task.task_id, task.moved_at) for task in tasks), limits.escalation_pending, hours, now
    )

    def bursts(kinds: Iterable[str], code: str, window: Period) -> int:
        return sum(numbers.number(window, organization, kind, code) for kind in kinds)

    everywhere = ("activity", "security", "error")
    logins, violations = limits.failed_logins, limits.access_violations
    lag = limits.vault_lag.after(now) - now
    return {
        Rule.ERROR_RATE: rules.error_rate(
            numbers.all_of(ERROR_WINDOW, organization, "error"),
            numbers.all_of(ERROR_WINDOW, organization, "activity"),
            limits.error_rate,
        ),
        Rule.ESCALATION_PENDING: escalations.pending,
        Rule.ESCALATION_NEAR: escalations.near,
        Rule.FAILED_LOGINS: rules.burst(
            Rule.FAILED_LOGINS,
            "Failed Logins",
            bursts(everywhere, FAILED_LOGIN, logins.period),
            logins,
        ),
        Rule.ACCESS_VIOLATIONS: rules.burst(
            Rule.ACCESS_VIOLATIONS,
            "Access Violations",
            bursts(everywhere, VIOLATION, violations.period),
            violations,
        ),
        Rule.HEALTH_CHECK: rules.failed_checks(platform.failed_checks),
        Rule.HEARTBEAT: rules.missed_beats(platform.missed),
        Rule.VAULT_LAG: rules.vault_lag(interface.vault_is_behind(now, lag), limits.vault_lag),
        Rule.RETENTION: rules.retention(platform.retention_is_overdue),
    }
