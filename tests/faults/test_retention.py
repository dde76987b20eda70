"""The nightly run through a real worker, which is killed while it destroys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg.errors import UndefinedTable

from logs.record.identifiers import new_ids
from orgo_audit import logins
from orgo_audit.embedded import paths
from orgo_audit.periods import Period, start_of_month
from tests.portal import START_LIMIT_SECONDS, Portal

pytestmark = pytest.mark.stack

WORKER = "celery -A orgo_audit.celery worker"
BATCH_SIZE = 5_000  # as `destroying` removes them
WHOLE_ROWS, FREE_ROWS = 3, 12_000
STORE = """
INSERT INTO event (id, log_type, organization_id, recorded_at, occurred_at, source, action, code,
                   outcome, task_id, details)
  SELECT wanted, 'activity', organization.id, %(at)s, %(at)s, 'router', 'Task Routed',
         'task.routed', 'success', %(task)s, '{}'
    FROM unnest(%(ids)s::uuid[]) AS wanted, accounts_organization AS organization
    WHERE organization.slug = 'default'
"""
DESTROYED = """
SELECT segment, kind, rows_at_closing, rows_destroyed, rows_held FROM logs_destructioncertificate
  WHERE segment = ANY (%s) ORDER BY segment
"""
ANNOUNCED = """
SELECT details->>'segment' FROM event WHERE code = 'retention.announced'
  AND details->>'segment' = ANY (%s) ORDER BY 1
"""
SEND = "from orgo_audit.celery import app; app.send_task('logs.tasks.apply_retention')"
WAITING = "SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"


@pytest.fixture
def owner(portal: Portal) -> Iterator[psycopg.Connection]:
    with as_owner(portal) as connection:
        yield connection


def as_owner(portal: Portal) -> psycopg.Connection:
    role = logins.role_name(logins.OWNER)
    url = paths.database_url(portal.home, role, paths.read_secret(portal.home, role))
    return psycopg.connect(url, autocommit=True)


def test_a_worker_that_is_killed_while_it_destroys_is_followed_by_one_that_ends_it(
    portal: Portal, owner: psycopg.Connection
) -> None:
    whole, _ = stored(owner, months=10, rows=WHOLE_ROWS)
    some, free = stored(owner, months=9, rows=FREE_ROWS)
    _, [held] = stored(owner, months=9, day=2, rows=1, task="T-held")
    about = ("--matter", "M-1", "--reason", "a claim", "--owner", "lawyer", "--task", "T-held")
    portal.run("hold", "place", *about)

    a_night(portal, owner)
    wait_until(lambda: planned(owner) >= {whole, some}, portal)
    wait_until(lambda: last_run_is_over(owner), portal)
    owner.execute("UPDATE logs_planneddestruction SET published_at = published_at - interval '2 d'")

    with owner.transaction():
        # It meets this row in its second batch, in the middle of a transaction.
        own = sql.SQL("SELECT FROM {} WHERE id = %s FOR UPDATE").format(table_of(some))
        owner.execute(own, [free[BATCH_SIZE + 1]])
        with as_owner(portal) as witness:
            a_night(portal, witness)
            wait_until(lambda: is_in_its_second_batch(witness, some), portal)
            kill_the_worker(portal)
            before = witness.execute(DESTROYED, [[whole, some]]).fetchall()
            left = count(witness, free)
    assert before == [
        (whole, "drop", WHOLE_ROWS, WHOLE_ROWS, 0),
        (some, "remove", FREE_ROWS + 1, BATCH_SIZE, 0),
    ]
    assert left == FREE_ROWS - BATCH_SIZE

    a_night(portal, owner)
    wait_until(lambda: planned(owner).isdisjoint({whole, some}), portal)
    assert owner.execute(DESTROYED, [[whole, some]]).fetchall() == [
        (whole, "drop", WHOLE_ROWS, WHOLE_ROWS, 0),
        (some, "remove", FREE_ROWS + 1, FREE_ROWS, 1),
    ]
    assert owner.execute(ANNOUNCED, [[whole, some]]).fetchall() == [(whole,), (some,)]
    assert (count(owner, free), count(owner, [held])) == (0, 1)
    with pytest.raises(UndefinedTable):
        owner.execute(sql.SQL("SELECT FROM {}").format(table_of(whole)))


def stored(
    owner: psycopg.Connection, *, months: int, rows: int, day: int = 1, task: str | None = None
) -> tuple[str, list[UUID]]:
    """Events of a past month: its segment and their ids, in order."""
    month = Period(months, "month").before(start_of_month(datetime.now(UTC)))
    recorded_at = month + timedelta(days=day)
    ids = sorted(new_ids(recorded_at, rows))
    owner.execute("SELECT make_segment('activity', %s)", [month.date()])
    owner.execute(STORE, {"at": recorded_at, "ids": ids, "task": task})
    return f"activity-{month:%Y-%m}", ids


def table_of(segment: str) -> sql.Identifier:
    return sql.Identifier(f"event_{segment.replace('-', '_')}")


def is_in_its_second_batch(owner: psycopg.Connection, segment: str) -> bool:
    first = [row[3] for row in owner.execute(DESTROYED, [[segment]]).fetchall()] == [BATCH_SIZE]
    return first and owner.execute(WAITING).rowcount == 1


def a_night(portal: Portal, owner: psycopg.Connection) -> None:
    """The last run is long ago, and beat has put the task into the queue."""
    owner.execute("UPDATE logs_retentionrun SET finished_at = finished_at - interval '1 day'")
    portal.run("shell", "-c", SEND)


def planned(owner: psycopg.Connection) -> set[str]:
    found = owner.execute("SELECT segment FROM logs_planneddestruction WHERE state = 'planned'")
    return {row[0] for row in found.fetchall()}


def last_run_is_over(owner: psycopg.Connection) -> bool:
    newest = "SELECT finished_at FROM logs_retentionrun ORDER BY id DESC LIMIT 1"
    return owner.execute(newest).fetchall()[0][0] is not None


def count(connection: psycopg.Connection, ids: list[UUID]) -> Any:
    [(found,)] = connection.execute(
        "SELECT count(*) FROM event WHERE id = ANY (%s)", [ids]
    ).fetchall()
    return found


def kill_the_worker(portal: Portal) -> None:
    """The one that takes the tasks first, so that nobody gives the task back; then its pool."""
    first = portal.oldest_process(WORKER)
    pool = first.children()
    for process in (first, *pool):
        process.kill()
    psutil.wait_procs([first, *pool], timeout=START_LIMIT_SECONDS)


def wait_until(happened: Callable[[], bool], portal: Portal) -> None:
    limit = time.monotonic() + START_LIMIT_SECONDS
    while not happened():
        assert time.monotonic() < limit, portal.ups[-1].everything()
        time.sleep(0.1)
