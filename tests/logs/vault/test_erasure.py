"""An erased person opens nowhere: not in the vault, not from an old backup; the others still do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from logs.cases.models import Case, CaseEvent, CaseState
from logs.vault import erasure, keys, rotation, subjects
from logs.vault.keyring import KeysLost
from logs.vault.models import HeldItem, Participant, SealedEvents, Subject, WrappedKey
from orgo_audit.accounts.models import Organization
from orgo_audit.embedded import postgres_binaries
from tests.builders import Service, an_organization
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

JANE, JOHN = "jane.roe@organization.com", "john.doe@organization.com"
in_one_transaction = pytest.mark.django_db


def report(case_id: str, **people: str) -> dict[str, Any]:
    return {
        "timestamp": "2024-11-24T16:10:00Z",
        "action": "Report Filed",
        "case_id": case_id,
        "identities": people,
        "reason": "Jane Roe wrote that John Doe",
    }


def with_a_closed_case(vault_at_hand: VaultAtHand) -> Organization:
    home = an_organization()
    Service(home).deliver(report("H-1", reporter=JANE, reported_user=JOHN))
    vault_at_hand.drain()
    close_all()
    return home


def close_all() -> None:
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=timezone.now().date())


def erase(home: Organization, person: str) -> erasure.Erasure:
    with the_vaults_rights(), keys.session() as own:
        return erasure.carry_out(home, person, own, now=timezone.now())


def known_behind(label: str) -> Mapping[str, str]:
    with the_vaults_rights(), keys.session() as own:
        participant = Participant.objects.get(label=label)
        subject = subjects.subject_behind(participant, own)
        return subjects.fields_of(subject, own) if subject else {}


@in_one_transaction
def test_the_erased_person_opens_nowhere_and_the_other_still_does(
    vault_at_hand: VaultAtHand,
) -> None:
    home = with_a_closed_case(vault_at_hand)
    assert known_behind("Anon1")["email"] == JANE
    done = erase(home, f"Jane Roe <{JANE.upper()}>")
    assert done.is_done
    results = {visited.store: visited.result for visited in done.certificate}
    for store in ("look-up", "key", "identity", "released texts", "keys of these texts"):
        assert results[store] == erasure.NOTHING_LEFT
    assert known_behind("Anon1") == {}
    assert known_behind("Anon2")["email"] == JOHN
    with the_vaults_rights():
        assert bytes(SealedEvents.objects.get().content) == b""
        assert CaseEvent.objects.get().participants[0] == {"role": "reporter", "label": "Anon1"}


@in_one_transaction
def test_whoever_takes_part_in_an_open_case_is_not_erased(vault_at_hand: VaultAtHand) -> None:
    home = with_a_closed_case(vault_at_hand)
    Service(home).deliver(report("H-2", witness=JANE))
    vault_at_hand.drain()
    refused = erase(home, JANE)
    assert not refused.is_done
    assert "Art. 17(3)(e)" in refused.certificate[0].result
    with the_vaults_rights():
        assert Subject.objects.filter(erased_on=None).count() == 2


@in_one_transaction
def test_an_unknown_person_is_erased_like_a_known_one(vault_at_hand: VaultAtHand) -> None:
    home = with_a_closed_case(vault_at_hand)
    unknown = erase(home, "nobody@organization.com")
    assert unknown.is_done
    assert erase(an_organization(), JANE).is_done
    assert known_behind("Anon1")["email"] == JANE
    assert erase(home, JANE) == unknown, "the certificate must not tell who was known"


@in_one_transaction
def test_who_comes_again_is_somebody_new(vault_at_hand: VaultAtHand) -> None:
    home = with_a_closed_case(vault_at_hand)
    erase(home, JANE)
    Service(home).deliver(report("H-1", reporter=JANE))
    vault_at_hand.drain()
    assert known_behind("Anon1") == {}
    assert known_behind("Anon3")["email"] == JANE


@in_one_transaction
def test_what_is_held_and_names_the_person_goes_too(vault_at_hand: VaultAtHand) -> None:
    home = with_a_closed_case(vault_at_hand)
    service = Service(home)
    service.deliver(report("B-1", reporter=JANE) | {"workflow": "unlisted"})
    service.deliver(report("B-2", reporter=JOHN) | {"workflow": "unlisted", "reason": "x"})
    vault_at_hand.drain()
    erase(home, JANE)
    with the_vaults_rights():
        assert HeldItem.objects.count() == 1


# --- backups ------------------------------------------------------------------------------------


def owner_command(program: str, *words: str) -> list[str]:
    settings = connections["owner"].settings_dict
    return [
        str(postgres_binaries.find_binaries() / program),
        *("--host", settings["HOST"], "--username", settings["USER"]),
        *("--dbname", settings["NAME"], *words),
    ]


def environment() -> dict[str, str]:
    settings = connections["owner"].settings_dict
    port = str(settings["PORT"] or 5432)
    return os.environ | {"PGPASSWORD": settings["PASSWORD"], "PGPORT": port}


def a_backup() -> bytes:
    """All of the vault's data; the keys are in a schema of their own, and are backed up apart."""
    words = owner_command("pg_dump", "--data-only", "--schema", "vault")
    return subprocess.run(words, env=environment(), check=True, capture_output=True).stdout


def restore(backup: bytes) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(oid::regclass::text, ', ') FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'vault'::regnamespace"
        )
        cursor.execute(f"TRUNCATE {cursor.fetchone()[0]}")
    subprocess.run(
        owner_command("psql", "--quiet"),
        env=environment(),
        check=True,
        capture_output=True,
        input=backup,
    )


@pytest.mark.usefixtures("committed")
def test_an_old_backup_beside_the_current_keys_opens_the_living_alone(
    vault_at_hand: VaultAtHand,
) -> None:
    home = with_a_closed_case(vault_at_hand)
    backup = a_backup()
    erase(home, JANE)
    restore(backup)
    with the_vaults_rights():
        assert Subject.objects.filter(erased_on=None).count() == 2, "nothing was restored"
    assert known_behind("Anon1") == {}
    assert known_behind("Anon2")["email"] == JOHN


@pytest.mark.usefixtures("committed")
def test_old_wrapped_keys_are_noise_once_the_epoch_has_ended(vault_at_hand: VaultAtHand) -> None:
    home = with_a_closed_case(vault_at_hand)
    with the_vaults_rights(), keys.session() as own:
        jane = Subject.objects.get(tag=own.index(home.pk, subjects.KIND, JANE))
        old = WrappedKey.objects.get(owner=jane.pk)
    erase(home, JANE)
    with the_vaults_rights():
        rotation.rotate(timezone.now().date())
        old.save(force_insert=True)  # a thief puts the old copy of the keys back
        with keys.session() as own, pytest.raises(KeysLost, match="keys of epoch 1"):
            own.load([jane.pk])
