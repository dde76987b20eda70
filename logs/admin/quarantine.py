"""Refused items in Django admin: why, replay, discard. Sees only what `record.quarantine` gives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
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
        given = listing.single_values(parameters, _PARAMETERS)
        query = quarantine.query_from(listing.as_filters(given, now))
        return cls(given, query, listing.cursor_in(given))

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
            self._settle(request, chosen_ids(request))
            return HttpResponseRedirect(f"{self.list_url}?{request.GET.urlencode()}".rstrip("?"))
        try:
            if (cleaned := listing.clean_address(request.GET)) is not None:
                return HttpResponseRedirect(cleaned)
            asked = QuarantineRequest.parse(request.GET, now=timezone.now())
        except BadInput as problem:
            return self._bad_filter(request, problem)
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
                "max_reason": quarantine.MAX_REASON_CHARACTERS,
                "newer": asked.page_href(page.previous),
                "older": asked.page_href(page.next),
            },
        )

    def item_view(self, request: HttpRequest, item_id: UUID) -> HttpResponse:
        if request.method == "POST":
            outcomes = self._settle(request, [item_id])
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
            "max_reason": quarantine.MAX_REASON_CHARACTERS,
        }
        return self.render(request, "logs/quarantine_item.html", context)

    def _settle(self, request: HttpRequest, ids: list[UUID]) -> Counter[str]:
        """Replays or discards each by itself, and says how many ended how."""
        outcomes: Counter[str] = Counter()
        try:
            settle = settling(request)
            if not ids:
                messages.warning(request, "Nothing was chosen. Mark the items first.")
            for item_id in ids:
                outcomes[settle(viewer_of(request), item_id)] += 1
        except OrgoError as problem:  # a reason that says nothing, or the vault's key is missing
            messages.error(request, problem.full_sentence)
        if outcomes:
            level = messages.SUCCESS if outcomes.keys() <= GOOD_OUTCOMES else messages.WARNING
            messages.add_message(request, level, told(outcomes))
        return outcomes

    def _bad_filter(self, request: HttpRequest, problem: BadInput) -> HttpResponse:
        label = label_of(problem.path)
        context = {"title": "This filter cannot be used", "problem": problem, "label": label}
        return self.render(request, "logs/bad_filter.html", context, status=400)


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
