"""The addresses of pages with lists, read and written in one way for admin and portal alike."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import QueryDict

from orgo_audit.errors import BadInput
from orgo_audit.paging import Cursor


def single_values(parameters: QueryDict, known: frozenset[str]) -> dict[str, str]:
    """What the address says, each known and given once; BadInput names the first that is not."""
    if repeated := [name for name, values in parameters.lists() if len(values) > 1]:
        raise BadInput("this filter stands twice in the address", path=min(repeated))
    given = {name: str(value) for name, value in parameters.items() if value}
    if unknown := given.keys() - known:
        raise BadInput("this page has no such filter", path=min(unknown))
    return given


def cursor_in(given: dict[str, str]) -> Cursor | None:
    """Where the page begins; BadInput for what is no cursor."""
    try:
        return Cursor.from_text(given["cursor"]) if "cursor" in given else None
    except BadInput:
        raise BadInput("there is no such page; begin the list again", path="cursor") from None


def page_href(cursor: Cursor | None) -> str:
    """The address of a neighbouring page of a list without filters; none where there is none."""
    return f"?{urlencode({'cursor': cursor.as_text()})}" if cursor else ""
