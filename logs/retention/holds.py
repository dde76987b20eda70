"""Legal holds: placed by one person, released by two. Placing one keeps what it covers at once.

A destruction locks the holds while it runs: whoever places one then waits for its end, and is told
how much it still finds.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from logs.record import own_events
from logs.retention.facts import SEGMENT_OF_ID, within_a_page
from logs.retention.models import LegalHold, ScopeKind
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput, Conflict, NotFound, Unavailable

REVIEW_AFTER = timedelta(days=90)
_SEGMENT = re.compile("(activity|security|error)-[0-9]{4}-(0[1-9]|1[0-2])")
_ROWS_BY_SEGMENT = f"""
SELECT {SEGMENT_OF_ID} AS segment, count(DISTINCT id)
  FROM held_event WHERE hold_id = %s GROUP BY segment
"""  # noqa: S608
_LONGEST = {"matter": 200, "reason": 2000, "owner": 150, "scope": 500}


def place(
    organization: Organization,
    *,
    matter: str,
    reason: str,
    owner: str,
    scope_kind: str,
    scope_value: str,
    by: str,
    now: datetime,
) -> LegalHold:
    """Suspends the destruction of what the scope covers. BadInput says what is missing or wrong."""
    said = {"matter": matter, "reason": reason, "owner": owner, "scope": scope_value}
    for name, text in said.items():
        _require_text(name, text)
    _require_scope(scope_kind, scope_value)
    with transaction.atomic():
        hold = LegalHold.objects.create(
            organization=organization,
            matter=matter.strip(),
            reason=reason.strip(),
            owner=owner.strip(),
            scope_kind=scope_kind,
            scope_value=_as_kept(scope_kind, scope_value.strip()),
            placed_at=now,
            placed_by=by,
            review_on=(now + REVIEW_AFTER).date(),
        )
        _report("Hold Placed", hold, by)
    return hold


def ask_release(organization: Organization, hold_id: UUID, *, by: str, now: datetime) -> LegalHold:
    """The first of two people asks for the release; the hold still holds."""
    with transaction.atomic():
        hold = _active(organization, hold_id)
        if hold.release_asked_by:
            raise Conflict(f"{hold.release_asked_by} has already asked for the release")
        hold.release_asked_by, hold.release_asked_at = by, now
        hold.save(update_fields=["release_asked_by", "release_asked_at"])
        _report("Hold Release Asked", hold, by)
    return hold


def release(organization: Organization, hold_id: UUID, *, by: str, now: datetime) -> LegalHold:
    """The second of two people releases it. Conflict for the one who asked, or before that."""
    with transaction.atomic():
        hold = _active(organization, hold_id)
        if not hold.release_asked_by:
            raise Conflict("somebody else asks for the release first")
        if hold.release_asked_by == by:
            raise Conflict("a second person releases what the first one asked for")
        hold.released_by, hold.released_at = by, now
        hold.save(update_fields=["released_by", "released_at"])
        _report("Hold Released", hold, by)
    return hold


def advance_release(
    organization: Organization, hold_id: UUID, *, by: str, now: datetime
) -> LegalHold:
    """The first call asks for the release, a second person's call releases; see `released_at`."""
    with transaction.atomic():
        step = release if _active(organization, hold_id).release_asked_by else ask_release
        return step(organization, hold_id, by=by, now=now)


def keep_still() -> None:
    """Until this transaction ends no hold is placed, so that all are seen. For the vault."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT keep_holds_still()")


def held_cases(organization: Organization) -> list[str]:
    """The codes of the cases that a hold keeps."""
    return _held(organization, ScopeKind.CASE)


def held_people(organization: Organization) -> list[str]:
    """Whom the holds on people name, as they name them."""
    return _held(organization, ScopeKind.USER)


def _held(organization: Organization, kind: ScopeKind) -> list[str]:
    holds = LegalHold.objects.filter(organization=organization, scope_kind=kind, released_at=None)
    return list(holds.values_list("scope_value", flat=True).order_by("scope_value").distinct())


def rows_of(hold: LegalHold) -> int:
    """How many events it keeps. Reads what it must: not for lists."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM held_event WHERE hold_id = %s", [hold.pk])
        return int(cursor.fetchone()[0])


def rows_by_segment(hold: LegalHold) -> dict[str, int] | None:
    """How many events it keeps in each segment; None where counting takes longer than a page."""
    try:
        with within_a_page(), connection.cursor() as cursor:
            cursor.execute(_ROWS_BY_SEGMENT, [hold.pk])
            return dict(sorted(cursor.fetchall(), key=lambda row: (row[0][-7:], row[0])))
    except Unavailable:
        return None


def _active(organization: Organization, hold_id: UUID) -> LegalHold:
    hold = (
        LegalHold.objects.select_for_update().filter(organization=organization, pk=hold_id).first()
    )
    if hold is None:
        raise NotFound(f"{organization.slug} has no hold {hold_id}")
    if hold.released_at is not None:
        raise Conflict("this hold was released before")
    hold.organization = organization
    return hold


def _require_text(name: str, text: str) -> None:
    longest = _LONGEST[name]
    if not text.strip() or len(text) > longest or "\0" in text:
        raise BadInput(f"expected a text of 1 to {longest} characters", path=name)


def _require_scope(kind: str, value: str) -> None:
    if kind not in ScopeKind.values:
        raise BadInput(f"expected one of {', '.join(ScopeKind.values)}", path="scope")
    if kind == ScopeKind.SEGMENT and not _SEGMENT.fullmatch(value.strip()):
        raise BadInput("expected a segment such as activity-2026-11", path="scope")
    if kind == ScopeKind.CASE:
        try:
            UUID(value.strip())
        except ValueError:
            raise BadInput("expected the code of a case", path="scope") from None


def _as_kept(kind: str, value: str) -> str:
    """A case's code as the database writes it, so that no spelling of it misses the case."""
    return str(UUID(value)) if kind == ScopeKind.CASE else value


def _report(action: str, hold: LegalHold, by: str) -> None:
    """Its id and kind: matter, reason and scope may name people."""
    told = {"hold": str(hold.pk), "scope": hold.scope_kind}
    own_events.report_administration(action, hold.organization, by, told)
