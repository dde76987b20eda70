"""The end of a case with the vault's own login, beside others who work on the same database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from django.db import connections
from psycopg.errors import LockNotAvailable
from pytest_django import Settings

from logs.cases.models import Case, CaseState
from logs.retention.models import DestructionCertificate
from logs.vault import erasure, keys
from tests.builders import Service, an_organization
from tests.logs.vault.running import a_running_vault, until
from tests.logs.vault.scene import REPORT
from tests.policies import in_force
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2025, 1, 1, tzinfo=UTC)
_PLACE = """
INSERT INTO logs_legalhold (id, organization_id, matter, reason, owner, scope_kind, scope_value,
    placed_at, placed_by, review_on, release_asked_by, released_by)
  VALUES (gen_random_uuid(), %s, 'm', 'r', 'o', 'case', %s, now(), 'anna', now(), '', '')
"""


@pytest.fixture
def case(committed: None, tmp_path: Path, settings: Settings) -> Case:
    """Closed long ago."""
    in_force('retention_policies: {activity_logs: "6 months"}', since=LONG_AGO)
    vault, home = VaultAtHand(tmp_path, settings), an_organization()
    Service(home).deliver(REPORT)
    vault.drain()
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=date(2024, 12, 31))
        return Case.objects.get()


def another(alias: str) -> psycopg.Connection[object]:
    return psycopg.connect(**connections[alias].get_connection_params())


def place(worker: psycopg.Connection[object], case: Case) -> None:
    worker.execute("SET lock_timeout = '200ms'")
    worker.execute(_PLACE, [case.organization_id, str(case.pk)])


def may_end(vault: psycopg.Connection[object], case: Case) -> object:
    row = vault.execute("SELECT end_case(%s, %s)", [case.pk, case.closed_on]).fetchone()
    return row[0] if isinstance(row, tuple) else None


def test_the_vaults_process_ends_it_by_itself(case: Case) -> None:
    with a_running_vault():
        until(DestructionCertificate.objects.exists, "the case ends")
    with the_vaults_rights():
        assert not Case.objects.exists()
    assert DestructionCertificate.objects.get().case_code == case.pk


def test_a_hold_that_is_being_placed_waits_for_the_end_or_is_seen(case: Case) -> None:
    with another("vault") as vault, another("worker") as worker:
        assert may_end(vault, case) is True
        with pytest.raises(LockNotAvailable):
            place(worker, case)
        worker.rollback()
        vault.rollback()
        place(worker, case)
        worker.commit()
        assert may_end(vault, case) is False
    assert not DestructionCertificate.objects.exists()


def test_a_hold_that_is_being_placed_waits_for_an_erasure_or_is_seen(case: Case) -> None:
    with another("worker") as worker:
        with the_vaults_rights(), keys.session() as own:
            jane = "jane.roe@organization.com"
            assert erasure.carry_out(case.organization, jane, own, now=NOW).is_done
            with pytest.raises(LockNotAvailable):
                place(worker, case)
        worker.rollback()
        place(worker, case)
        worker.commit()
    with the_vaults_rights(), keys.session() as own:
        john = "john.doe@organization.com"
        assert not erasure.carry_out(case.organization, john, own, now=NOW).is_done


def test_a_case_is_not_opened_again_while_it_loses_its_texts(case: Case) -> None:
    jane = "jane.roe@organization.com"
    with another("owner") as other:
        other.execute("SET lock_timeout = '200ms'")
        with the_vaults_rights(), keys.session() as own:
            assert erasure.carry_out(case.organization, jane, own, now=NOW).is_done
            with pytest.raises(LockNotAvailable):
                other.execute("UPDATE hr.\"case\" SET state = 'open' WHERE code = %s", [case.pk])


def test_an_old_backup_brings_a_case_back_and_its_certificate_stays_one(case: Case) -> None:
    with another("vault") as vault:
        assert [may_end(vault, case), may_end(vault, case)] == [True, True]
    assert DestructionCertificate.objects.filter(case_code=case.pk).count() == 1
