"""Whatever is killed in the middle of a batch: each event with a receipt is in the record once."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil
import psycopg
import pytest

from tests.faults.accounting import (
    CLIENT_TIMEOUT_SECONDS,
    SHAPES,
    WRITERS,
    Service,
    batch_of,
)
from tests.faults.audit import balance_of, rows
from tests.faults.conftest import OpenBooks, Tell
from tests.portal import STOP_LIMIT_SECONDS, Portal

pytestmark = pytest.mark.stack

RECEIPTS_BEFORE = 16
RECEIPTS_AFTER = 24
IMPATIENT_SECONDS = 2.0
SENDERS = 45  # more than the web processes have threads


# --- who is hit ---------------------------------------------------------------------------------


def postmaster(portal: Portal) -> psutil.Process:
    return portal.oldest_process("-D")


def backend_in_a_batch(portal: Portal) -> psutil.Process:
    """One that is just copying events in: so a fault now comes in the middle of a batch."""
    return wait_for_backend(portal, "orgo_web", " COPY")


def wait_for_backend(portal: Portal, *words: str) -> psutil.Process:
    limit = time.monotonic() + STOP_LIMIT_SECONDS
    while time.monotonic() < limit:
        for backend in postmaster(portal).children():
            if all(word in title(backend) for word in words):
                return backend
    raise AssertionError(f"no backend with {words}")


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


def web_worker(portal: Portal) -> psutil.Process:
    return portal.oldest_process("gunicorn").children()[0]


# --- what happens -------------------------------------------------------------------------------


def kill_beside_a_busy_query(portal: Portal) -> None:
    """A query that reads nothing from anybody does not notice that its server is gone."""

    def ask() -> None:
        with pytest.raises(psycopg.OperationalError):
            rows(portal, "SELECT count(*) FROM generate_series(1, 10000000000)")

    asker = threading.Thread(target=ask)
    asker.start()
    wait_for_backend(portal, "orgo_worker", " SELECT")
    postmaster(portal).kill()
    asker.join()


def kill_up_and_start_it_again(portal: Portal) -> None:
    portal.ups[-1].process.kill()
    portal.ups[-1].process.wait()
    portal.start_until_ready()


@dataclass(frozen=True, slots=True)
class Fault:
    happen: Callable[[Portal], object]
    times: int = 1


FAULTS = {
    "kill -9 of a web worker, six times": Fault(lambda portal: web_worker(portal).kill(), 6),
    "kill -9 of gunicorn's master": Fault(lambda portal: portal.oldest_process("gunicorn").kill()),
    "kill -9 of the Celery worker": Fault(lambda p: p.oldest_process(".celery worker").kill()),
    "kill -9 of PostgreSQL": Fault(lambda portal: postmaster(portal).kill()),
    "kill -9 of PostgreSQL beside a busy query": Fault(kill_beside_a_busy_query),
    "kill -9 of a PostgreSQL backend": Fault(lambda portal: backend_in_a_batch(portal).kill()),
    # What `pg_ctl stop` sends, fast and immediate; the supervisor starts it again.
    "restart of PostgreSQL, fast": Fault(lambda p: postmaster(p).send_signal(signal.SIGINT)),
    "restart of PostgreSQL, immediate": Fault(lambda p: postmaster(p).send_signal(signal.SIGQUIT)),
    "kill -9 of Valkey": Fault(lambda portal: portal.oldest_process("valkey-server").kill()),
    "kill -9 of the vault, twice": Fault(lambda p: p.oldest_process("run_vault").kill(), 2),
    "kill -9 of `up`": Fault(kill_up_and_start_it_again),
}


def test_what_is_acknowledged_has_reached_the_disk(portal: Portal) -> None:
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        assert rows(portal, f"SHOW {name}") == [("on",)], name


def test_with_nothing_broken_no_try_is_in_vain(
    open_books: OpenBooks, portal: Portal, tell: Tell
) -> None:
    books = open_books("no-fault")
    with books.writing():
        books.wait_for_more(RECEIPTS_BEFORE + RECEIPTS_AFTER)
    balance = balance_of("none", books, portal)
    tell(balance)
    assert balance.differences == ()
    assert set(books.answers) <= {201, 202, 207}


@pytest.mark.parametrize("name", FAULTS)
def test_every_receipt_is_kept_through(
    name: str, open_books: OpenBooks, portal: Portal, tell: Tell
) -> None:
    fault = FAULTS[name]
    books = open_books(f"fault-{list(FAULTS).index(name)}")
    with books.writing():
        books.wait_for_more(RECEIPTS_BEFORE)
        for _ in range(fault.times):
            backend_in_a_batch(portal)
            fault.happen(portal)
            books.wait_for_more(RECEIPTS_AFTER // fault.times)
    portal.wait_until_green()
    balance = balance_of(name, books, portal)
    tell(balance)
    assert balance.differences == ()


def test_every_receipt_is_kept_while_the_database_hangs(
    open_books: OpenBooks, portal: Portal, tell: Tell
) -> None:
    books = open_books("hanging", timeout=IMPATIENT_SECONDS)
    with books.writing():
        books.wait_for_more(RECEIPTS_BEFORE)
        backend_in_a_batch(portal)
        with hung(portal):
            # So the first delivery of a batch still lives when its second one comes.
            books.wait_until_lost(2 * WRITERS)
        books.wait_for_more(RECEIPTS_AFTER)
    balance = balance_of("PostgreSQL hangs, services give up waiting", books, portal)
    tell(balance)
    assert balance.differences == ()


def test_a_database_that_hangs_is_told_to_everybody_and_stops_nobody_who_needs_it_not(
    open_books: OpenBooks, portal: Portal, tell: Tell
) -> None:
    books = open_books("hung", timeout=2 * CLIENT_TIMEOUT_SECONDS)
    batches = [batch_of(books.source, str(n), SHAPES[n % len(SHAPES)]) for n in range(2 * SENDERS)]
    services = [books.service() for _ in range(SENDERS)]
    with ThreadPoolExecutor(SENDERS) as senders:
        books.deliveries += senders.map(Service.deliver, services, batches[:SENDERS])
        hang_up(services)  # or the portal does, when they say nothing for some seconds
        with hung(portal):
            answers = [
                senders.submit(service.send, batch.path, batch.body, batch.headers)
                for service, batch in zip(services, batches[SENDERS:], strict=True)
            ]
            while not all(answer.done() for answer in answers):
                assert portal.status("127.0.0.1", "/healthz") == http.client.OK
                assert portal.status("127.0.0.1", "/metrics") == http.client.OK
                assert readiness(portal)["database"]["state"] == "failed"
            told = [answer.result() for answer in answers]
        hang_up(services)
        assert {answer and (answer.status, answer.retry_after) for answer in told} == {(503, 5.0)}
        books.deliveries += senders.map(Service.deliver, services, batches[SENDERS:])
    hang_up(services)
    portal.wait_until_green()
    balance = balance_of("PostgreSQL hangs, services are told", books, portal)
    tell(balance)
    assert balance.differences == ()


def hang_up(services: list[Service]) -> None:
    for service in services:
        service.hang_up()


def readiness(portal: Portal) -> dict[str, dict[str, str]]:
    prober = Service(portal.port, "orgo_unknown")
    answer = prober.send("/readyz", b"", {})
    prober.hang_up()
    assert answer is not None
    checks: dict[str, dict[str, str]] = json.loads(answer.body)["checks"]
    return checks


@contextlib.contextmanager
def hung(portal: Portal) -> Iterator[None]:
    """PostgreSQL keeps all its connections and says nothing."""
    server = postmaster(portal)
    stopped = [server, *server.children()]
    signal_all(stopped, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_all(stopped, signal.SIGCONT)


def signal_all(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
