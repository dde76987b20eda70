"""Compares what receipts promised with what record, quarantine and vault hold. Changes nothing."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg

from logs.vault import keyring
from orgo_audit import logins
from orgo_audit.embedded import paths
from tests.faults.accounting import Books, Fate
from tests.portal import Portal

READING_LIMIT = 1_000  # pages
INBOX_LIMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Balance:
    """One line of the table, and what does not agree."""

    fault: str
    receipts: int
    events: int
    doubled: int
    lost: int
    longest_wait_seconds: float
    in_vain: int  # tries that ended without a receipt
    differences: tuple[str, ...]  # between what was promised and what is there


def balance_of(fault: str, books: Books, portal: Portal) -> Balance:
    promised = _promised(books)
    found = rows(portal, "SELECT id::text, task_id FROM event WHERE source = %s", books.source)
    ids, tasks = Counter(row[0] for row in found), Counter(row[1] for row in found)
    differences = (
        *_differences("event", promised, dict(found)),
        *_differences("listed id", Counter(ids), Counter(_listed(books))),
        *_differences("refused", _fated(books, Fate.REFUSED), _quarantined(books, portal)),
        *_differences("sealed", _sealed_by_receipts(books), _opened(books, portal)),
        *_retries(books),
    )
    return Balance(
        fault,
        receipts=len(books.deliveries),
        events=len(found),
        doubled=sum((tasks - Counter(set(tasks))).values()),
        lost=len(promised.keys() - ids.keys()),
        longest_wait_seconds=max(one.waited_seconds for one in books.deliveries),
        in_vain=sum(one.tries - 1 for one in books.deliveries),
        differences=differences,
    )


def _differences(what: str, promised: dict[Any, Any], found: dict[Any, Any]) -> Iterable[str]:
    for key in promised.keys() | found.keys():
        if promised.get(key) != found.get(key):
            yield f"{what} {key}: promised {promised.get(key)}, found {found.get(key)}"


# --- promised -----------------------------------------------------------------------------------


def _promised(books: Books) -> dict[str, str]:
    """The task of every id in every receipt."""
    return {
        identifier: task
        for one in books.deliveries
        for identifier, task in zip(one.receipt["ids"], one.batch.fates, strict=True)
        if identifier is not None
    }


def _fated(books: Books, fate: Fate) -> Counter[str]:
    every = (pair for one in books.deliveries for pair in one.batch.fates.items())
    return Counter(task for task, its_fate in every if its_fate is fate)


def _sealed_by_receipts(books: Books) -> Counter[tuple[str, int, str]]:
    return Counter(
        (one.receipt["batch"], place, task)
        for one in books.deliveries
        for place, (task, fate) in enumerate(one.batch.fates.items())
        if fate is Fate.SEALED
    )


# --- found --------------------------------------------------------------------------------------


def rows(
    portal: Portal, query: str, *values: str, login: str = logins.WORKER
) -> list[tuple[Any, ...]]:
    role = logins.role_name(login)
    url = paths.database_url(portal.home, role, paths.read_secret(portal.home, role))
    with psycopg.connect(url) as connection:
        return connection.execute(query, values).fetchall()


def _listed(books: Books) -> Iterable[str]:
    """Every id that the API lists, page by page."""
    service = books.service()
    path = f"/api/v1/logs/?page_size=500&source={books.source}"
    for _ in range(READING_LIMIT):
        answer = service.send(path, b"", {})
        assert answer is not None, path
        assert answer.status == 200, answer
        page = json.loads(answer.body)
        yield from (event["id"] for event in page["results"])
        if page["next"] is None:
            service.hang_up()
            return
        path = "{0.path}?{0.query}".format(urlsplit(page["next"]))
    raise AssertionError("the list has no end")


def _quarantined(books: Books, portal: Portal) -> Counter[str]:
    query = "SELECT sent::json ->> 'task_id' FROM logs_quarantinedevent WHERE source = %s"
    return Counter(row[0] for row in rows(portal, query, books.source))


def _opened(books: Books, portal: Portal) -> Counter[tuple[str, int, str]]:
    """Batch, place and task of each sealed event of this source, once the vault has taken all."""
    _wait_for_empty_inbox(portal)
    ring = keyring.read(paths.secrets_folder(portal.home) / "vault_keyring.json")
    query = (
        "SELECT e.id, e.content, k.epoch, k.wrapped"
        " FROM vault.events e JOIN keys.wrapped_key k ON k.owner = e.id"
    )
    contents = []
    for owner, sealed, epoch, wrapped in rows(portal, query, login=logins.VAULT):
        key = ring.unwrap(wrapped, owner, epoch)
        contents += json.loads(keyring.decrypt(key, sealed, owner.bytes + b"content"))
    return Counter(
        (content["batch"], content["index"], content["event"]["task_id"])
        for content in contents
        if content["source"] == books.source
    )


def _wait_for_empty_inbox(portal: Portal) -> None:
    limit = time.monotonic() + INBOX_LIMIT_SECONDS
    while rows(portal, "SELECT FROM logs_sealeditem LIMIT 1", login=logins.VAULT):
        assert time.monotonic() < limit, "the vault does not empty its inbox"
        time.sleep(0.1)


# --- tried again --------------------------------------------------------------------------------


def _retries(books: Books) -> Iterable[str]:
    """What differs from the first receipt when each key comes once more; then with another body."""
    service = books.service()
    for one in books.deliveries:
        batch = one.batch
        again = service.deliver(batch).answer
        if (again.status, again.body) != (one.answer.status, one.answer.body):
            yield f"retry of {batch.key}: {again.status} {again.body[:300]!r}"
    other = service.send(batch.path, b"[{}]", batch.headers | {"Content-Encoding": "identity"})
    if other is None or other.status != 409:
        yield f"another body under {batch.key}: {other}"
    service.hang_up()
