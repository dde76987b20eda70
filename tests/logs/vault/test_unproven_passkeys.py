"""Who stopped between making a passkey and proving it begins again on the same device."""

from __future__ import annotations

from typing import Any

import pytest

from logs.cases.models import CustodianPasskey, PasskeyState
from logs.vault.models import VaultPasskey
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import Conflict
from tests.authenticator import base64url
from tests.builders import an_organization
from tests.custodians import Custodian, a_custodian
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


def made_and_left(custodian: Custodian) -> dict[str, Any]:
    """The passkey's id, and what was to be signed with it."""
    begun = custodian.ask("enrol_begin", name="phone")
    made = custodian.browser.create(begun["options"])
    finished = custodian.ask("enrol_finish", id=begun["id"], response=made)
    return {"id": begun["id"], "options": finished["options"]}


def state_of(passkey: str) -> str:
    with the_vaults_rights():
        return CustodianPasskey.objects.get(pk=passkey).state


def excluded(custodian: Custodian) -> set[str]:
    options = custodian.ask("enrol_begin", name="phone")["options"]
    return {each["id"] for each in options["excludeCredentials"]}


def test_beginning_again_replaces_what_was_never_proven(home: Organization) -> None:
    anna = a_custodian(home, ready=False)
    left = made_and_left(anna)
    assert excluded(anna) == set(), "its device would refuse to make another one"
    assert state_of(left["id"]) == PasskeyState.REVOKED
    signed = anna.browser.get(left["options"])
    with pytest.raises(Conflict) as refusal:
        anna.ask("enrol_prove", id=left["id"], assertion=signed)
    assert refusal.value.code == "enrolment_over"
    assert state_of(anna.enrol()) == PasskeyState.PROVEN


def test_no_other_passkey_is_replaced(home: Organization) -> None:
    anna, ben = a_custodian(home), a_custodian(home, ready=False)
    confirmed, proven = anna.passkeys[0], anna.enrol("blue key")
    begun = anna.ask("enrol_begin", name="not made yet")["id"]
    bens = made_and_left(ben)["id"]
    assert excluded(anna) == {base64url(known) for known in anna.browser.keys}
    states = [state_of(passkey) for passkey in (confirmed, proven, begun, bens)]
    assert states == ["confirmed", "proven", "pending", "pending"]


def test_stopping_again_and_again_uses_up_no_place(home: Organization) -> None:
    anna = a_custodian(home, ready=False)
    for _ in range(12):
        made_and_left(anna)
    with the_vaults_rights():
        assert VaultPasskey.objects.filter(revoked_at=None).count() == 1


def test_it_can_be_withdrawn_too(home: Organization) -> None:
    anna = a_custodian(home, ready=False)
    left = made_and_left(anna)
    assert anna.ask("revoke_passkey", id=left["id"]) == {"state": "revoked"}
    assert excluded(anna) == set()
