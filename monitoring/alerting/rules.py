"""Whether something is wrong, judged from numbers and the policy. Asks and tells nobody.

A verdict without enough data is no "all is well": nothing fires for it, and nothing resolves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitoring.alerting.baseline import Comparison, Volume
from monitoring.alerting.business_time import over_at
from monitoring.alerting.vocabulary import Rule, Severity
from orgo_audit.periods import Period
from orgo_audit.policy.schema import Burst, BusinessHours, Threshold

ERROR_WINDOW = Period(10, "minute")
# One error of two events is no rate.
FEWEST_EVENTS, FEWEST_ERRORS = 10, 5
NEAR, VERY_NEAR = 0.5, 0.8


@dataclass(frozen=True, slots=True)
class Condition:
    """What is wrong now. `subject` tells one from another of the same rule."""

    rule: Rule
    name: str
    severity: Severity
    subject: str = ""
    task_id: str | None = None
    told: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that is wrong by one rule; not `known` where there is not enough data to say."""

    conditions: tuple[Condition, ...] = ()
    known: bool = True


WELL = Verdict()
NOT_ENOUGH_DATA = Verdict(known=False)


def error_rate(errors: int, activity: int, threshold: Threshold) -> Verdict:
    """Errors among the error and activity events of the last ten minutes."""
    events = errors + activity
    if events < FEWEST_EVENTS:
        return NOT_ENOUGH_DATA
    percent = 100 * errors / events
    if errors < FEWEST_ERRORS or percent <= threshold.percent:
        return WELL
    told: dict[str, str | int | float] = {
        "error_rate": f"{percent:.1f}%",
        "threshold": threshold.as_text(),
        "errors": errors,
        "events": events,
        "window": ERROR_WINDOW.as_text(),
    }
    grave = Severity.CRITICAL if percent > 5 * threshold.percent else Severity.WARNING
    return Verdict((Condition(Rule.ERROR_RATE, "Error Rate High", grave, told=told),))


def burst(rule: Rule, name: str, number: int, limit: Burst) -> Verdict:
    """More of something than the policy calls usual, whoever it was."""
    if number <= limit.count:
        return WELL
    told: dict[str, str | int | float] = {"number": number, "threshold": limit.as_text()}
    return Verdict((Condition(rule, name, Severity.WARNING, told=told),))


@dataclass(frozen=True, slots=True)
class Escalations:
    """The tasks whose escalation is pending, and those near it."""

    pending: Verdict
    near: Verdict


def escalations(
    tasks: Iterable[tuple[str, datetime]],
    period: Period,
    hours: BusinessHours | None,
    now: datetime,
) -> Escalations:
    """Each open task with the time of its last routing, escalation or creation."""
    pending, near = [], []
    for task_id, moved_at in tasks:
        if over_at(moved_at, period, hours, 1.0) <= now:
            pending.append(_pending(task_id, period))
        elif over_at(moved_at, period, hours, VERY_NEAR) <= now:
            near.append(_near(task_id, period, Severity.WARNING, VERY_NEAR))
        elif over_at(moved_at, period, hours, NEAR) <= now:
            near.append(_near(task_id, period, Severity.INFO, NEAR))
    return Escalations(Verdict(tuple(pending)), Verdict(tuple(near)))


def _pending(task_id: str, period: Period) -> Condition:
    told = {"escalation_time": period.as_text()}
    name = "Task Escalation Pending"
    return Condition(Rule.ESCALATION_PENDING, name, Severity.CRITICAL, task_id, task_id, told)


def _near(task_id: str, period: Period, severity: Severity, share: float) -> Condition:
    told = {"escalation_time": period.as_text(), "passed": f"{share:.0%}"}
    return Condition(Rule.ESCALATION_NEAR, "Task Escalation Near", severity, task_id, task_id, told)


def email_volume(compared: Mapping[int, Comparison]) -> Verdict:
    """By the length of the window in hours: the shortest one that is unusual is told."""
    if all(one.volume is Volume.LEARNING for one in compared.values()):
        return NOT_ENOUGH_DATA
    for hours, one in sorted(compared.items()):
        if one.volume in _UNUSUAL:
            told: dict[str, str | int | float] = {
                "mails": one.observed,
                "usual": round(one.usual, 1),
                "window": Period(hours, "hour").as_text(),
            }
            name = _UNUSUAL[one.volume]
            condition = Condition(
                Rule.EMAIL_VOLUME, name, Severity.WARNING, one.volume.value, told=told
            )
            return Verdict((condition,))
    return WELL


_UNUSUAL = {Volume.HIGH: "E-mail Volume High", Volume.LOW: "E-mail Volume Low"}


def failed_checks(failed: Iterable[tuple[str, str]]) -> Verdict:
    """The checks whose last run failed, each with the sentence it said."""
    return Verdict(
        tuple(
            Condition(
                Rule.HEALTH_CHECK,
                "Health Check Failed",
                Severity.CRITICAL,
                name,
                told={"check": name, "detail": detail},
            )
            for name, detail in failed
        )
    )


def missed_beats(missed: Iterable[tuple[str, datetime]]) -> Verdict:
    """What should have run by now, and by when."""
    return Verdict(
        tuple(
            Condition(
                Rule.HEARTBEAT,
                "Heartbeat Missed",
                Severity.CRITICAL,
                name,
                told={"work": name, "expected_by": f"{expected:%Y-%m-%dT%H:%M:%SZ}"},
            )
            for name, expected in missed
        )
    )


def vault_lag(is_behind: bool, limit: Period) -> Verdict:
    if not is_behind:
        return WELL
    told = {"threshold": limit.as_text()}
    return Verdict((Condition(Rule.VAULT_LAG, "Vault Away", Severity.CRITICAL, told=told),))


def retention(is_overdue: bool) -> Verdict:
    if not is_overdue:
        return WELL
    return Verdict((Condition(Rule.RETENTION, "Retention Not Run", Severity.WARNING),))
