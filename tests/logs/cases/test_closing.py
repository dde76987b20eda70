"""When a case was closed or looked at is the database's word, whatever the web process says."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from logs.cases.models import Case, CaseState, Look, LookedAt
from logs.cases.role import as_hr
from orgo_audit.accounts.models import User
from tests.logs.vault.scene import a_scene
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db

FALSE_DAYS = [date(2020, 1, 1), date(2999, 1, 1)]


@pytest.fixture
def case(vault_at_hand: VaultAtHand) -> Case:
    return a_scene(vault_at_hand).case


def day_of(case: Case) -> tuple[str, date | None]:
    with as_hr():
        found = Case.objects.get(pk=case.pk)
    return found.state, found.closed_on


def today() -> date:
    with connection.cursor() as cursor:
        cursor.execute("SELECT (now() AT TIME ZONE 'UTC')::date")
        day: date = cursor.fetchone()[0]
    return day


@pytest.mark.parametrize("day", FALSE_DAYS)
def test_hr_closes_a_case_today_and_on_no_other_day(case: Case, day: date) -> None:
    with as_hr():
        Case.objects.filter(pk=case.pk).update(state=CaseState.CLOSED, closed_on=day)
    assert day_of(case) == ("closed", today())


@pytest.mark.parametrize("day", FALSE_DAYS)
def test_hr_moves_no_day_of_a_closed_case_back(case: Case, day: date) -> None:
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=date(2025, 5, 5))
    with as_hr():
        Case.objects.filter(pk=case.pk).update(closed_on=day)
    assert day_of(case) == ("closed", today())


def test_hr_opens_a_case_again_and_leaves_a_day_as_it_was(case: Case) -> None:
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=date(2025, 5, 5))
    with as_hr():
        Case.objects.filter(pk=case.pk).update(answered_on=date(2025, 5, 4))
    assert day_of(case) == ("closed", date(2025, 5, 5))
    with as_hr():
        Case.objects.filter(pk=case.pk).update(state=CaseState.OPEN, closed_on=None)
    assert day_of(case) == ("open", None)


def test_nobody_looked_at_another_time_than_now(case: Case) -> None:
    now, user = timezone.now(), User.objects.order_by("pk").values_list("pk", flat=True)[0]
    with as_hr():
        look = Look.objects.create(
            organization_id=case.organization_id,
            user_id=user,
            what=LookedAt.CASE,
            looked_at=now - timedelta(days=90),
        )
        look.refresh_from_db()
    assert abs(look.looked_at - now) < timedelta(minutes=1)
