"""The web server's clock steps back and forward: ids, segments and receipts stay in order."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from orgo_audit.periods import next_month, start_of_month
from tests.faults.audit import balance_of, rows
from tests.faults.conftest import OpenBooks, Tell
from tests.portal import Portal

pytestmark = pytest.mark.stack

RECEIPTS_PER_STEP = 16
SEGMENTS = "SELECT DISTINCT tableoid::regclass::text FROM event WHERE source = %s"
IN_ANOTHER_MONTH = """
SELECT count(*) FROM event
WHERE source = %s AND tableoid::regclass::text
      <> format('event_%%s_%%s', log_type, to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY_MM'))
"""


def test_every_receipt_is_kept_while_the_clock_steps_over_the_ends_of_months(
    open_books: OpenBooks, portal: Portal, tell: Tell
) -> None:
    books, now = open_books("clock"), timezone.now()
    this_month = start_of_month(now)
    steps = (
        now - timedelta(hours=1),
        this_month - timedelta(minutes=1),
        next_month(this_month) + timedelta(minutes=1),
        this_month - timedelta(minutes=1),
        now,
    )
    with books.writing():
        books.wait_for_more(RECEIPTS_PER_STEP)
        for step in steps:
            move_clock(portal, to=step, real=now)
            books.wait_for_more(RECEIPTS_PER_STEP)
    balance = balance_of("clock set back and forward, over both ends of the month", books, portal)
    tell(balance)
    assert balance.differences == ()
    assert set(books.answers) <= {201, 202, 207}
    assert rows(portal, IN_ANOTHER_MONTH, books.source) == [(0,)]
    months = {name[-7:] for (name,) in rows(portal, SEGMENTS, books.source)}
    assert months == {f"{step:%Y_%m}" for step in (now, *steps)}


def move_clock(portal: Portal, *, to: datetime, real: datetime) -> None:
    file = Path(portal.settings["ORGO_TEST_CLOCK"])
    new = file.with_suffix(".new")  # the server reads all of it or the one before
    new.write_text(str((to - real).total_seconds()))
    new.rename(file)
