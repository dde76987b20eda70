"""Pages of the API: which one is asked for, and the answer with its neighbours' addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from rest_framework.request import Request

from orgo_audit.errors import BadInput
from orgo_audit.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Cursor, Page, Row

PAGING = frozenset({"cursor", "page_size"})


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


def page_answer(
    request: Request, page: Page[Row], answer: Callable[[Row], dict[str, Any]]
) -> dict[str, Any]:
    return {
        "next": _link(request, page.next),
        "previous": _link(request, page.previous),
        "results": [answer(row) for row in page.rows],
    }


def _link(request: Request, cursor: Cursor | None) -> str | None:
    """The address of a neighbouring page: this one with another cursor."""
    if cursor is None:
        return None
    query = request.query_params.dict() | {"cursor": cursor.as_text()}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
