"""Legal holds: placed by one person, released by two. Placing one keeps what it covers at once.

A destruction locks the holds while it runs: whoever places or releases one then waits for its end
some seconds, and is told how much it still finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from psycopg import errors

from logs.record import own_events
from logs.retention import hold_words
from logs.retention.approvals import admins_among
from logs.retention.facts import within_a_page
from logs.retention.models import LegalHold, ScopeKind
from logs.retention.segments import SEGMENT_OF_ID
from orgo_audit import paging
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput, Conflict, NotFound, Unavailable
from orgo_audit.operators import COMMAND
from orgo_audit.paging import Cursor, Page
from orgo_audit.periods import Period
from orgo_audit.policy import versions

REVIEW_AFTER = timedelta(days=90)
PATIENCE = "5s"
_BUSY = "a destruction is under way; try again in a moment"
_ROWS_BY_SEGMENT = f"""
SELECT {SEGMENT_OF_ID} AS segment, count(DISTINCT id)
  FROM held_event WHERE hold_id = %s GROUP BY segment
"""  # noqa: S608


class KeepsNothing(BadInput):
    """The hold is well formed, and covers no event that is stored."""


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
    even_of_nothing: bool = True,
) -> LegalHold:
    """Suspends the destruction of what the scope covers. BadInput says what is missing or wrong.

    Unless `even_of_nothing`, KeepsNothing where no event of today is covered, and nothing is done.
    What a hold keeps is counted by the view that keeps it, so it is placed first and taken back.
    Of a case it is not asked: whether there is such a one is not for an admin to learn.
    """
    words = hold_words.checked(
        matter=matter, reason=reason, owner=owner, scope_kind=scope_kind, scope_value=scope_value
    )
    with _while_nothing_is_destroyed():
        hold = LegalHold.objects.create(
            organization=organization,
            placed_at=now,
            placed_by=by,
            review_on=(now + REVIEW_AFTER).date(),
            **words,
        )
        _report("Hold Placed", hold, by)
        is_asked = not even_of_nothing and hold.scope_kind != ScopeKind.CASE
        if is_asked and rows_by_segment(hold) == {}:
            raise KeepsNothing("no event of today is covered", path="scope")
    return hold


def ask_release(organization: Organization, hold_id: UUID, *, by: str, now: datetime) -> LegalHold:
    """The first of two people asks for the release; the hold still holds."""
    with _while_nothing_is_destroyed():
        hold = _active(organization, hold_id)
        if hold.release_asked_by:
            raise Conflict(f"the release was already asked for, by {hold.release_asked_by}")
        hold.release_asked_by, hold.release_asked_at = by, now
        hold.save(update_fields=["release_asked_by", "release_asked_at"])
        _report("Hold Release Asked", hold, by)
    return hold


def release(organization: Organization, hold_id: UUID, *, by: str, now: datetime) -> LegalHold:
    """The second of two people releases it. Conflict for the one who asked, or before that."""
    with _while_nothing_is_destroyed():
        hold = _active(organization, hold_id)
        if not hold.release_asked_by:
            raise Conflict("the release is not asked for: one person asks first, another releases")
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
    with _while_nothing_is_destroyed():
        step = release if _active(organization, hold_id).release_asked_by else ask_release
        return step(organization, hold_id, by=by, now=now)


def set_leavers_aside(found: Iterable[LegalHold]) -> None:
    """Whoever asked for a release and is no admin any more has asked for nothing.

    Changes these objects alone: the next person who asks takes the place. A command counts as a
    person.
    """
    asked = [hold for hold in found if hold.release_asked_by and hold.released_at is None]
    people = [hold for hold in asked if not hold.release_asked_by.startswith(COMMAND)]
    admins = admins_among(hold.release_asked_by for hold in people) if people else {}
    for hold in people:
        if hold.release_asked_by not in admins.get(hold.organization.slug, ()):
            hold.release_asked_by, hold.release_asked_at = "", None


# --- for people -----------------------------------------------------------------------------------


def holds_of(organizations: Iterable[Organization]) -> QuerySet[LegalHold]:
    found = LegalHold.objects.filter(organization__in=list(organizations))
    return found.select_related("organization")


def hold(organizations: Iterable[Organization], hold_id: UUID) -> LegalHold:
    """NotFound for an unknown id and another organization's alike."""
    found = holds_of(organizations).filter(pk=hold_id).first()
    if found is None:
        raise NotFound
    return found


def page(
    organizations: Iterable[Organization], cursor: Cursor | None, *, size: int
) -> Page[LegalHold]:
    """The newest first."""
    return paging.page(holds_of(organizations), cursor, size=size, by="placed_at")


def notice_of(organization: Organization) -> Period:
    """How long a case that is over stays at least after its hold was released."""
    return versions.current().for_organization(organization.slug).retention.notice


def keep_still() -> None:
    """Until this transaction ends no hold is placed, so that all are seen. For the vault."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT keep_holds_still()")


def held_cases(organization: Organization) -> list[str]:
    """The codes of the cases that a hold names."""
    holds = LegalHold.objects.filter(
        organization=organization, scope_kind=ScopeKind.CASE, released_at=None
    )
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
    set_leavers_aside([hold])
    return hold


@contextmanager
def _while_nothing_is_destroyed() -> Iterator[None]:
    """A transaction; Unavailable where a destruction locks the holds for too long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, errors.LockNotAvailable):
            raise Unavailable(_BUSY) from None
        raise


def _report(action: str, hold: LegalHold, by: str) -> None:
    """Its id and kind: matter, reason and scope may name people."""
    told = {"hold": str(hold.pk), "scope": hold.scope_kind}
    own_events.report_administration(action, hold.organization, by, told)
