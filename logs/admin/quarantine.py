"""Refused items in Django admin: why, replay, discard. Sees only what `record.quarantine` gives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path
from django.utils import timezone

from logs.admin import listing
from logs.admin.events import pretty, viewer_of
from logs.record import quarantine
from logs.record.access import Viewer
from logs.record.models import QuarantinedEvent
from logs.record.vocabulary import LogType
from orgo_audit.addresses import cursor_in, single_values
from orgo_audit.admin import ReadOnlyAdmin, site
from orgo_audit.errors import BadInput, Conflict, NotFound, OrgoError

COUNTED_AT_MOST = 1000
LABELS = {"source": "Source", "log_type": "Log", "code": "Code"}
_PARAMETERS = frozenset({*LABELS, "since", "until", "range", "cursor"})
# What became of the chosen items, in the order and the words of the message.
OUTCOMES = {
    "accepted": "accepted",
    "refused": "refused again",
    "discarded": "discarded",
    "truncated": "not replayed, because only the beginning was kept",
    "gone": "already settled by somebody else",
}
GOOD_OUTCOMES = frozenset({"accepted", "discarded"})


def quarantined(request: HttpRequest) -> int:
    """How many items of the viewer's organizations wait in quarantine, counted up to 1,000."""
    every = quarantine.query_from({})
    return quarantine.count(viewer_of(request), every, at_most=COUNTED_AT_MOST)


class QuarantineRequest(listing.ListAddress):
    """What the list's address asks for: its filters are not those of a log."""

    ranges = ("1h", "24h", "7d", "30d")  # nothing is kept for longer

    @classmethod
    def parse(cls, parameters: QueryDict, *, now: datetime) -> QuarantineRequest:
        """BadInput, naming the parameter, for whatever is unknown or malformed."""
        given = single_values(parameters, _PARAMETERS)
        query = quarantine.query_from(listing.as_filters(given, now))
        return cls(given, query, cursor_in(given))

    @classmethod
    def as_typed(cls, parameters: QueryDict) -> QuarantineRequest:
        """For the form alone, where the address cannot be used: it asks for nothing."""
        known = listing.typed_values(parameters, _PARAMETERS)
        return cls(known, quarantine.query_from({}), None)

    def fields(self) -> list[listing.Field]:
        choices = {"log_type": tuple(LogType)}
        return [
            listing.Field(name, label, self.given.get(name, ""), choices.get(name, ()))
            for name, label in LABELS.items()
        ]

    def label(self, name: str) -> str:
        return label_of(name)

    def item_cells(self, item: QuarantinedEvent) -> list[listing.Cell]:
        """The item's values that lead to the list filtered by them."""
        values = {name: getattr(item, name) for name in LABELS}
        return [
            listing.Cell(
                name, label, values[name], self.href(**{name: values[name]}) if values[name] else ""
            )
            for name, label in LABELS.items()
        ]


def label_of(name: str) -> str:
    """A parameter in the page's words; an unknown one stays as it is."""
    return LABELS.get(name) or listing.OTHER_LABELS.get(name, name)


@admin.register(QuarantinedEvent, site=site)
class QuarantineAdmin(ReadOnlyAdmin):
    """The list settles several items at once, an item's page that one."""

    def get_urls(self) -> list[URLPattern]:
        name, one = "logs_quarantinedevent", self.page(self.item_view)
        return [
            path("", self.page(self.changelist_view), name=f"{name}_changelist"),
            path("<uuid:item_id>/change/", one, name=f"{name}_change"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "POST":
            chosen = chosen_ids(request)
            try:
                self._settle(request, chosen)
            except OrgoError as problem:
                return self._list(request, chosen=chosen, problem=problem)
            return HttpResponseRedirect(f"{self.list_url}?{request.GET.urlencode()}".rstrip("?"))
        return self._list(request)

    def _list(
        self, request: HttpRequest, chosen: Sequence[UUID] = (), problem: OrgoError | None = None
    ) -> HttpResponse:
        """The page; where settling was refused, with all that was chosen and typed."""
        try:
            if (cleaned := listing.clean_address(request.GET)) is not None:
                return HttpResponseRedirect(cleaned)
            asked = QuarantineRequest.parse(request.GET, now=timezone.now())
        except BadInput as refusal:
            return self._bad_filter(request, refusal)
        viewer = viewer_of(request)
        page = quarantine.read(
            viewer, asked.query, cursor=asked.cursor, size=listing.PAGE_SIZE, with_sent=False
        )
        return self.render(
            request,
            "logs/quarantine.html",
            {
                "title": "Quarantine",
                "asked": asked,
                "rows": [(item, asked.item_cells(item)) for item in page.rows],
                "organizations": len({item.organization_id for item in page.rows}),
                "count": quarantine.count(viewer, asked.query, at_most=COUNTED_AT_MOST),
                "counted_at_most": COUNTED_AT_MOST,
                "chosen": chosen,
                "newer": asked.page_href(page.previous),
                "older": asked.page_href(page.next),
                **_typed(request, problem),
            },
            status=problem.status if problem else 200,
        )

    def item_view(self, request: HttpRequest, item_id: UUID) -> HttpResponse:
        problem = None
        if request.method == "POST":
            try:
                outcomes = self._settle(request, [item_id])
            except OrgoError as refusal:
                problem = refusal
            else:
                stays = not outcomes.keys() & {"accepted", "discarded", "gone"}
                return HttpResponseRedirect(request.path if stays else self.list_url)
        try:
            item = quarantine.get(viewer_of(request), item_id)
        except NotFound:
            raise Http404 from None
        asked = QuarantineRequest.parse(QueryDict(), now=timezone.now())
        context = {
            "title": "Refused item",
            "item": item,
            "cells": [cell for cell in asked.item_cells(item) if cell.value],
            "sent": item.sent if item.truncated else pretty(json.loads(item.sent)),
            "path": item.path or "the item as a whole",
            **_typed(request, problem),
        }
        status = problem.status if problem else 200
        return self.render(request, "logs/quarantine_item.html", context, status=status)

    def _settle(self, request: HttpRequest, ids: list[UUID]) -> Counter[str]:
        """Replays or discards each by itself, and says how many ended how.

        OrgoError for a reason that says nothing, and where the vault's key is missing.
        """
        outcomes: Counter[str] = Counter()
        settle = settling(request)
        if not ids:
            raise BadInput("nothing was chosen; mark the items first", path="chosen")
        try:
            for item_id in ids:
                outcomes[settle(viewer_of(request), item_id)] += 1
        finally:
            self._tell(request, outcomes)
        return outcomes

    def _tell(self, request: HttpRequest, outcomes: Counter[str]) -> None:
        if outcomes:
            level = messages.SUCCESS if outcomes.keys() <= GOOD_OUTCOMES else messages.WARNING
            messages.add_message(request, level, told(outcomes))

    def _bad_filter(self, request: HttpRequest, problem: BadInput) -> HttpResponse:
        label = label_of(problem.path)
        asked = QuarantineRequest.as_typed(request.GET)
        context = {"title": "Quarantine", "asked": asked, "problem": problem, "label": label}
        return self.render(request, "logs/bad_filter.html", context, status=400)


def _typed(request: HttpRequest, problem: OrgoError | None) -> dict[str, Any]:
    """The reason as it was typed, and what is wrong with it or with the whole."""
    return {
        "max_reason": quarantine.MAX_REASON_CHARACTERS,
        "reason": request.POST.get("reason", ""),
        "problem": problem,
    }


def chosen_ids(request: HttpRequest) -> list[UUID]:
    """The items whose boxes were ticked: at most one page of them."""
    chosen = request.POST.getlist("chosen")
    if len(chosen) > listing.PAGE_SIZE:
        raise SuspiciousOperation("more items than a page has")
    try:
        return [UUID(text) for text in dict.fromkeys(chosen)]
    except ValueError:
        raise SuspiciousOperation("an item's id is a UUID") from None


def settling(request: HttpRequest) -> Callable[[Viewer, UUID], str]:
    """What the pressed button does to one item; its answer is one of OUTCOMES."""
    match request.POST.get("do"):
        case "replay":
            return replayed
        case "discard":
            reason = quarantine.checked_reason(request.POST.get("reason"))
            return lambda viewer, item_id: discarded(viewer, item_id, reason)
    raise SuspiciousOperation("expected to replay or to discard")


def replayed(viewer: Viewer, item_id: UUID) -> str:
    try:
        refusal = quarantine.replay(viewer, item_id, now=timezone.now())
    except NotFound:
        return "gone"
    except Conflict:
        return "truncated"
    return "refused" if refusal else "accepted"


def discarded(viewer: Viewer, item_id: UUID, reason: str) -> str:
    try:
        quarantine.discard(viewer, item_id, reason)
    except NotFound:
        return "gone"
    return "discarded"


def told(outcomes: Counter[str]) -> str:
    """`3 items accepted, 1 refused again.`"""
    counts = [f"{outcomes[how]} {words}" for how, words in OUTCOMES.items() if outcomes[how]]
    number, _, words = counts[0].partition(" ")
    noun = "item" if number == "1" else "items"
    return f"{number} {noun} {', '.join([words, *counts[1:]])}."
