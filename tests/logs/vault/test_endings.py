"""The end of a case: on its day and not before, all of it, once, and never while it is held."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, models

from logs.cases import errands
from logs.cases.models import (
    ApprovalRequest,
    Case,
    CaseEvent,
    CaseGrant,
    CaseNote,
    CaseState,
    Look,
    RequestState,
)
from logs.cases.role import as_hr
from logs.retention.models import DestructionCertificate, LegalHold, Means
from logs.vault import endings, keys, subjects
from logs.vault.models import (
    CaseTag,
    Identity,
    Participant,
    SealedEvents,
    Subject,
    WrappedKey,
)
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import OrgoError
from tests.builders import Service, an_organization, setting_the_scene
from tests.logs.vault.scene import REPORT, Scene, a_scene, shown
from tests.policies import in_force
from tests.retention import a_hold, released
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db

POLICY = "sensitive_workflows: {{harassment: {{case_period: {0}}}}}"
UNLISTED = """
access_control: {roles: {hr_manager: {view: [anonymized_retaliation_logs]}}}
sensitive_workflows: {retaliation: {case_period: "9 years"}}
"""
CLOSED_ON = date(2024, 12, 31)
LAST_DAY = datetime(2025, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)
OVER = datetime(2025, 3, 1, tzinfo=UTC)
BETWEEN = datetime(2025, 2, 10, tzinfo=UTC)  # more than a month after the closing, less than two
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
OF_A_CASE = (CaseEvent, CaseGrant, CaseNote, CaseTag, Participant, SealedEvents)


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    in_force(POLICY.format("2 months"), since=LONG_AGO)
    return a_scene(vault_at_hand)


def close(*codes: UUID, on: date = CLOSED_ON) -> None:
    with the_vaults_rights():
        Case.objects.filter(pk__in=codes).update(state=CaseState.CLOSED, closed_on=on)


def end(now: datetime = OVER) -> int:
    with the_vaults_rights():
        return endings.end_cases(now)


def left(model: type[models.Model]) -> int:
    with the_vaults_rights():
        return model._default_manager.count()


def hold(organization: Organization, scope: str, kind: str = "case") -> LegalHold:
    with setting_the_scene():
        return a_hold(organization, kind, scope)


# --- when ---------------------------------------------------------------------------------------


def test_a_case_stays_to_the_end_of_its_last_day(scene: Scene) -> None:
    close(scene.case.pk)
    assert end(LAST_DAY) == 0
    assert left(Case) == 1
    assert end() == 1
    assert left(Case) == 0


def test_an_open_case_stays(scene: Scene) -> None:
    assert end(OVER + timedelta(days=9999)) == 0


def test_a_regimes_ceiling_ends_it_before_the_policy_does(scene: Scene) -> None:
    own = f"{{regime: whistleblowing, {POLICY.format('9 years')}}}"
    in_force(f"organizations: {{{scene.home.slug}: {own}}}", since=LONG_AGO)
    close(scene.case.pk, on=date(2022, 12, 31))
    assert end(datetime(2025, 12, 31, tzinfo=UTC)) == 0
    assert end(datetime(2026, 1, 1, tzinfo=UTC)) == 1


def test_a_workflow_that_nobody_lists_any_more_has_the_default_period(scene: Scene) -> None:
    in_force(UNLISTED, since=LONG_AGO)
    close(scene.case.pk)
    assert end(LAST_DAY) == 0
    assert end() == 1


def test_without_a_policy_in_force_nothing_ends(vault_at_hand: VaultAtHand) -> None:
    close(a_scene(vault_at_hand).case.pk)
    assert end() == 0


def test_what_waits_in_the_inbox_may_open_it_again(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    close(scene.case.pk)
    Service(scene.home).deliver(REPORT)
    assert end() == 0
    vault_at_hand.drain()
    assert end() == 0
    with the_vaults_rights():
        assert Case.objects.get().state == CaseState.OPEN


def test_a_case_that_is_opened_again_meanwhile_is_safe(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(scene.case.pk)
    with the_vaults_rights():
        found = list(endings._over(OVER))
        Case.objects.update(state=CaseState.OPEN, closed_on=None)
    monkeypatch.setattr(endings, "_over", lambda now: iter(found))
    assert end() == 0
    assert left(Case) == 1
    assert not DestructionCertificate.objects.exists()


def test_a_case_that_was_opened_and_closed_again_meanwhile_is_safe(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(scene.case.pk)
    with the_vaults_rights():
        found = list(endings._over(OVER))
        Case.objects.update(closed_on=OVER.date())
    monkeypatch.setattr(endings, "_over", lambda now: iter(found))
    assert (len(found), end(), left(Case)) == (1, 0, 1)


def test_a_hold_that_names_no_case_at_all_stops_nothing(scene: Scene) -> None:
    held = hold(scene.home, str(scene.case.pk))
    close(scene.case.pk)
    with setting_the_scene():
        LegalHold.objects.create(
            **{field.attname: getattr(held, field.attname) for field in held._meta.fields}
            | {"id": uuid4(), "scope_value": "no code"}
        )
    released(held, LONG_AGO)
    assert end() == 1


@pytest.mark.parametrize(("notice", "days"), [("1 day", 1), ("2 days", 2)])
def test_a_policy_is_in_force_for_its_notice_before_a_case_goes(
    scene: Scene, notice: str, days: int
) -> None:
    close(scene.case.pk)
    policy = f"{POLICY.format('1 month')}\nretention: {{notice: {notice}}}"
    in_force(policy, since=BETWEEN - timedelta(days=days, microseconds=-1))
    assert end(BETWEEN) == 0
    assert end(BETWEEN + timedelta(microseconds=1)) == 1


def test_a_policy_that_changes_nothing_for_cases_puts_no_end_off(scene: Scene) -> None:
    close(scene.case.pk)
    in_force(f"{POLICY.format('2 months')}\nmetrics: {{}}", since=OVER)
    assert end() == 1


def test_the_owners_function_goes_by_its_own_clock(scene: Scene) -> None:
    in_force(POLICY.format("30 days"), since=LONG_AGO)
    with connection.cursor() as cursor:
        cursor.execute("SELECT (now() AT TIME ZONE 'UTC')::date")
        (today,) = cursor.fetchone()
    close(scene.case.pk, on=today - timedelta(days=30))
    assert end(datetime(2199, 1, 1, tzinfo=UTC)) == 0
    close(scene.case.pk, on=today - timedelta(days=31))
    assert end(datetime(2199, 1, 1, tzinfo=UTC)) == 1


def test_no_more_than_a_few_go_in_a_round_and_held_ones_stand_before_none(
    scene: Scene, vault_at_hand: VaultAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "MOST_AT_ONCE", 1)
    Service(scene.home).deliver(*(REPORT | {"case_id": f"H-{number}"} for number in range(3)))
    vault_at_hand.drain()
    with the_vaults_rights():
        close(*Case.objects.values_list("pk", flat=True))
    hold(scene.home, str(scene.case.pk))
    assert [end(), end(), end(), end()] == [1, 1, 1, 0]
    with the_vaults_rights():
        assert Case.objects.get() == scene.case


# --- holds --------------------------------------------------------------------------------------


def test_a_case_whose_hold_was_just_released_stays_for_the_notice(scene: Scene) -> None:
    close(scene.case.pk)
    released(hold(scene.home, str(scene.case.pk)), OVER)
    assert end(OVER + timedelta(hours=23)) == 0
    assert end(OVER + timedelta(days=1)) == 1


@pytest.mark.parametrize("spelling", ["{0}", "  {0} ", "{{{0}}}"])
def test_a_held_case_stays_until_the_hold_is_released(scene: Scene, spelling: str) -> None:
    close(scene.case.pk)
    held = hold(scene.home, spelling.format(str(scene.case.pk).upper()))
    assert end() == 0
    released(held, LONG_AGO)
    assert end() == 1


def test_a_hold_that_comes_between_wins(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    close(scene.case.pk)
    with the_vaults_rights():
        found = list(endings._over(OVER))
    assert found
    hold(scene.home, str(scene.case.pk))
    monkeypatch.setattr(endings, "_over", lambda now: iter(found))
    assert end() == 0
    assert left(CaseEvent) == 1


def test_a_hold_of_another_organization_holds_nothing(scene: Scene) -> None:
    close(scene.case.pk)
    hold(an_organization(), str(scene.case.pk))
    assert end() == 1


# --- what goes and what stays -------------------------------------------------------------------


def test_all_of_the_case_goes_and_its_keys(scene: Scene) -> None:
    scene.granted()
    with as_hr():
        CaseNote(case=scene.case, author=scene.hr, text="called back").save(force_insert=True)
    close(scene.case.pk)
    with the_vaults_rights():
        texts = list(SealedEvents.objects.values_list("pk", flat=True))
        people = list(Subject.objects.values_list("pk", flat=True))
    assert end() == 1
    assert {model.__name__: left(model) for model in OF_A_CASE} == {
        model.__name__: 0 for model in OF_A_CASE
    }
    assert (left(Subject), left(Identity)) == (0, 0)
    with the_vaults_rights():
        gone = [scene.case.pk, *texts, *people]
        assert not WrappedKey.objects.filter(owner__in=gone).exists()
        assert not WrappedKey.objects.exists(), "the reasons of its requests open no more"


def test_the_access_log_and_the_decisions_stay(scene: Scene) -> None:
    request = scene.reveal()
    close(scene.case.pk)
    looks = left(Look)
    assert end() == 1
    assert left(Look) == looks
    assert shown(request).state == RequestState.EXPIRED
    assert left(ApprovalRequest) == 1
    with pytest.raises(OrgoError):
        errands.ask("challenge", scene.home, {"id": request}, by=scene.anna.user)


def test_whoever_is_in_another_case_stays_there(scene: Scene, vault_at_hand: VaultAtHand) -> None:
    other: dict[str, Any] = REPORT | {
        "case_id": "H-2",
        "identities": {"reporter": "jane.roe@organization.com"},
    }
    Service(scene.home).deliver(other)
    vault_at_hand.drain()
    close(scene.case.pk)
    assert end() == 1
    with the_vaults_rights(), keys.session() as own:
        (participant,) = Participant.objects.all()
        subject = subjects.subject_behind(participant, own)
        assert subject
        assert subjects.fields_of(subject, own)["email"] == "jane.roe@organization.com"
        assert Subject.objects.count() == 1


def test_the_certificate_names_the_case_by_its_code_alone(scene: Scene) -> None:
    close(scene.case.pk)
    end()
    certificate = DestructionCertificate.objects.get()
    assert (certificate.kind, certificate.case_code) == (Means.CASE, scene.case.pk)
    assert (certificate.organization, certificate.period) == (scene.home, "2 months")
    assert (certificate.segment, certificate.plan, certificate.announcement) == ("", None, None)
    assert (certificate.rows_destroyed, certificate.rows_at_closing) == (1, 1)


# --- interruptions ------------------------------------------------------------------------------


class Killed(Exception):
    """The process ended."""


def killed_at(number: int) -> Callable[..., Any]:
    """A wrapper of the database that lets so many statements through that delete, and no more."""
    seen = itertools.count()

    def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("DELETE") and next(seen) == number:
            raise Killed
        return run(sql, *rest)

    return execute


def test_interrupted_anywhere_the_case_is_whole_and_then_ends_once(scene: Scene) -> None:
    scene.reveal()
    close(scene.case.pk)
    before = {model: left(model) for model in (*OF_A_CASE, Case, Subject, WrappedKey)}
    interruptions = 0
    with the_vaults_rights():
        while True:
            try:
                with connection.execute_wrapper(killed_at(interruptions)):
                    done = endings.end_cases(OVER)
                break
            except Killed:
                interruptions += 1
            assert {model: model._default_manager.count() for model in before} == before
    assert interruptions > len(OF_A_CASE)
    assert [done, end()] == [1, 0]
    assert DestructionCertificate.objects.count() == 1
