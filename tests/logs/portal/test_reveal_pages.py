"""Pages of requests and passkeys: who sees and decides what; a value is on one page only."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from logs.cases.models import Look, LookedAt
from logs.retention import erasing
from orgo_audit.accounts.models import Role, User
from orgo_audit.accounts.people import take_role
from orgo_audit.policy import versions
from tests.builders import a_user, an_organization, setting_the_scene
from tests.custodians import a_custodian
from tests.logs.portal.ceremony import (
    ERASURE,
    LIST,
    PASSKEYS,
    as_custodian,
    page_of,
    signed_in,
    signs,
    text_of,
)
from tests.logs.vault.scene import REASON, Scene, a_scene, shown
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db

JANE = "jane.roe@organization.com"


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    return a_scene(vault_at_hand)


# --- two custodians -------------------------------------------------------------------------------


def test_a_form_and_a_request_say_that_nobody_could_decide(scene: Scene) -> None:
    request = scene.reveal()
    client, warning = signed_in(scene.hr), "Fewer than two custodians could decide"
    client.post("/cases/purpose/", {"purpose": "work"})
    pages = (page_of(request), f"/cases/{scene.case.pk}/reveal-request/")
    for page in pages:
        assert warning not in text_of(client.get(page))
    with setting_the_scene():
        take_role(scene.ben.user, Role.CUSTODIAN, scene.home)
    for page in pages:
        assert warning in text_of(client.get(page))
    # Whoever asks decides nothing of it.
    assert warning in text_of(as_custodian(scene.anna).get(ERASURE))


# --- the list -------------------------------------------------------------------------------------


def test_a_custodian_sees_what_waits_first_and_then_what_ended(scene: Scene) -> None:
    denied = scene.reveal(field="name")
    scene.anna.deny(denied)
    scene.reveal()
    page = text_of(as_custodian(scene.ben).get(LIST))
    assert (
        page.index("Reveal Anon1, email")
        < page.index("Ended in the last")
        < page.index("Reveal Anon1, name")
    )
    assert str(scene.case.pk)[:8] in page
    assert f"{scene.anna.user.username} denied" in page
    assert scene.hr.username in page


@pytest.mark.parametrize("role", [Role.CUSTODIAN, Role.HR_MANAGER, Role.DPO, Role.AUDITOR])
def test_an_empty_list_says_what_will_be_there(vault_at_hand: VaultAtHand, role: Role) -> None:
    page = text_of(signed_in(a_user(role, an_organization())).get(LIST))
    assert "Nothing is open" in page


def test_an_hr_manager_sees_the_own_requests_alone(scene: Scene) -> None:
    own, other = scene.reveal(), a_user(Role.HR_MANAGER, scene.home)
    stranger = signed_in(other)
    assert "Anon1" in text_of(signed_in(scene.hr).get(LIST))
    assert "Anon1" not in text_of(stranger.get(LIST))
    assert stranger.get(page_of(own)).status_code == 404


@pytest.mark.parametrize("role", [Role.DPO, Role.AUDITOR])
def test_an_overseer_reads_and_never_decides(scene: Scene, role: Role) -> None:
    request = scene.reveal()
    client = signed_in(a_user(role, scene.home))
    assert "Reveal Anon1, email" in text_of(client.get(LIST))
    page = text_of(client.get(page_of(request)))
    assert "Asked by" in page
    assert REASON not in page
    assert "Approve" not in page
    for act in ("approve", "deny", "withdraw", "view"):
        body = {"do": act, "answer": "{}", "why": "no"}
        assert client.post(page_of(request), body).status_code == 404
    assert shown(request).state == "pending"


@pytest.mark.parametrize("role", list(Role))
def test_another_organizations_request_is_like_none(scene: Scene, role: Role) -> None:
    request, client = scene.granted(), signed_in(a_user(role, an_organization()))
    assert client.get(page_of(request)).status_code == 404
    assert client.post(page_of(request), {"do": "view"}).status_code == 404
    listed = client.get(LIST)
    assert listed.status_code == 404 or "Anon1" not in text_of(listed)


def test_a_custodian_who_takes_part_never_learns_that_somebody_asked(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    request = scene.reveal(label="Anon2")
    concerned = a_custodian(scene.home, "john.doe@organization.com")
    client = as_custodian(concerned)
    assert "Anon2" not in text_of(client.get(LIST))
    unknown = client.get(page_of(str(uuid4())))
    for body in (None, {"do": "deny", "why": "no"}, {"do": "approve", "answer": "{}"}):
        answer = (
            client.get(page_of(request)) if body is None else client.post(page_of(request), body)
        )
        assert answer.status_code == 404
    assert text_of(client.get(page_of(request)), 404) == text_of(unknown, 404)
    vault_at_hand.is_away = True
    away = client.post(page_of(request), {"do": "deny", "why": "no"})
    none = client.post(page_of(str(uuid4())), {"do": "deny", "why": "no"})
    assert text_of(away, 503) == text_of(none, 503)


def test_every_look_at_requests_is_on_record(scene: Scene) -> None:
    request, client = scene.reveal(), as_custodian(scene.ben)
    client.get(LIST)
    client.get(page_of(request))
    with the_vaults_rights():
        looks = Look.objects.filter(user=scene.ben.user, what=LookedAt.REQUESTS).order_by("pk")
        told = list(looks.values_list("case_code", "rows", "purpose"))
    assert told == [(None, 1, "custodian's duty"), (scene.case.pk, None, "custodian's duty")]


def test_a_long_list_asks_no_more_of_the_database_than_a_short_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "RECHECK_SECONDS", 3600.0)
    client = signed_in(scene.hr)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(LIST).status_code == 200
        return len(captured)

    scene.reveal()
    client.get(LIST)  # leaves its own record
    few = queries()
    for _ in range(5):
        scene.anna.deny(scene.reveal(field="name"))
    assert queries() == few


# --- deciding -------------------------------------------------------------------------------------


def test_two_custodians_approve_and_hr_sees_the_value_as_often_as_granted(scene: Scene) -> None:
    request = scene.reveal(views=1)
    for custodian in (scene.anna, scene.ben):
        page = signs(as_custodian(custodian), custodian, page_of(request))
        assert "Your approval is recorded." in text_of(page)
    hr = signed_in(scene.hr)
    before = hr.get(page_of(request))
    assert "Show once" in text_of(before)
    assert JANE not in before.content.decode()
    seen = hr.post(page_of(request), {"do": "view"})
    assert JANE in text_of(seen)
    assert "no-store" in seen["Cache-Control"]
    assert "It cannot be seen again" in text_of(seen)
    assert JANE not in str(dict(hr.session))
    assert JANE not in text_of(hr.get(page_of(request)))
    again = text_of(hr.post(page_of(request), {"do": "view"}), 409)
    assert "This reveal is over" in again
    assert JANE not in again


def test_a_custodian_reads_all_that_is_signed(scene: Scene) -> None:
    scene.anna.deny(scene.reveal(), "the reason is too thin")
    request = scene.reveal(minutes=7, views=3)
    scene.anna.approve(request)
    page = text_of(as_custodian(scene.ben).get(page_of(request)))
    for word in (
        REASON,
        "Email of Anon1",
        "3 times within 7 minutes",
        "the reason is too thin",
        f"Approved by {scene.anna.user.username}",
        scene.hr.username,
        str(scene.case.pk),
        "nonce",
    ):
        assert word in page
    assert JANE not in page


def test_one_denial_with_a_reason_ends_a_request(scene: Scene) -> None:
    request, client = scene.reveal(), as_custodian(scene.anna)
    assert "This field is required" in text_of(
        client.post(page_of(request), {"do": "deny", "why": " "}), 400
    )
    answer = client.post(page_of(request), {"do": "deny", "why": "no need"}, follow=True)
    assert "The request is denied" in text_of(answer)
    page = text_of(signed_in(scene.hr).get(page_of(request)))
    assert "A custodian has denied this request" in page
    assert "no need" not in page


@pytest.mark.parametrize(
    "answer", ["", "{", "null", "[]", '{"id": 1}', '{"a": NaN}', "\0", "[" * 99999]
)
def test_no_made_up_answer_of_a_browser_approves(scene: Scene, answer: str) -> None:
    request = scene.reveal()
    client = as_custodian(scene.anna)
    page = client.post(page_of(request), {"do": "approve", "answer": answer})
    assert page.status_code == 400
    assert 'role="alert"' in page.content.decode()
    assert shown(request).state == "pending"
    assert "nobody yet" in text_of(client.get(LIST))


def test_another_requests_signature_approves_nothing(scene: Scene) -> None:
    request, other, client = scene.reveal(), scene.reveal(field="name"), as_custodian(scene.anna)
    body = {"do": "approve", "answer": json.dumps(scene.anna.sign(other))}
    assert "not an approval of exactly this request" in text_of(
        client.post(page_of(request), body), 400
    )


def test_who_has_decided_is_told_so_and_offered_no_button(scene: Scene) -> None:
    request = scene.reveal()
    scene.anna.approve(request)
    page = text_of(as_custodian(scene.anna).get(page_of(request)))
    assert "You cannot decide this one" in page
    assert "Approve with" not in page


def test_a_custodian_without_a_passkey_is_led_to_get_one(scene: Scene) -> None:
    client = as_custodian(a_custodian(scene.home, ready=False))
    page = client.get(page_of(scene.reveal()))
    assert "This needs a confirmed passkey of your own" in text_of(page)
    assert f'href="{PASSKEYS}"' in page.content.decode()
    assert REASON not in page.content.decode()


def test_a_request_is_withdrawn_by_whoever_asked(scene: Scene) -> None:
    request, hr = scene.reveal(), signed_in(scene.hr)
    assert as_custodian(scene.anna).post(page_of(request), {"do": "withdraw"}).status_code == 404
    assert "Withdraw the request" in text_of(hr.get(page_of(request)))
    assert "The request is withdrawn" in text_of(
        hr.post(page_of(request), {"do": "withdraw"}, follow=True)
    )
    assert shown(request).state == "withdrawn"
    assert "nobody yet" not in text_of(hr.get(LIST))


def test_an_act_that_is_none_is_refused(scene: Scene) -> None:
    request = scene.reveal()
    assert as_custodian(scene.anna).post(page_of(request), {"do": "grant"}).status_code == 400
    assert as_custodian(scene.anna).post(PASSKEYS, {"do": "grant"}).status_code == 400
    assert as_custodian(scene.anna).put(page_of(request)).status_code == 405


@pytest.mark.parametrize("path", [LIST + "{request}/", PASSKEYS, ERASURE])
def test_nothing_is_done_without_the_forms_secret(scene: Scene, path: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.anna.user)
    place = path.format(request=scene.reveal())
    assert strict.post(place, {"do": "deny", "why": "no"}).status_code == 403


def test_what_was_typed_survives_a_vault_that_is_away(
    scene: Scene, vault_at_hand: VaultAtHand
) -> None:
    request, client = scene.reveal(), as_custodian(scene.anna)
    vault_at_hand.is_away = True
    answer = client.post(page_of(request), {"do": "deny", "why": "a long thought"})
    assert "The vault does not answer" in text_of(answer, 503)
    assert "a long thought" in text_of(answer, 503)
    answer = client.post(ERASURE, {"person": JANE, "reason": "She asked for it."})
    assert "The vault does not answer" in text_of(answer, 503)
    assert f'value="{JANE}"' in answer.content.decode()
    answer = client.post(PASSKEYS, {"do": "begin", "name": "blue key"})
    assert "The vault does not answer" in text_of(answer, 503)
    assert 'value="blue key"' in answer.content.decode()
    assert client.get(LIST).status_code == 503
    assert client.get(page_of(request)).status_code == 503
    hr = signed_in(scene.hr)
    assert hr.get(page_of(request)).status_code == 200
    assert hr.post(page_of(request), {"do": "withdraw"}).status_code == 503


# --- erasures -------------------------------------------------------------------------------------


def test_a_dpo_asks_two_custodians_to_erase_and_gets_a_certificate(scene: Scene) -> None:
    with the_vaults_rights():
        type(scene.case).objects.update(state="closed", closed_on="2024-12-01")
    dpo = signed_in(a_user(Role.DPO, scene.home))
    page = dpo.post(ERASURE, {"person": JANE, "reason": "She asked for it."}, follow=True)
    assert "The request is made" in text_of(page)
    path = page.redirect_chain[-1][0]
    decide = text_of(as_custodian(scene.anna).get(path))
    assert JANE in decide
    assert "She asked for it." in decide
    assert JANE not in text_of(dpo.get(path))
    with setting_the_scene():
        erasing.run(timezone.now())
    for custodian in (scene.anna, scene.ben):
        signs(as_custodian(custodian), custodian, path)
    told = text_of(dpo.get(path))
    assert "Certificate" in told
    assert "Identity nothing left" in told
    assert JANE not in told


@pytest.mark.parametrize(("person", "goes"), [(JANE, True), ("Jane Roe in {0}", False)])
def test_who_decides_an_erasure_is_told_whether_ordinary_events_go(
    scene: Scene, person: str, *, goes: bool
) -> None:
    typed = {"person": person.format(scene.case.pk), "reason": "She asked for it."}
    page = signed_in(a_user(Role.DPO, scene.home)).post(ERASURE, typed, follow=True)
    decide = text_of(as_custodian(scene.anna).get(page.redirect_chain[-1][0]))
    assert "keys are destroyed, for good" in decide
    assert ("in which exactly this name or address stands go too" in decide) is goes


def test_an_erasure_that_the_law_forbids_now_says_why(scene: Scene) -> None:
    dpo = signed_in(a_user(Role.DPO, scene.home))
    page = dpo.post(ERASURE, {"person": JANE, "reason": "She asked for it."}, follow=True)
    path = page.redirect_chain[-1][0]
    early = text_of(as_custodian(scene.anna).get(path))
    assert ("are still being searched" in early, "Approve with" in early) == (True, False)
    with setting_the_scene():
        erasing.run(timezone.now())
    for custodian in (scene.anna, scene.ben):
        signs(as_custodian(custodian), custodian, path)
    assert "Approved, and not carried out" in text_of(dpo.get(path))
    assert "not carried out" in text_of(dpo.get(LIST))
    assert "needed while a case is open" in text_of(dpo.get(path))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"person": "", "reason": "x"}, "required"),
        ({"person": JANE, "reason": " "}, "required"),
        ({"person": "\0", "reason": "x"}, "Null characters"),
        ({"person": "x" * 400, "reason": "x"}, "at most 320"),
        ({"person": "<>", "reason": "x"}, "Expected an address or a name"),
    ],
    ids=str,
)
def test_an_erasure_that_cannot_be_asked_says_why(
    scene: Scene, typed: dict[str, str], told: str
) -> None:
    assert told in text_of(as_custodian(scene.anna).post(ERASURE, typed), 400)


@pytest.mark.parametrize("role", [Role.HR_MANAGER, Role.AUDITOR, Role.ADMIN, Role.USER])
def test_nobody_else_asks_for_an_erasure(scene: Scene, role: Role) -> None:
    client = signed_in(a_user(role, scene.home))
    assert client.get(ERASURE).status_code == 404
    assert client.post(ERASURE, {"person": JANE, "reason": "x"}).status_code == 404


def test_whoever_asked_for_an_erasure_does_not_decide_it(scene: Scene) -> None:
    client = as_custodian(scene.anna)
    page = client.post(ERASURE, {"person": JANE, "reason": "She asked."}, follow=True)
    assert "Waiting for two custodians" in text_of(page)
    assert "Approve with" not in text_of(page)
    body = {"do": "deny", "why": "no"}
    assert "Nobody decides a request of their own" in text_of(
        client.post(page.redirect_chain[-1][0], body), 403
    )


# --- who else ----------------------------------------------------------------------------------


def test_a_leaver_is_nobody(scene: Scene) -> None:
    request, client = scene.reveal(), as_custodian(scene.anna)
    with setting_the_scene():
        User.objects.filter(pk=scene.anna.user.pk).update(is_active=False)
    for path in (LIST, page_of(request), PASSKEYS, ERASURE):
        assert client.get(path).status_code in (302, 404)


def test_nobody_is_led_to_the_sign_in_form() -> None:
    for path in (LIST, page_of(str(uuid4())), PASSKEYS, f"{PASSKEYS}{uuid4()}/", ERASURE):
        answer = Client().get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in/?next=/cases/")


def test_no_page_forbids_passkeys(scene: Scene) -> None:
    page = as_custodian(scene.anna).get(page_of(scene.reveal()))
    assert "publickey" not in page["Permissions-Policy"]
