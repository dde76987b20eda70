"""Reads the gauges from the database, as it is now. Numbers and instants only: it names nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Min
from django.db.utils import Error
from msgspec.structs import fields
from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily

from logs import interface
from monitoring import metrics
from monitoring.alerting.business_time import over_at
from monitoring.alerting.models import Alert, WatchMark
from monitoring.alerting.vocabulary import Severity, State
from monitoring.delivery.models import Notification, NotificationState
from monitoring.health_checks.models import CheckState, HealthCheckResult
from monitoring.metrics import Figure
from monitoring.watching import MARK
from orgo_audit.accounts.models import Organization
from orgo_audit.database.login import log_in
from orgo_audit.errors import Unavailable
from orgo_audit.periods import Period
from orgo_audit.policy import versions
from orgo_audit.policy.schema import BusinessHours, HealthChecks

# A scrape is given up after ten.
LOGIN_SECONDS, LIMIT_SECONDS = 2, 4
CHECKS = tuple(check.name for check in fields(HealthChecks))


def read(now: datetime) -> list[Metric]:
    """All figures; only that the database is away where it does not answer."""
    try:
        with connection.wrap_database_errors:
            log_in(LOGIN_SECONDS)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{LIMIT_SECONDS}s'")
            found = list(_all(now))
    except Error:
        return [_single(metrics.DATABASE_UP, 0)]
    return [_single(metrics.DATABASE_UP, 1), *found]


def _all(now: datetime) -> Iterator[Metric]:
    yield _single(metrics.QUARANTINE_ITEMS, interface.quarantined())
    yield from _instant(metrics.RETENTION_FINISHED, interface.retention_finished())
    yield from _instant(metrics.VAULT_SEEN, interface.vault_seen())
    yield from _tasks(now)
    yield _alerts()
    yield from _notifications(now)
    yield from _health_checks()
    passes = WatchMark.objects.filter(name=MARK)
    yield from _instant(metrics.WATCHED, passes.values_list("finished_at", flat=True).first())


def _alerts() -> Metric:
    counted = Alert.objects.exclude(state=State.RESOLVED).values_list("severity")
    numbers = dict(counted.annotate(Count("pk")).order_by())
    return _labelled(
        metrics.ALERTS_OPEN, ((severity, numbers.get(severity, 0)) for severity in Severity)
    )


def _notifications(now: datetime) -> Iterator[Metric]:
    waiting = Notification.objects.filter(state=NotificationState.WAITING)
    found = waiting.aggregate(number=Count("pk"), since=Min("made_at"))
    yield _single(metrics.NOTIFICATIONS_WAITING, found["number"])
    yield _single(metrics.NOTIFICATIONS_OLDEST, _seconds(found["since"], now))


def _health_checks() -> Iterator[Metric]:
    runs = HealthCheckResult.objects.filter(name__in=CHECKS)
    last = list(runs.order_by("name", "-started_at").distinct("name"))
    yield _labelled(
        metrics.HEALTH_CHECK_OK,
        ((run.name, run.state == CheckState.OK) for run in last if run.state != CheckState.SKIPPED),
    )
    yield _labelled(
        metrics.HEALTH_CHECK_RUN, ((run.name, run.started_at.timestamp()) for run in last)
    )


# --- tasks --------------------------------------------------------------------------------------


def _tasks(now: datetime) -> Iterator[Metric]:
    organizations = list(Organization.objects.values_list("pk", "slug"))
    everybody = [key for key, _ in organizations]
    yield _single(metrics.TASKS_OPEN, interface.unmoved(everybody, now).number)
    try:
        found = [
            interface.unmoved(keys, last) for last, keys in _by_last(organizations, now).items()
        ]
    except Unavailable:  # no policy that could be read: the portal refuses events as well
        return
    since = min((one.since for one in found if one.since), default=None)
    yield _single(metrics.PENDING_TASKS, sum(one.number for one in found))
    yield _single(metrics.PENDING_OLDEST, _seconds(since, now))


def _by_last(organizations: Iterable[tuple[int, str]], now: datetime) -> dict[datetime, list[int]]:
    """By the last instant at which a task that is pending now can have moved: most share one."""
    policy = versions.current()
    last: dict[tuple[Period, BusinessHours | None], list[int]] = defaultdict(list)
    for key, slug in organizations:
        rules = policy.for_organization(slug)
        last[rules.alert_thresholds.escalation_pending, rules.escalation.business_hours].append(key)
    by_instant: dict[datetime, list[int]] = defaultdict(list)
    for (period, hours), keys in last.items():
        by_instant[last_pending(period, hours, now)] += keys
    return by_instant


def last_pending(period: Period, hours: BusinessHours | None, now: datetime) -> datetime:
    """To the second, the last start from which the period is over by now."""
    over = period.before(now)
    while over_at(over, period, hours, 1.0) > now:
        over -= timedelta(days=1)
    not_over = now
    while not_over - over > timedelta(seconds=1):
        middle = over + (not_over - over) / 2
        if over_at(middle, period, hours, 1.0) > now:
            not_over = middle
        else:
            over = middle
    return over


# --- shapes -------------------------------------------------------------------------------------


def _single(figure: Figure, value: float) -> Metric:
    return GaugeMetricFamily(figure.name, figure.meaning, value=value)


def _instant(figure: Figure, instant: datetime | None) -> Iterator[Metric]:
    """Nothing where it never was."""
    if instant:
        yield _single(figure, instant.timestamp())


def _labelled(figure: Figure, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(figure.name, figure.meaning, labels=figure.labels)
    for label, value in values:
        family.add_metric([label], value)
    return family


def _seconds(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
