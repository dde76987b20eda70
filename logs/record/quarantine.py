"""Refused items: what waits, for whom, and how it leaves: replayed or discarded. Edits none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from logs import metrics
from logs.record import drafts, filters, ingest, own_events, references
from logs.record.access import Viewer
from logs.record.drafts import Refusal
from logs.record.models import QuarantinedEvent
from logs.record.reading import EventQuery
from logs.record.receipts import Sender
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.accounts.people import organizations_with_role
from orgo_audit.errors import BadInput, Conflict, NotFound
from orgo_audit.instants import TIMES
from orgo_audit.paging import DEFAULT_PAGE_SIZE, Cursor, Page, page

FILTERS = ("source", "log_type", "code")
MAX_REASON_CHARACTERS = 500


# --- reading ------------------------------------------------------------------------------------


def query_from(given: Mapping[str, str]) -> EventQuery:
    """The query of these filters; `since` and `until` go by our clock. BadInput where malformed."""
    times = {name: given[name] for name in TIMES if name in given}
    query = filters.query_from(times, LogType)
    wanted = {name: given[name] for name in FILTERS if name in given}
    for name, value in wanted.items():
        filters.refuse_nul(name, value)
    if "log_type" in wanted and wanted["log_type"] not in set(LogType):
        raise BadInput(
            f"expected one of {', '.join(LogType)}", path="log_type", code="wrong_log_type"
        )
    return EventQuery(query.log_types, wanted, query.since, query.until)


def read(
    viewer: Viewer,
    query: EventQuery,
    *,
    cursor: Cursor | None = None,
    size: int = DEFAULT_PAGE_SIZE,
    with_sent: bool = True,
) -> Page[QuarantinedEvent]:
    """One page of what the viewer looks after; NotFound where that is nothing at all.

    Without `sent` a page of large items is small.
    """
    organizations = _organizations(viewer)
    own_events.report_read(viewer, organizations, "quarantine", query.described())
    wanted = _rows(organizations, query).defer(*([] if with_sent else ["sent"]))
    return page(wanted, cursor, size=size, by="recorded_at")


def count(viewer: Viewer, query: EventQuery, *, at_most: int) -> int:
    """How many items the query has, counted no further than `at_most`."""
    own = organizations_with_role(viewer.identity, Role.ADMIN)
    return _rows(own, query)[:at_most].count()


def get(viewer: Viewer, item_id: UUID) -> QuarantinedEvent:
    """One item; NotFound for an unknown id and another organization's alike."""
    item = _own(viewer).filter(pk=item_id).first()
    if item is None:
        raise NotFound
    own_events.report_read(viewer, [item.organization], f"quarantined item {item_id}", {})
    return item


def _organizations(viewer: Viewer) -> list[Organization]:
    if organizations := organizations_with_role(viewer.identity, Role.ADMIN):
        return organizations
    raise NotFound


def _own(viewer: Viewer) -> QuerySet[QuarantinedEvent]:
    own = QuarantinedEvent.objects.filter(organization__in=_organizations(viewer))
    return own.select_related("organization")


def _rows(organizations: list[Organization], query: EventQuery) -> QuerySet[QuarantinedEvent]:
    rows = QuarantinedEvent.objects.filter(organization__in=organizations, **query.filters)
    if query.since is not None:
        rows = rows.filter(recorded_at__gte=query.since)
    if query.until is not None:
        rows = rows.filter(recorded_at__lt=query.until)
    return rows.select_related("organization")


# --- settling -----------------------------------------------------------------------------------


@transaction.atomic
def replay(viewer: Viewer, item_id: UUID, *, now: datetime) -> Refusal | None:
    """Judges an item again, as the door does. None: it was accepted, and is here no longer.

    Accepted is what was stored and what was sealed: the answer must not tell which.
    """
    kept = _locked(viewer, item_id)
    refusal = _judged_again(kept, now)
    if refusal is None:
        _remove(kept, "accepted")
    else:
        QuarantinedEvent.objects.filter(pk=kept.pk).update(
            code=refusal.code, path=refusal.path[:1000], detail=refusal.sentence[:1000]
        )
    told = {"verdict": "refused", "new_code": refusal.code} if refusal else {"verdict": "accepted"}
    own_events.report_settlement("Quarantine Replayed", viewer, kept, told)
    return refusal


@transaction.atomic
def discard(viewer: Viewer, item_id: UUID, reason: str) -> None:
    """Removes an item for good; the reason stays in the record."""
    reason = checked_reason(reason)
    kept = _locked(viewer, item_id)
    _remove(kept, "discarded")
    own_events.report_settlement("Quarantine Discarded", viewer, kept, {"reason": reason})


def checked_reason(reason: object) -> str:
    """A reason that says something; BadInput for all else."""
    words = reason.strip() if isinstance(reason, str) else ""
    if not words or len(words) > MAX_REASON_CHARACTERS or "\0" in words:
        raise BadInput(
            f"expected a text of 1 to {MAX_REASON_CHARACTERS} characters that says why",
            path="reason",
            code="bad_reason",
        )
    return words


def _locked(viewer: Viewer, item_id: UUID) -> QuarantinedEvent:
    """The item, until the transaction ends ours alone: whoever comes second finds it settled."""
    kept = _own(viewer).select_for_update(of=("self",)).filter(pk=item_id).first()
    if kept is None:
        raise NotFound
    return kept


def _judged_again(kept: QuarantinedEvent, now: datetime) -> Refusal | None:
    if kept.truncated:
        raise Conflict(
            "only the beginning of this item was kept, so it cannot be replayed; have its sender"
            " deliver it again, and discard it here",
            code="truncated",
        )
    log_type = LogType(kept.log_type) if kept.log_type else None
    item = drafts.parse_item(kept.sent.encode(), log_type=log_type, now=now)
    sender = Sender(kept.organization, kept.source)
    if isinstance(item.verdict, Refusal) and references.is_ordinary(item.sent, sender):
        return item.verdict
    # What is refused and has become sensitive is sealed here, and leaves the quarantine too.
    # Counted as accepted alone: a count of what is stored would tell it from what is sealed.
    ingest.store_batch([item], sender, counts=False)
    return None


def _remove(kept: QuarantinedEvent, how: str) -> None:
    QuarantinedEvent.objects.filter(pk=kept.pk).delete()
    transaction.on_commit(metrics.QUARANTINE_SETTLED.labels(how=how).inc)
