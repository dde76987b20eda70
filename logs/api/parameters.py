"""From a request to what the rooms understand: parameters, caller. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from rest_framework.request import Request

from logs.record.access import Viewer
from logs.record.export import UTC, Form, Manner, chosen_form, zone_named
from logs.record.filters import query_from
from logs.record.reading import EventQuery
from logs.record.vocabulary import LogType
from logs.record.wire import FILTER_FIELDS
from orgo_audit.accounts.models import ServiceToken, User
from orgo_audit.api import single_parameters
from orgo_audit.api_pages import PAGING
from orgo_audit.callers import address_of
from orgo_audit.errors import BadInput
from orgo_audit.instants import TIMES

FILTERS = frozenset({*FILTER_FIELDS, *TIMES, "q"})
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
