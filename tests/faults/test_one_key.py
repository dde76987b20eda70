"""Eight processes send the same batch under the same key at once: stored once, one receipt."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from threading import Barrier

import pytest

from tests.faults.accounting import SHAPES, WRITERS, Delivery, Service, batch_of
from tests.faults.audit import balance_of
from tests.faults.conftest import OpenBooks, Tell
from tests.portal import Portal

pytestmark = pytest.mark.stack

ROUNDS = 3
MEETING_LIMIT_SECONDS = 60
_barrier: Barrier


def meet_at(barrier: Barrier) -> None:
    global _barrier  # noqa: PLW0603
    _barrier = barrier


def deliver_all(port: int, token: str, source: str) -> list[Delivery]:
    """Each batch at the same moment as the other seven processes."""
    service = Service(port, token)
    deliveries = []
    for number in range(ROUNDS * len(SHAPES)):
        batch = batch_of(source, str(number), SHAPES[number % len(SHAPES)])
        _barrier.wait(MEETING_LIMIT_SECONDS)
        deliveries.append(service.deliver(batch))
    return deliveries


def test_eight_processes_with_one_key_get_one_receipt(
    open_books: OpenBooks, portal: Portal, tell: Tell
) -> None:
    books = open_books("one-key")
    spawn = multiprocessing.get_context("spawn")
    meeting = (spawn.Barrier(WRITERS),)
    with ProcessPoolExecutor(WRITERS, spawn, initializer=meet_at, initargs=meeting) as pool:
        promises = [
            pool.submit(deliver_all, portal.port, books.token, books.source) for _ in range(WRITERS)
        ]
        of_each_process = [promise.result() for promise in promises]
    for of_one_batch in zip(*of_each_process, strict=True):
        assert len({(one.answer.status, one.answer.body) for one in of_one_batch}) == 1
    books.deliveries = max(of_each_process, key=lambda some: max(d.waited_seconds for d in some))
    balance = balance_of("none; eight processes with one set of keys", books, portal)
    tell(balance)
    assert balance.differences == ()
