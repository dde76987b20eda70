"""The only writer of alerts: fires, acknowledges, escalates, silences, resolves. Judges nothing.

Each step is an AlertTransition, an event in the activity log and, for whom it concerns, a
notification: all in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from logs import interface
from monitoring.alerting import answers
from monitoring.alerting.escalation import first_receivers, receivers, steps_due
from monitoring.alerting.models import Alert, AlertTransition
from monitoring.alerting.rules import Condition, Verdict
from monitoring.alerting.vocabulary import ACTIONS, Rule, Severity, State
from monitoring.delivery import sending
from monitoring.delivery.base import ToldAlert
from monitoring.delivery.models import Kind, Notification
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput, Conflict, NotFound
from orgo_audit.policy import versions
from orgo_audit.policy.schema import Escalation

SYSTEM = "system:alerting"
MAX_REASON = 500
# An outage of Alertmanager may be as long before it misses that an alert is over.
RESOLVED_TOLD_FOR = timedelta(minutes=15)
LONGEST_SILENCE = timedelta(days=31)
_LOCK_CLASS = 0x616C7274  # any number, as long as nothing else in this database uses it
_UNANSWERED = (State.FIRING, State.ESCALATED)
_OPENED, _CHANGED = frozenset({State.FIRING}), frozenset({State.ESCALATED})


@dataclass(slots=True)
class _Steps:
    """What happens to an organization's alerts at one instant, written all at once."""

    organization: Organization
    escalation: Escalation
    now: datetime
    transitions: list[AlertTransition] = field(default_factory=list)
    notes: dict[tuple[Kind, tuple[str, ...]], list[UUID]] = field(default_factory=dict)

    def step(self, alert: Alert, state: State, by: str = SYSTEM, reason: str = "") -> None:
        alert.state = state
        self.transitions.append(
            AlertTransition(alert=alert, state=state, at=self.now, by=by, reason=reason)
        )

    def tell(self, kind: Kind, whom: tuple[str, ...], alert: Alert) -> None:
        if alert.severity != Severity.INFO:
            self.notes.setdefault((kind, whom), []).append(alert.pk)

    def write(self) -> None:
        AlertTransition.objects.bulk_create(self.transitions)
        interface.report_alerts(self.organization, map(_as_event, self.transitions), self.now)
        for (kind, whom), alerts in self.notes.items():
            sending.enqueue(self.organization, kind, whom, alerts, self.now)


def _as_event(step: AlertTransition) -> interface.AlertStep:
    told = {"alert": step.alert.name, "alert_id": str(step.alert.pk), "rule": step.alert.rule}
    if step.reason:
        told["because"] = step.reason
    action = ACTIONS[State(step.state)]
    return interface.AlertStep(action, step.by, told)


# --- the pass -----------------------------------------------------------------------------------


@transaction.atomic
def reconcile(organization: Organization, verdicts: Mapping[Rule, Verdict], now: datetime) -> None:
    """Brings the organization's alerts into line with what is wrong now.

    Another pass over the same organization at the same time is left to itself.
    """
    if not _is_our_turn(organization):
        return
    escalation = versions.current().for_organization(organization.slug).escalation
    steps = _Steps(organization, escalation, now)
    open_alerts = _open(organization)
    wrong = _by_key(one for verdict in verdicts.values() for one in verdict.conditions)
    _resolve(steps, [one for key, one in open_alerts.items() if key not in wrong], verdicts)
    lasting = {key: alert for key, alert in open_alerts.items() if alert.cleared_at is None}
    _renew(steps, lasting, wrong)
    _fire(steps, [one for key, one in wrong.items() if key not in lasting])
    _go_on(steps, lasting.values())
    steps.write()


def _is_our_turn(organization: Organization) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, organization.pk])
        return bool(cursor.fetchone()[0])


def _open(organization: Organization) -> dict[tuple[str, str], Alert]:
    found = Alert.objects.filter(organization=organization, cleared_at=None)
    return {(alert.rule, alert.subject): alert for alert in found.select_for_update(of=("self",))}


def _by_key(conditions: Iterable[Condition]) -> dict[tuple[str, str], Condition]:
    return {(str(one.rule), one.subject): one for one in conditions}


def _resolve(steps: _Steps, alerts: Iterable[Alert], verdicts: Mapping[Rule, Verdict]) -> None:
    """Those whose condition has turned; without enough data only a person's word is final."""
    turned = []
    for alert in alerts:
        verdict = verdicts.get(Rule(alert.rule))
        if verdict is None or not (verdict.known or alert.state == State.RESOLVED):
            continue
        _clear(steps, alert)
        turned.append(alert)
    _save(turned, "state", "resolved_at", "cleared_at", "silenced_until")


def _clear(steps: _Steps, alert: Alert) -> None:
    alert.cleared_at = steps.now
    if alert.state == State.RESOLVED:
        return
    alert.resolved_at, alert.silenced_until = steps.now, None
    steps.step(alert, State.RESOLVED, reason="the condition has turned")
    if alert.rule == Rule.ESCALATION_NEAR:  # the task has moved, or its escalation is pending now
        return
    ladder = steps.escalation.ladder
    told = first_receivers(ladder) + receivers(ladder, 0, alert.steps_taken)
    steps.tell(Kind.RESOLVED, tuple(dict.fromkeys(told)), alert)


def _renew(
    steps: _Steps,
    lasting: Mapping[tuple[str, str], Alert],
    wrong: Mapping[tuple[str, str], Condition],
) -> None:
    """What is told of a condition that lasts, and how grave it has become."""
    changed = []
    for key in lasting.keys() & wrong.keys():
        alert, condition = lasting[key], wrong[key]
        if (alert.severity, alert.told) == (condition.severity, condition.told):
            continue
        was_listed_only = alert.severity == Severity.INFO
        alert.severity, alert.told = condition.severity, dict(condition.told)
        if was_listed_only and alert.state in _UNANSWERED:
            steps.tell(Kind.FIRED, first_receivers(steps.escalation.ladder), alert)
        changed.append(alert)
    if changed:
        Alert.objects.bulk_update(changed, ["severity", "told"])


def _fire(steps: _Steps, conditions: Iterable[Condition]) -> None:
    fired = [_new(steps, condition) for condition in conditions]
    Alert.objects.bulk_create(fired)
    whom = first_receivers(steps.escalation.ladder)
    for alert in fired:
        steps.step(alert, State.FIRING)
        steps.tell(Kind.FIRED, whom, alert)


def _new(steps: _Steps, condition: Condition) -> Alert:
    task_id = condition.task_id
    return Alert(
        organization=steps.organization,
        rule=condition.rule,
        subject=condition.subject,
        name=condition.name,
        severity=condition.severity,
        state=State.FIRING,
        task_id=task_id,
        task_digest=task_id and interface.digest_of_task(steps.organization, task_id),
        told=dict(condition.told),
        fired_at=steps.now,
    )


def _go_on(steps: _Steps, alerts: Iterable[Alert]) -> None:
    """Silences that are over end; what nobody has acknowledged climbs the ladder."""
    woken, climbed = [], []
    for alert in alerts:
        if alert.silenced_until is not None and alert.silenced_until <= steps.now:
            alert.silenced_until = None
            steps.step(alert, State.FIRING, reason="the silence is over")
            steps.tell(Kind.FIRED, first_receivers(steps.escalation.ladder), alert)
            woken.append(alert)
        elif _climbs(steps, alert):
            climbed.append(alert)
    _save(woken, "state", "silenced_until")
    _save(climbed, "state", "steps_taken")


def _climbs(steps: _Steps, alert: Alert) -> bool:
    if alert.state not in _UNANSWERED or alert.severity == Severity.INFO:
        return False
    ladder = steps.escalation.ladder
    due = steps_due(ladder, alert.fired_at, steps.now)
    if due <= alert.steps_taken:
        return False
    steps.tell(Kind.ESCALATED, receivers(ladder, alert.steps_taken, due), alert)
    alert.steps_taken = due
    steps.step(alert, State.ESCALATED, reason="nobody has acknowledged it")
    return True


def _save(alerts: list[Alert], *fields: str) -> None:
    """Alerts of one pass differ in few values: one statement for each combination of them."""
    groups: dict[tuple[Any, ...], list[UUID]] = {}
    for alert in alerts:
        values = tuple(getattr(alert, name) for name in fields)
        groups.setdefault(values, []).append(alert.pk)
    for values, keys in groups.items():
        Alert.objects.filter(pk__in=keys).update(**dict(zip(fields, values, strict=True)))


# --- from outside -------------------------------------------------------------------------------


@transaction.atomic
def take_in(
    organization: Organization,
    firing: Iterable[Condition],
    resolved: Iterable[str],
    now: datetime,
) -> None:
    """What another system says of its own alerts, by their fingerprints; safe to say again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, organization.pk])
    escalation = versions.current().for_organization(organization.slug).escalation
    steps = _Steps(organization, escalation, now)
    theirs = {key: one for key, one in _open(organization).items() if key[0] == Rule.ALERTMANAGER}
    wrong = _by_key(firing)
    over = {(str(Rule.ALERTMANAGER), fingerprint) for fingerprint in resolved} - wrong.keys()
    _resolve(steps, [theirs[key] for key in over & theirs.keys()], {Rule.ALERTMANAGER: Verdict()})
    _renew(steps, theirs, wrong)
    _fire(steps, [one for key, one in wrong.items() if key not in theirs])
    steps.write()


# --- by hand ------------------------------------------------------------------------------------


def find(organizations: Iterable[Organization], alert_id: UUID) -> Alert:
    """One alert of these organizations; NotFound where there is none."""
    own = Alert.objects.filter(organization__in=list(organizations), pk=alert_id)
    if (found := own.select_related("organization").first()) is None:
        raise NotFound
    return found


def acknowledge(alert: Alert, *, by: str, reason: str, now: datetime) -> Alert:
    """Somebody is at it: nobody else is told while the condition lasts."""
    return _by_hand(alert, State.ACKNOWLEDGED, by, reason, now)


def resolve(alert: Alert, *, by: str, reason: str, now: datetime) -> Alert:
    """It is over; the same condition fires anew once it has turned in between."""
    return _by_hand(alert, State.RESOLVED, by, reason, now)


def silence(alert: Alert, until: datetime, *, by: str, reason: str, now: datetime) -> Alert:
    """Nobody is told until then; a condition that still lasts then fires anew."""
    if not now < until <= now + LONGEST_SILENCE:
        raise BadInput(
            f"expected an instant from now on, at most {LONGEST_SILENCE.days} days ahead",
            path="until",
            code="bad_until",
        )
    return _by_hand(alert, State.SILENCED, by, reason, now, until)


@transaction.atomic
def _by_hand(
    alert: Alert, state: State, by: str, reason: str, now: datetime, until: datetime | None = None
) -> Alert:
    if len(reason) > MAX_REASON:
        raise BadInput(f"at most {MAX_REASON} characters", path="reason", code="too_long")
    rows = Alert.objects.select_for_update(of=("self",)).select_related("organization")
    if (found := rows.filter(pk=alert.pk).first()) is None:
        raise NotFound  # it has left with its task since it was looked at
    alert = found
    if alert.state in (State.RESOLVED, state) and state is not State.SILENCED:
        raise Conflict(f"this alert is {alert.state} already", code="already_so")
    if alert.state == State.RESOLVED:
        raise Conflict("this alert is resolved already", code="already_so")
    escalation = versions.current().for_organization(alert.organization.slug).escalation
    steps = _Steps(alert.organization, escalation, now)
    words = interface.ordinary_words({"because": reason}, alert.organization) if reason else {}
    alert.silenced_until = until
    if state is State.RESOLVED:
        alert.resolved_at = now
    steps.step(alert, state, by, words.get("because", ""))
    alert.save(update_fields=["state", "silenced_until", "resolved_at"])
    steps.write()
    return alert


# --- for Alertmanager ---------------------------------------------------------------------------


def lasting(now: datetime) -> list[ToldAlert]:
    """What Alertmanager is told of: what is open and not silenced, and what ended lately.

    Its own alerts, and what is only listed, are not among them.
    """
    is_open = Q(resolved_at=None) & ~Q(state=State.SILENCED)
    ended_lately = Q(resolved_at__gte=now - RESOLVED_TOLD_FOR)
    found = Alert.objects.filter(is_open | ended_lately).exclude(severity=Severity.INFO)
    theirs = found.exclude(rule=Rule.ALERTMANAGER).select_related("organization")
    return [answers.told(alert) for alert in theirs.order_by("fired_at", "pk")]


# --- leaving ------------------------------------------------------------------------------------


@transaction.atomic
def forget_sensitive() -> None:
    """An alert about a task that has become sensitive leaves with the task's events."""
    of_tasks = Alert.objects.exclude(task_digest=None).values("task_digest")
    if not (digests := interface.sensitive_digests(of_tasks)):
        return
    gone = Alert.objects.filter(task_digest__in=digests)
    keys = list(gone.values_list("pk", flat=True))
    for note in Notification.objects.filter(alerts__overlap=keys):
        left = [key for key in note.alerts if key not in keys]
        Notification.objects.filter(pk=note.pk).update(alerts=left)
    gone.delete()


@transaction.atomic
def forget_old(now: datetime) -> None:
    """What is over is kept as long as the organization's security log."""
    for organization in Organization.objects.all():
        rules = versions.current().for_organization(organization.slug)
        over = rules.retention_policies.security_logs.before(now)
        own = Alert.objects.filter(organization=organization, cleared_at__lt=over)
        own.delete()
        Notification.objects.filter(organization=organization, settled_at__lt=over).delete()
