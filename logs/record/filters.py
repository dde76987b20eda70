"""From the wire's filters to an EventQuery: the one reading of `since`, `user` and their like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from logs.record.drafts import plain_address
from logs.record.reading import EventQuery
from logs.record.vocabulary import LogType, Outcome
from logs.record.wire import FILTER_FIELDS
from orgo_audit.errors import BadInput
from orgo_audit.instants import range_from


def query_from(given: Mapping[str, str], log_types: Iterable[LogType]) -> EventQuery:
    """The query of these filters by the wire's names; BadInput names the first malformed one."""
    filters = {
        field: _value(name, given[name]) for name, field in FILTER_FIELDS.items() if name in given
    }
    since, until = range_from(given)
    return EventQuery(frozenset(log_types), filters, since, until)


def refuse_nul(name: str, value: str) -> None:
    """BadInput for what no column can hold, and PostgreSQL cannot be asked for."""
    if "\0" in value:
        raise BadInput("text must not contain NUL", path=name, code="nul_character")


def _value(name: str, value: str) -> str:
    refuse_nul(name, value)
    if name == "outcome" and value not in set(Outcome):
        raise BadInput(f"expected one of {', '.join(Outcome)}", path=name, code="unknown_outcome")
    return plain_address(value) if name == "ip_address" else value
