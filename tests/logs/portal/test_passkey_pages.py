"""Pages of custodians' passkeys: added in three steps, confirmed by somebody else, revoked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from logs.cases.models import CustodianPasskey
from orgo_audit.accounts.models import Role, User
from orgo_audit.accounts.people import give_role
from tests.authenticator import Authenticator
from tests.builders import a_user, an_organization, setting_the_scene
from tests.custodians import a_custodian, confirm
from tests.logs.portal.ceremony import (
    NO_ONE,
    PASSKEYS,
    as_custodian,
    hidden,
    options_of,
    page_of,
    signed_in,
    signs,
    text_of,
)
from tests.logs.vault.scene import Scene, a_scene
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    return a_scene(vault_at_hand)


def enrols(client: Client, browser: Authenticator, name: str = "blue key") -> Any:
    """All three steps on the page; the page afterwards."""
    made = client.post(PASSKEYS, {"do": "begin", "name": name})
    answer = json.dumps(browser.create(options_of(made)))
    proof = client.post(PASSKEYS, hidden(made) | {"answer": answer})
    answer = json.dumps(browser.get(options_of(proof)))
    return client.post(PASSKEYS, hidden(proof) | {"answer": answer}, follow=True)


def test_a_passkey_is_added_in_three_steps_and_confirmed_by_another_custodian(
    scene: Scene,
) -> None:
    newcomer = a_custodian(scene.home, "zoe", ready=False)
    client = as_custodian(newcomer)
    assert "You have none yet" in text_of(client.get(PASSKEYS))
    assert "Your passkey works" in text_of(enrols(client, newcomer.browser))
    with the_vaults_rights():
        row = CustodianPasskey.objects.get(user=newcomer.user)
    assert row.fingerprint in text_of(client.get(PASSKEYS))
    path = f"{PASSKEYS}{row.pk}/"
    assert client.get(path).status_code == 404, "nobody confirms a passkey of their own"

    other = as_custodian(scene.anna)
    assert "blue key of zoe" in text_of(other.get(PASSKEYS))
    assert row.fingerprint in text_of(other.get(path))
    assert "The passkey of zoe is confirmed." in text_of(signs(other, scene.anna, path))
    assert other.get(path).status_code == 404
    assert "Your decision" in text_of(client.get(page_of(scene.reveal())))


def test_the_first_passkey_is_confirmed_by_the_operator(vault_at_hand: VaultAtHand) -> None:
    home = an_organization()
    anna, ben = (a_custodian(home, ready=False) for _ in range(2))
    for custodian in (anna, ben):
        enrols(as_custodian(custodian), custodian.browser)
    assert "manage.py confirm_custodian" in text_of(as_custodian(anna).get(PASSKEYS))
    with the_vaults_rights():
        row = CustodianPasskey.objects.get(user=ben.user)
        first = CustodianPasskey.objects.get(user=anna.user)
    page = as_custodian(anna).get(f"{PASSKEYS}{row.pk}/")
    assert "You cannot confirm it yet" in text_of(page)
    confirm(str(first.pk))
    assert "is confirmed" in text_of(signs(as_custodian(anna), anna, f"{PASSKEYS}{row.pk}/"))


def test_a_revoked_passkey_approves_nothing_any_more(scene: Scene) -> None:
    client = as_custodian(scene.anna)
    body = {"do": "revoke", "id": scene.anna.passkeys[0], "organization": scene.home.slug}
    assert "The passkey is revoked." in text_of(client.post(PASSKEYS, body, follow=True))
    assert "This needs a confirmed passkey" in text_of(client.get(page_of(scene.reveal())))


@pytest.mark.parametrize("do", ["finish", "prove", "revoke"])
@pytest.mark.parametrize("identifier", ["", "x", NO_ONE])
def test_a_step_of_no_known_passkey_finds_nothing(scene: Scene, do: str, identifier: str) -> None:
    client = as_custodian(scene.anna)
    body = {"do": do, "id": identifier, "answer": "{}", "organization": scene.home.slug}
    assert client.post(PASSKEYS, body).status_code == 404
    assert client.post(PASSKEYS, body | {"organization": "elsewhere"}).status_code == 404


@pytest.mark.parametrize("name", ["", "\0", "x" * 61])
def test_a_name_that_cannot_be_kept_is_refused(scene: Scene, name: str) -> None:
    page = as_custodian(scene.anna).post(PASSKEYS, {"do": "begin", "name": name})
    assert page.status_code == 400
    assert 'role="alert"' in page.content.decode()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CUSTODIAN])
def test_nobody_else_has_passkeys(scene: Scene, role: Role) -> None:
    client = signed_in(a_user(role, scene.home))
    for path in (PASSKEYS, f"{PASSKEYS}{scene.anna.passkeys[0]}/"):
        assert client.get(path).status_code == 404
        assert client.post(path, {"do": "begin", "name": "x"}).status_code == 404


def test_another_organizations_passkeys_are_not_there(scene: Scene) -> None:
    stranger = a_custodian(an_organization())
    client = as_custodian(stranger)
    assert scene.anna.user.username not in text_of(client.get(PASSKEYS))
    body = {"do": "revoke", "id": scene.anna.passkeys[0]}
    for slug in (scene.home.slug, stranger.organization.slug):
        assert client.post(PASSKEYS, body | {"organization": slug}).status_code == 404


def test_a_custodian_of_two_organizations_chooses_one(scene: Scene) -> None:
    south = an_organization("south")
    with setting_the_scene():
        give_role(scene.anna.user, Role.CUSTODIAN, south)
    client = signed_in(User.objects.get(pk=scene.anna.user.pk))
    assert "Organization" in text_of(client.get(PASSKEYS))
    page = client.post(PASSKEYS, {"do": "begin", "name": "south key", "organization": "south"})
    assert hidden(page)["organization"] == "south"
    elsewhere = an_organization("east")
    body = {"do": "begin", "name": "south key", "organization": elsewhere.slug}
    assert "Select a valid choice" in text_of(client.post(PASSKEYS, body), 400)


def test_a_page_tells_where_passkeys_work(scene: Scene) -> None:
    page = as_custodian(scene.anna).get(PASSKEYS).content.decode()
    assert 'data-passkey-origin="http://localhost:8000"' in page
