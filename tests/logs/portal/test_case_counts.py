"""Counts as a page: small numbers are withheld, and zero looks like any of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest
from django.utils import timezone

from logs.cases.counts import Counts, counts
from logs.portal import chart
from orgo_audit.accounts.models import Organization
from orgo_audit.chart import HEIGHT, WIDE
from tests.builders import an_organization
from tests.logs.portal.desk import Desk, a_report, cases_of, come_in, looks_of, words_of
from tests.vault_at_hand import VaultAtHand


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


@pytest.fixture
def desk(home: Organization) -> Desk:
    return Desk(home)


def month_ago(months: int) -> datetime:
    day = timezone.now().replace(day=15, hour=12)
    for _ in range(months):
        day = (day.replace(day=1) - timedelta(days=1)).replace(day=15)
    return day.astimezone(UTC)


def opened(vault: VaultAtHand, home: Organization, month: datetime, number: int) -> None:
    known = len(cases_of(home))
    told = month.isoformat()
    come_in(
        vault, home, *(a_report(case_id=f"C{known + n}", timestamp=told) for n in range(number))
    )


@pytest.mark.django_db
def test_a_small_number_and_zero_look_alike(
    desk: Desk, home: Organization, vault_at_hand: VaultAtHand
) -> None:
    before = desk.page("/cases/counts/")
    opened(vault_at_hand, home, month_ago(2), 4)
    assert desk.page("/cases/counts/") == before
    first, last = f"{month_ago(23):%B %Y}", f"{month_ago(0):%B %Y}"
    assert f"Opened in Harassment {first} to {last} withheld All months withheld" in before
    assert "Every number below 5 is, zero included" in before


@pytest.mark.django_db
def test_a_number_that_may_be_shown_is_in_the_table_and_in_the_chart(
    desk: Desk, home: Organization, vault_at_hand: VaultAtHand
) -> None:
    for months, number in ((1, 6), (2, 7), (3, 8)):
        opened(vault_at_hand, home, month_ago(months), number)
    answer = desk.get("/cases/counts/")
    names = [f"{month_ago(months):%B %Y}" for months in (1, 2, 3)]
    page = words_of(answer)
    # The smallest protects the zeros, which the total would give away.
    assert f"{names[0]} to {month_ago(0):%B %Y} withheld {names[1]} 7 {names[2]} 8" in page
    body = answer.content.decode()
    assert body.count('<rect class="bar"') == 2
    assert f"{names[1]} 7" in body.partition("<desc")[2].partition("</desc>")[0]


@pytest.mark.django_db
def test_what_is_not_assigned_is_not_counted(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    opened(vault_at_hand, home, month_ago(1), 6)
    opened(vault_at_hand, home, month_ago(2), 6)
    assert "<rect" not in Desk(home).get("/cases/counts/").content.decode()


@pytest.mark.django_db
def test_a_chart_without_a_number_is_not_drawn(desk: Desk, home: Organization) -> None:
    assert "<svg" not in desk.get("/cases/counts/").content.decode()
    assert looks_of(home) == [("counts", "", "Work on a case")]


@pytest.mark.django_db
def test_counts_take_no_filter(desk: Desk) -> None:
    assert desk.get("/cases/counts/?state=open").status_code == 400


class Drawing(HTMLParser):
    """What a chart is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag} | {name for name, _ in attrs}


def test_bars_stand_in_the_frame_in_proportion_and_withheld_ones_have_none() -> None:
    drawn = chart.chart_of(two_years({3: 40, 5: 20, 9: 3, 11: 10}))
    assert drawn is not None
    shown = [bar for bar in drawn.bars if bar.point.value is not None]
    heights = {bar.point.name: bar.height for bar in shown}
    assert heights["Mar 25"] == HEIGHT
    assert heights["May 25"] == HEIGHT / 2
    assert "Sep 25" not in heights
    assert all(0 <= bar.x <= drawn.width - WIDE.bar for bar in drawn.bars)
    assert all(bar.y + bar.height == pytest.approx(drawn.floor) for bar in drawn.bars)


def test_a_chart_says_no_withheld_number_in_words() -> None:
    drawn = chart.chart_of(two_years({3: 40, 5: 20, 9: 3, 11: 10}))
    assert drawn is not None
    assert "March 2025 40" in drawn.words
    assert "September" not in drawn.words


def two_years(numbers: dict[int, int]) -> Counts:
    months = [date(2025, month, 1) for month in range(1, 13)]
    cases = {(date(2025, month, 2), "harassment"): number for month, number in numbers.items()}
    return counts(cases, months=months)
