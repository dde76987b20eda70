"""What the portal records about itself: who read, was refused, signed in. Never what was seen.

Repeated looks and refusals are one event in ten minutes, so that the record does not fill with its
own readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from logs.record import ingest, references
from logs.record.access import Viewer
from logs.record.digests import keyed_digest
from logs.record.drafts import Draft
from logs.record.models import QuarantinedEvent, ReadMark
from logs.record.receipts import Sender
from logs.record.vocabulary import LogType, code_of, outcome_of
from orgo_audit.accounts.models import Membership, Organization, ServiceToken, User
from orgo_audit.accounts.tokens import PORTAL

QUIET_FOR = timedelta(minutes=10)
WITHHELD = "withheld"


def report_read(
    viewer: Viewer, organizations: Iterable[Organization], what: str, filters: Mapping[str, str]
) -> None:
    """Puts on record that somebody read `what`; raises if that cannot be written."""
    for organization in organizations:
        look = {"read": what} | _with_filters(filters, organization)
        _report_once("Logs Viewed", organization, viewer.name, viewer.address, look)


def report_export(
    viewer: Viewer,
    organizations: Iterable[Organization],
    what: str,
    filters: Mapping[str, str],
    form: str,
) -> None:
    """Puts on record that somebody takes `what` away, each time; raises if that fails."""
    for organization in organizations:
        look = {"exported": what, "format": form} | _with_filters(filters, organization)
        _report("Logs Exported", organization, viewer.name, viewer.address, look)


def _with_filters(filters: Mapping[str, str], organization: Organization) -> dict[str, Any]:
    return {"filters": _typed(filters, organization)} if filters else {}


def _typed(words: Mapping[str, str], organization: Organization) -> dict[str, str]:
    """What a person typed, withheld where it would be sealed if a service sent it."""
    if references.is_ordinary(dict(words), Sender(organization, PORTAL)):
        return dict(words)
    return dict.fromkeys(words, WITHHELD)


def report_refusal(
    identity: User | ServiceToken | None, address: str | None, what: str, why: str
) -> None:
    """Puts on record that somebody was refused `what`, in every organization it concerns."""
    actor = Viewer(identity).name if identity else None
    for organization in _organizations_of(identity):
        _report_once("Access Denied", organization, actor, address, {"refused": what, "why": why})


def report_restricted_area(user: User, organization: Organization, address: str | None) -> None:
    """Somebody was in the restricted area. What they did is told in its own log alone."""
    _report_once("Restricted Area Used", organization, user.get_username(), address, {})


def report_rate_limit(token: ServiceToken, address: str | None) -> None:
    """Puts on record that a service was told to wait: once, whatever it then asks for."""
    _report_once("Rate Limited", token.organization, Viewer(token).name, address, {})


def report_account(
    action: str,
    user: User,
    address: str | None,
    told: Mapping[str, Any] | None = None,
    *,
    by: str = "",
) -> None:
    """What a person did with the own account, or `by` somebody else did with it."""
    for organization in _organizations_of(user):
        _report(action, organization, by or user.get_username(), address, dict(told or {}))


def report_failed_sign_in(name: str, address: str | None) -> None:
    """A sign-in failed. An unknown name is not kept in clear: people type passwords there."""
    user = User.objects.filter(username=name).first()
    if user is not None:
        for organization in _organizations_of(user):
            _report("Failed Login Attempt", organization, name, address, {})
        return
    for organization in _organizations_of(None):
        _report("Failed Login Attempt", organization, None, address, _unknown_name(name))


def _unknown_name(name: str) -> dict[str, Any]:
    digest = keyed_digest("unknown user name", name.encode(errors="replace"))
    return {"unknown_user": digest.hex()[:16]}


def report_lockout(name: str, address: str | None) -> None:
    """Too many wrong passwords for one account or from one address: told once in ten minutes."""
    user = User.objects.filter(username=name).first()
    actor, told = (name, {}) if user else (None, _unknown_name(name))
    for organization in _organizations_of(user):
        _report_once("Sign-in Locked", organization, actor, address, told)


def report_administration(
    action: str, organization: Organization, by: str, told: dict[str, Any]
) -> None:
    """A person, a role, a token or an organization was made or changed by hand."""
    _report(action, organization, by, None, told)


def report_settlement(
    action: str, viewer: Viewer, item: QuarantinedEvent, told: Mapping[str, str]
) -> None:
    """A person replayed or discarded a refused item. What was sent is not told."""
    about = {"item": str(item.pk), "code": item.code, "delivered_by": item.source}
    told = about | _typed(told, item.organization)
    _report(action, item.organization, viewer.name, viewer.address, told)


def announce_destruction(organization: Organization, told: dict[str, Any]) -> UUID:
    """Says that events are about to be destroyed, and by which plan; the id of what was said."""
    return UUID(_report("Destruction Announced", organization, "system:retention", None, told))


def announce_reclassification(organization: Organization, removed_from: Iterable[str]) -> UUID:
    """Says from which lists something is about to go, and no more; the id of what was said."""
    told = {"removed_from": sorted(removed_from)}
    return UUID(_report("Events Reclassified", organization, "system:reclassification", None, told))


def report_policy(action: str, author: str, told: dict[str, Any]) -> None:
    """A version of the policy was loaded, accepted or refused: said in every organization."""
    for organization in Organization.objects.all():
        _report(action, organization, author, None, told)


@dataclass(frozen=True, slots=True)
class AlertStep:
    """One step of an alert, as the record tells it: by the alert's id, never by its task's, which
    may become sensitive.
    """

    action: str
    actor: str
    told: Mapping[str, Any]


def report_alerts(organization: Organization, steps: Iterable[AlertStep], at: datetime) -> None:
    """Puts the steps of alerts into the activity log, all in one batch.

    No metric counts them: the error rate is of what services do.
    """
    drafts = [
        Draft(
            log_type=LogType.ACTIVITY,
            occurred_at=at,
            action=step.action,
            code=(code := code_of(step.action)),
            outcome=outcome_of(LogType.ACTIVITY, code, None),
            actor=step.actor,
            details=dict(step.told),
        )
        for step in steps
    ]
    if drafts:
        ingest.record(drafts, organization, counts=False)


def ordinary_words(words: Mapping[str, str], organization: Organization) -> dict[str, str]:
    """What somebody wrote, withheld where it would be sealed if a service sent it."""
    return _typed(words, organization)


def are_ordinary(said: Sequence[Mapping[str, str]], organization: Organization) -> list[bool]:
    """Of each whether it would not be sealed if a service sent it; judged together."""
    sender = Sender(organization, PORTAL)
    sensitive = references.judge([dict(one) for one in said], sender).sensitive
    return [place not in sensitive for place in range(len(said))]


def _organizations_of(identity: User | ServiceToken | None) -> list[Organization]:
    """Where it is told: the identity's organizations, else the portal's own, the oldest."""
    if isinstance(identity, ServiceToken):
        return [identity.organization]
    if identity is not None:
        held = Membership.objects.filter(user=identity).values("organization")
        if found := list(Organization.objects.filter(pk__in=held).order_by("pk")):
            return found
    return list(Organization.objects.order_by("pk")[:1])


def _report_once(
    action: str,
    organization: Organization,
    actor: str | None,
    address: str | None,
    told: dict[str, Any],
) -> None:
    who = actor or address or "nobody"
    digest = keyed_digest(
        "own event",
        str(organization.pk).encode(),
        action.encode(),
        who.encode(),
        repr(told).encode(),
    )
    if _was_told_lately(digest):
        return
    with transaction.atomic():  # a mark without its event would hide the next ten minutes
        if _claim(digest):
            _report(action, organization, actor, address, told)


def _was_told_lately(digest: bytes) -> bool:
    told = ReadMark.objects.filter(digest=digest, recorded_at__gte=timezone.now() - QUIET_FOR)
    return told.exists()


def _claim(digest: bytes) -> bool:
    """Claims the next ten minutes for this digest; False where another request just has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs_readmark AS mark (digest, recorded_at) VALUES (%s, now())"
            " ON CONFLICT (digest) DO UPDATE SET recorded_at = now()"
            " WHERE mark.recorded_at < %s",
            [digest, timezone.now() - QUIET_FOR],
        )
        return bool(cursor.rowcount)


def _report(
    action: str,
    organization: Organization,
    actor: str | None,
    address: str | None,
    told: dict[str, Any],
) -> str | None:
    code = code_of(action)
    draft = Draft(
        log_type=LogType.SECURITY,
        occurred_at=timezone.now(),
        action=action,
        code=code,
        outcome=outcome_of(LogType.SECURITY, code, None),
        actor=actor,
        ip_address=address,
        details=told,
    )
    return ingest.record([draft], organization).ids[0]
