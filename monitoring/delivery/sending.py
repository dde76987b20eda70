"""The outbox: what is to be told is claimed, tried channel by channel, and each try is kept.

Killed anywhere it begins again once its claim has run out: a note may then be told twice, under the
same id, and never not at all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from monitoring.delivery.alertmanager import Alertmanager
from monitoring.delivery.base import Channel, ChannelError, Note, ToldAlert
from monitoring.delivery.email import Email
from monitoring.delivery.models import (
    DeliveryTry,
    Kind,
    Notification,
    NotificationState,
    Outcome,
)
from monitoring.delivery.webhook import Webhook
from orgo_audit.accounts.models import Membership, Organization, Role
from orgo_audit.policy import versions

EMAIL = "email"
CHANNELS: Mapping[str, Channel] = {
    EMAIL: Email(),
    "webhook": Webhook(),
    "alertmanager": Alertmanager(),
}
BATCH = 100
CLAIMED_FOR = timedelta(minutes=5)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(hours=24)

# The alerts of these ids, as they are told; those that are gone are left out.
Describe = Callable[[Sequence[UUID]], Sequence[ToldAlert]]


def enqueue(
    organization: Organization,
    kind: Kind,
    receivers: Iterable[str],
    alerts: Sequence[UUID],
    now: datetime,
) -> None:
    """Writes what each receiver is to be told, in the caller's transaction."""
    Notification.objects.bulk_create(
        Notification(
            organization=organization,
            kind=kind,
            receiver=receiver,
            alerts=list(alerts),
            made_at=now,
            next_try_at=now,
        )
        for receiver in dict.fromkeys(receivers)
    )


def deliver(now: datetime, describe: Describe) -> int:
    """Sends what waits and is due; how many notes were taken by a channel."""
    waiting = Notification.objects.filter(_claimable(now)).order_by("made_at", "pk")
    passing = _Pass(now, describe)
    for note in waiting.select_related("organization")[:BATCH]:
        mine = Notification.objects.filter(_claimable(now), pk=note.pk)
        if mine.update(claimed_until=now + CLAIMED_FOR):
            passing.tell(note)
    return passing.sent


def _claimable(now: datetime) -> Q:
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return free & Q(state=NotificationState.WAITING, next_try_at__lte=now)


@dataclass(slots=True)
class _Pass:
    """One pass over the outbox. A channel that does not answer is asked once in it."""

    now: datetime
    describe: Describe
    down: set[tuple[str, str | None]] = field(default_factory=set)
    sent: int = 0

    def tell(self, waiting: Notification) -> None:
        alerts = tuple(self.describe(waiting.alerts))
        if not alerts:  # it was about a task that has become sensitive
            waiting.delete()
            return
        policy = versions.current().for_organization(waiting.organization.slug).escalation
        note = _note(waiting, alerts, policy.webhook)
        others = [name for name in policy.channels if name != EMAIL]
        # That mail is dead must not be told by mail alone.
        needs_other = bool(others) and any(map(_is_about_mail, alerts))
        order = [*others, EMAIL] if needs_other and EMAIL in policy.channels else policy.channels
        done = _taken_before(waiting)
        for name in order:
            if name not in done and self._try(waiting, name, note):
                done.add(name)
            if done - ({EMAIL} if needs_other else set()):
                break
        self._settle(waiting, is_told=bool(done - ({EMAIL} if needs_other else set())))

    def _try(self, waiting: Notification, name: str, note: Note) -> bool:
        where = (name, note.webhook if name == "webhook" else None)
        if where in self.down:
            _keep(waiting, name, self.now, Outcome.SKIPPED, "it did not answer a moment ago")
            return False
        try:
            CHANNELS[name].send(note, self.now)
        except ChannelError as error:
            if error.is_down:
                self.down.add(where)
            _keep(waiting, name, self.now, Outcome.REFUSED, error.sentence)
            return False
        _keep(waiting, name, self.now, Outcome.SENT, "")
        return True

    def _settle(self, waiting: Notification, *, is_told: bool) -> None:
        waiting.tries, waiting.claimed_until = waiting.tries + 1, None
        if is_told:
            self.sent += 1
            waiting.state, waiting.settled_at = NotificationState.SENT, self.now
        elif self.now >= waiting.made_at + GIVEN_UP_AFTER:
            waiting.state, waiting.settled_at = NotificationState.GIVEN_UP, self.now
        else:
            waiting.next_try_at = self.now + _pause(waiting.tries)
        waiting.save(update_fields=["tries", "claimed_until", "state", "settled_at", "next_try_at"])


def _pause(tries: int) -> timedelta:
    """Twice as long each time; scattered, so that not all come at once."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(tries - 1, 12)))
    return pause * random.uniform(0.8, 1.2)  # noqa: S311  # no secret


def _keep(waiting: Notification, name: str, now: datetime, outcome: Outcome, words: str) -> None:
    DeliveryTry.objects.create(
        notification=waiting, channel=name, at=now, outcome=outcome, detail=words[:200]
    )


def _taken_before(waiting: Notification) -> set[str]:
    taken = waiting.trail.filter(outcome=Outcome.SENT)
    return set(taken.values_list("channel", flat=True))


def _is_about_mail(alert: ToldAlert) -> bool:
    return (alert.rule, alert.subject) == ("health_check", "mail")


def _note(waiting: Notification, alerts: tuple[ToldAlert, ...], webhook: str | None) -> Note:
    return Note(
        id=str(waiting.pk),
        kind=waiting.kind,
        organization=waiting.organization.slug,
        receiver=waiting.receiver,
        addresses=addresses_of(waiting.receiver, waiting.organization),
        alerts=alerts,
        portal_url=settings.ORGO_PUBLIC_URL,
        webhook=webhook,
    )


def addresses_of(receiver: str, organization: Organization) -> tuple[str, ...]:
    """An address is itself; a role is all its people here who can be reached by mail."""
    if receiver not in set(Role):
        return (receiver,)
    held = Membership.objects.filter(
        organization=organization, role=receiver, user__is_active=True
    ).select_related("user")
    found = (member.user.email or member.user.username for member in held.order_by("user_id"))
    return tuple(address for address in found if "@" in address)
