"""An erasure and what is held: who is named is known by whole names, and others lose nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from logs.vault import erasure, held_items, keys
from logs.vault.models import HeldItem
from orgo_audit.accounts.models import Organization
from tests.builders import Service, an_organization, setting_the_scene
from tests.logs.vault.erasing import a_case, certificate, erased, seen
from tests.logs.vault.scene import Scene, a_scene
from tests.retention import a_hold, released
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db
ANN, SUSANN = "ann@organization.com", "susann@organization.com"


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


def hold(home: Organization, vault: VaultAtHand, **fields: Any) -> None:
    """Delivers a report of a workflow that is listed nowhere."""
    event = {"timestamp": "2024-11-24T16:10:00Z", "action": "Incident", "workflow": "bullying"}
    Service(home).deliver(event | fields)
    vault.drain()


def erase(home: Organization, person: str) -> dict[str, str]:
    """The lines of the certificate."""
    with the_vaults_rights(), keys.session() as own:
        done = erasure.carry_out(home, person, own, now=timezone.now())
    return {visited.store: visited.result for visited in done.certificate}


def held() -> int:
    with the_vaults_rights():
        return HeldItem.objects.count()


@pytest.mark.parametrize(
    ("person", "fields"),
    [
        (ANN, {"identities": {"reporter": "Ann <ANN+x@organization.com>"}}),
        (ANN, {"note": f"write to {ANN}."}),
        (ANN, {"note": {ANN: "called"}}),
        ("ann.lee@organization.com", {"note": "Then Ann LEE, who"}),
        ("Ann Lee", {"note": "then lee, ann"}),
        ("Ann Lee", {"reporter": "ann  lee"}),
        ("Ann", {"witness": {"name": "Ann", "phone": "+49 30 1111111"}}),
        ("+49 30 1111111", {"identities": {"reporter": "+49 (30) 1111111"}}),
    ],
)
def test_what_names_the_person_alone_goes_and_is_counted(
    home: Organization, vault_at_hand: VaultAtHand, person: str, fields: dict[str, Any]
) -> None:
    hold(home, vault_at_hand, **fields)
    assert held() == 1
    assert erase(home, person)["held reports"] == "nothing left; 1 removed"
    assert held() == 0


@pytest.mark.parametrize(
    ("person", "fields"),
    [
        (ANN, {"identities": {"reporter": SUSANN}, "note": "as planned"}),
        (ANN, {"identities": {"reporter": "Ann <ann@elsewhere.com>"}}),
        (ANN, {"identities": {"reporter": "Ann"}, "note": "Ann said so"}),
        ("ann.lee@organization.com", {"note": "Joanna Leeds, annlee"}),
        ("ann.lee@organization.com", {"note": "Ann said", "more": "by the lee"}),
        ("Ann", {"identities": {"reporter": SUSANN}, "note": "Ann, planned"}),
        ("A", {"identities": {"reporter": "A"}, "note": "A report"}),
        ("Incident", {"identities": {"reporter": SUSANN}}),
    ],
)
def test_what_names_somebody_else_alone_stays(
    home: Organization, vault_at_hand: VaultAtHand, person: str, fields: dict[str, Any]
) -> None:
    hold(home, vault_at_hand, **fields)
    assert erase(home, person)["held reports"] == "nothing left"
    assert held() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"identities": {"reporter": ANN, "accused": SUSANN}},
        {"identities": {"reporter": ANN, "accused": "Anon2"}},
        {"identities": {"reporter": ANN}, "accused": "Susann"},
        {"identities": {"reporter": ANN}, "note": f"{SUSANN} was there"},
        {"identities": {"reporter": ANN}, "notes": [{SUSANN: "was there"}]},
    ],
)
def test_what_names_others_too_refuses_the_erasure(
    home: Organization, vault_at_hand: VaultAtHand, fields: dict[str, Any]
) -> None:
    hold(home, vault_at_hand, **fields)
    hold(home, vault_at_hand, identities={"reporter": ANN})
    refused = erase(home, ANN)
    assert list(refused) == ["held reports"]
    assert refused["held reports"].startswith("1 waiting in no case")
    assert held() == 2, "a refused erasure removes nothing"


def test_a_mailbox_of_the_policy_is_nobody(home: Organization, vault_at_hand: VaultAtHand) -> None:
    hold(home, vault_at_hand, identities={"reporter": ANN}, to="harassment@organization.com")
    assert erase(home, ANN)["held reports"] == "nothing left; 1 removed"


def test_another_organizations_reports_are_not_looked_at(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    hold(an_organization(), vault_at_hand, identities={"reporter": ANN, "accused": SUSANN})
    assert erase(home, ANN)["held reports"] == "nothing left"
    assert held() == 1


def test_a_name_in_a_case_says_nothing_of_what_is_in_no_case(vault_at_hand: VaultAtHand) -> None:
    scene: Scene = a_scene(vault_at_hand)
    case = a_case(scene, vault_at_hand, "M-1", reporter="Ann Lee")
    hold(scene.home, vault_at_hand, identities={"reporter": "Ann Lee"})
    done = erased(scene, f"Ann Lee in {case.code}")
    assert certificate(done)["held reports"].startswith("1 left")
    assert held() == 1
    assert seen(scene, case, "name") == {"value": None, "erased": True}


# --- what was refused at the door -----------------------------------------------------------------


def refuse(home: Organization, vault: VaultAtHand) -> None:
    """Sensitive and without a timestamp; it names two."""
    people = {"reporter": ANN, "witness": SUSANN}
    sent = {"action": "Report Filed", "workflow": "harassment", "identities": people}
    assert Service(home).deliver(sent).status == 400
    vault.drain()
    assert held() == 1


def test_it_goes_whoever_else_it_names(home: Organization, vault_at_hand: VaultAtHand) -> None:
    refuse(home, vault_at_hand)
    Service(home).deliver(f"workflow: bullying, {ANN}, {SUSANN}")
    vault_at_hand.drain()
    assert erase(home, ANN)["held reports"] == "nothing left; 2 removed"


def test_a_hold_on_its_month_keeps_it(home: Organization, vault_at_hand: VaultAtHand) -> None:
    Service(home).deliver(f"workflow: bullying, {ANN}")
    vault_at_hand.drain()
    with setting_the_scene():
        a_hold(home, "segment", f"activity-{timezone.now():%Y-%m}")
    assert list(erase(home, ANN)) == ["legal holds"]


def test_it_stays_thirty_days_and_longer_under_a_hold(
    home: Organization, vault_at_hand: VaultAtHand
) -> None:
    refuse(home, vault_at_hand)
    hold(home, vault_at_hand, note="waits for the policy, however long")
    now = timezone.now()

    def left(days: int) -> int:
        with the_vaults_rights():
            held_items.prune(now + timedelta(days=days))
        return held()

    assert left(30) == 2
    with setting_the_scene():
        kept = a_hold(home, "task", "T1")
    assert left(31) == 2
    released(kept, now)
    assert left(31) == 1
    assert left(999) == 1
