"""From a request to what the rooms understand: parameters, caller. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from rest_framework.request import Request

from logs.record.access import Viewer
from logs.record.export import UTC, Form, Manner, chosen_form, zone_named
from logs.record.filters import TIMES, query_from
from logs.record.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Cursor
from logs.record.reading import EventQuery
from logs.record.vocabulary import LogType
from logs.record.wire import FILTER_FIELDS
from orgo_audit.accounts.models import ServiceToken, User
from orgo_audit.api import single_parameters
from orgo_audit.callers import address_of
from orgo_audit.errors import BadInput

FILTERS = frozenset({*FILTER_FIELDS, *TIMES, "q"})
PAGING = frozenset({"cursor", "page_size"})
MANNER = frozenset({"format", "time_zone", "count"})


def viewer_of(request: Request) -> Viewer:
    identity = cast("User | ServiceToken", request.user)
    return Viewer(identity, address_of(request))


def query_of(
    request: Request, log_types: Iterable[LogType], *, beside: frozenset[str] = PAGING
) -> EventQuery:
    """The filters of a list; BadInput for anything unknown, repeated or malformed."""
    given = single_parameters(request, FILTERS | beside)
    if "q" in given:
        raise BadInput(
            "search is not available yet; use the filters by name",
            path="q",
            code="search_not_available",
        )
    return query_from(given, log_types)


def page_of(request: Request) -> tuple[Cursor | None, int]:
    """Where the page begins and how many rows it may have."""
    given = request.query_params
    cursor = Cursor.from_text(given["cursor"]) if "cursor" in given else None
    return cursor, _page_size(given["page_size"]) if "page_size" in given else DEFAULT_PAGE_SIZE


def _page_size(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_PAGE_SIZE:
        return int(text)
    raise BadInput(
        f"expected a whole number from 1 to {MAX_PAGE_SIZE}", path="page_size", code="bad_page_size"
    )


def manner_of(request: Request) -> Manner:
    """How an export is wanted: `format`, the `time_zone` of a CSV, whether its `count` ends it."""
    given = request.query_params
    form, zone = chosen_form(given.get("format", "")), given.get("time_zone", UTC.key)
    if form is not Form.CSV and zone != UTC.key:
        raise BadInput("NDJSON is always in UTC", path="time_zone", code="unknown_time_zone")
    told = given.get("count", "false")
    if told not in ("true", "false"):
        raise BadInput("expected true or false", path="count", code="wrong_type")
    return Manner(form, zone_named(zone), with_count=told == "true")
