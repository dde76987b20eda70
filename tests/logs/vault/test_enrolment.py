"""A passkey is a custodian's once it has proven itself and somebody else has confirmed it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.management.base import CommandError
from django.utils import timezone

from logs.cases import errands
from logs.cases.models import CustodianPasskey, Look, LookedAt, Notice, PasskeyState
from logs.vault import deciding
from logs.vault.models import VaultPasskey
from logs.vault.petitions import OPEN_FOR
from orgo_audit.accounts.models import Organization, Role, User
from orgo_audit.accounts.people import take_role
from orgo_audit.errors import BadInput, Conflict, NotAllowed, NotFound, OrgoError
from tests.authenticator import base64url
from tests.builders import a_user, an_organization, setting_the_scene
from tests.commands import refused, run
from tests.custodians import Custodian, a_custodian, confirm
from tests.logs.portal.desk import Desk
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

UNKNOWN = "00000000-0000-4000-8000-000000000000"
pytestmark = pytest.mark.django_db


@pytest.fixture
def home(vault_at_hand: VaultAtHand) -> Organization:
    return an_organization()


def state_of(passkey: str) -> str:
    with the_vaults_rights():
        return CustodianPasskey.objects.get(pk=passkey).state


def code_of(custodian: Custodian, kind: str, **body: Any) -> str:
    """Why it was refused."""
    with pytest.raises(OrgoError) as refusal:
        custodian.ask(kind, **body)
    return refusal.value.code


def confirmed_by(custodian: Custodian, passkey: str) -> dict[str, Any]:
    """With a signature over what the first step shows."""
    signed = custodian.browser.get(custodian.ask("enrol_confirm", id=passkey)["options"])
    return custodian.ask("enrol_confirm", id=passkey, assertion=signed)


def test_a_new_passkey_is_proven_and_then_confirmed_by_another_custodian(
    home: Organization,
) -> None:
    anna, ben = a_custodian(home), a_custodian(home, "ben", ready=False)
    begun = ben.ask("enrol_begin", name="ben's key")
    passkey = begun["id"]
    assert state_of(passkey) == PasskeyState.PENDING
    finished = ben.ask("enrol_finish", id=passkey, response=ben.browser.create(begun["options"]))
    signed = ben.browser.get(finished["options"])
    assert ben.ask("enrol_prove", id=passkey, assertion=signed) == {"state": "proven"}
    told = anna.ask("enrol_confirm", id=passkey)
    assert (told["user"], told["fingerprint"]) == ("ben", finished["fingerprint"])
    assert state_of(passkey) == PasskeyState.PROVEN
    assert confirmed_by(anna, passkey) == {"state": "confirmed"}
    with the_vaults_rights():
        shown = CustodianPasskey.objects.get(pk=passkey)
    assert (shown.state, shown.name, shown.fingerprint, shown.confirmed_by) == (
        "confirmed",
        "ben's key",
        finished["fingerprint"],
        anna.user.username,
    )


def test_nobody_confirms_a_passkey_of_their_own(home: Organization) -> None:
    anna = a_custodian(home)
    second = anna.enrol("phone")
    with pytest.raises(NotAllowed) as refusal:
        anna.ask("enrol_confirm", id=second)
    assert refusal.value.code == "own_passkey"
    assert state_of(second) == PasskeyState.PROVEN


def test_whoever_has_no_confirmed_passkey_confirms_none(home: Organization) -> None:
    anna, ben = a_custodian(home, ready=False), a_custodian(home, ready=False)
    anna.enrol()
    assert code_of(anna, "enrol_confirm", id=ben.enrol()) == "no_passkey"


def test_an_unproven_passkey_is_not_confirmed(home: Organization) -> None:
    anna, ben = a_custodian(home), a_custodian(home, ready=False)
    begun = ben.ask("enrol_begin", name="key")
    ben.ask("enrol_finish", id=begun["id"], response=ben.browser.create(begun["options"]))
    assert code_of(anna, "enrol_confirm", id=begun["id"]) == "not_found"
    with pytest.raises(NotFound):
        confirm(begun["id"])


def test_the_proving_signature_does_not_confirm(home: Organization) -> None:
    anna, ben = a_custodian(home), a_custodian(home, ready=False)
    passkey = ben.enrol()
    options = anna.ask("enrol_confirm", id=passkey)["options"]
    stolen = ben.browser.get(options, next(iter(ben.browser.keys)))
    assert code_of(anna, "enrol_confirm", id=passkey, assertion=stolen) == "bad_assertion"
    assert state_of(passkey) == PasskeyState.PROVEN


def test_an_enrolment_is_finished_and_proven_by_who_began_it(home: Organization) -> None:
    anna, ben = a_custodian(home, ready=False), a_custodian(home, ready=False)
    begun = anna.ask("enrol_begin", name="key")
    made = anna.browser.create(begun["options"])
    assert code_of(ben, "enrol_finish", id=begun["id"], response=made) == "not_found"
    finished = anna.ask("enrol_finish", id=begun["id"], response=made)
    signed = anna.browser.get(finished["options"])
    assert code_of(ben, "enrol_prove", id=begun["id"], assertion=signed) == "not_found"


def test_a_registration_serves_for_its_own_enrolment_only(home: Organization) -> None:
    anna = a_custodian(home, ready=False)
    first, second = (anna.ask("enrol_begin", name="key") for _ in range(2))
    made = anna.browser.create(first["options"])
    assert code_of(anna, "enrol_finish", id=second["id"], response=made) == "bad_registration"
    anna.ask("enrol_finish", id=first["id"], response=made)
    assert code_of(anna, "enrol_finish", id=first["id"], response=made) == "not_found"


def test_one_passkey_is_enrolled_once(home: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, ben = a_custodian(home), a_custodian(home, ready=False)
    (known,) = anna.browser.keys
    begun = anna.ask("enrol_begin", name="key")
    assert [each["id"] for each in begun["options"]["excludeCredentials"]] == [base64url(known)]
    begun = ben.ask("enrol_begin", name="key")
    with monkeypatch.context() as patched:
        patched.setattr("os.urandom", lambda size: known)
        made = ben.browser.create(begun["options"])
    assert code_of(ben, "enrol_finish", id=begun["id"], response=made) == "passkey_known"


@pytest.mark.parametrize("role", [Role.HR_MANAGER, Role.DPO, Role.AUDITOR, Role.ADMIN, Role.USER])
def test_only_custodians_enrol(home: Organization, role: Role) -> None:
    with pytest.raises(NotFound):
        errands.ask("enrol_begin", home, {"name": "key"}, by=a_user(role, home))


def test_a_custodian_of_another_organization_is_nobody_here(home: Organization) -> None:
    elsewhere = an_organization()
    stranger, anna = a_custodian(elsewhere), a_custodian(home, ready=False)
    passkey = anna.enrol()
    assert code_of(stranger, "enrol_confirm", id=passkey) == "not_found"
    stranger.organization = home
    assert code_of(stranger, "enrol_confirm", id=passkey) == "not_found"
    assert code_of(stranger, "revoke_passkey", id=passkey) == "not_found"


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\nb", "a\0b", 5, None, ["a"]])
def test_a_passkeys_name_is_short_and_printable(home: Organization, name: object) -> None:
    anna = a_custodian(home, ready=False)
    with pytest.raises(BadInput) as refusal:
        anna.ask("enrol_begin", name=name)
    assert refusal.value.path == "name"


@pytest.mark.parametrize("identifier", [None, "", "x", 5, [], UNKNOWN, "\0"])
@pytest.mark.parametrize("kind", ["enrol_finish", "enrol_prove", "enrol_confirm", "revoke_passkey"])
def test_what_names_no_passkey_is_not_found(
    home: Organization, kind: str, identifier: object
) -> None:
    assert code_of(a_custodian(home), kind, id=identifier) == "not_found"


@pytest.mark.parametrize("response", [None, 5, "x", [], {}, {"id": "\0"}])
def test_what_is_no_passkeys_answer_is_refused(home: Organization, response: object) -> None:
    anna = a_custodian(home)
    begun = anna.ask("enrol_begin", name="key")
    told = code_of(anna, "enrol_finish", id=begun["id"], response=response)
    assert told == "bad_registration"
    made = anna.browser.create(begun["options"])
    anna.ask("enrol_finish", id=begun["id"], response=made)
    assert code_of(anna, "enrol_prove", id=begun["id"], assertion=response) == "bad_assertion"


def test_a_custodian_has_ten_passkeys_at_most(home: Organization) -> None:
    anna = a_custodian(home, ready=False)
    begun = [anna.ask("enrol_begin", name="key")["id"] for _ in range(10)]
    with pytest.raises(Conflict) as refusal:
        anna.ask("enrol_begin", name="key")
    assert refusal.value.code == "too_many_passkeys"
    anna.ask("revoke_passkey", id=begun[0])
    assert anna.ask("enrol_begin", name="key")["id"] not in begun


def test_an_enrolment_ends_after_some_days(home: Organization) -> None:
    anna, ben = a_custodian(home), a_custodian(home, ready=False)
    passkey = ben.enrol()
    with time_machine.travel(timezone.now() + OPEN_FOR + timedelta(seconds=1)):
        assert code_of(anna, "enrol_confirm", id=passkey) == "enrolment_over"
        with the_vaults_rights():
            deciding.expire(timezone.now())
    assert state_of(passkey) == PasskeyState.REVOKED
    assert state_of(anna.passkeys[0]) == PasskeyState.CONFIRMED


def test_the_owner_or_another_custodian_revokes(home: Organization) -> None:
    anna, ben = a_custodian(home), a_custodian(home)
    assert anna.ask("revoke_passkey", id=ben.passkeys[0]) == {"state": "revoked"}
    assert anna.ask("revoke_passkey", id=anna.passkeys[0]) == {"state": "revoked"}
    assert state_of(ben.passkeys[0]) == state_of(anna.passkeys[0]) == PasskeyState.REVOKED


def test_a_former_custodian_still_revokes_what_was_theirs(home: Organization) -> None:
    anna, ben = a_custodian(home), a_custodian(home)
    with setting_the_scene():
        take_role(anna.user, Role.CUSTODIAN, home)
    assert code_of(anna, "revoke_passkey", id=ben.passkeys[0]) == "not_found"
    assert anna.ask("revoke_passkey", id=anna.passkeys[0]) == {"state": "revoked"}


def test_a_revoked_passkey_is_never_confirmed_again(home: Organization) -> None:
    anna, ben = a_custodian(home), a_custodian(home, ready=False)
    passkey = ben.enrol()
    ben.ask("revoke_passkey", id=passkey)
    assert code_of(anna, "enrol_confirm", id=passkey) == "enrolment_over"
    with pytest.raises(Conflict):
        confirm(passkey)


def test_a_passkey_that_sql_confirmed_signs_nothing(home: Organization) -> None:
    anna, ben = a_custodian(home, ready=False), a_custodian(home, ready=False)
    passkey, wanted = anna.enrol(), ben.enrol()
    with the_vaults_rights():
        VaultPasskey.objects.filter(pk=passkey).update(confirmed_at=timezone.now())
        CustodianPasskey.objects.filter(pk=passkey).update(state=PasskeyState.CONFIRMED)
    assert code_of(anna, "enrol_confirm", id=wanted) == "no_passkey"


def test_a_confirmed_passkey_cannot_be_given_to_another_by_sql(home: Organization) -> None:
    anna, ben = a_custodian(home), a_custodian(home, ready=False)
    wanted = ben.enrol()
    thief = a_custodian(home, ready=False)
    with the_vaults_rights():
        VaultPasskey.objects.filter(pk=anna.passkeys[0]).update(user_id=thief.user.pk)
    assert code_of(thief, "enrol_confirm", id=wanted) == "no_passkey"


# --- its trace ------------------------------------------------------------------------------------


def traces(home: Organization) -> list[tuple[int, str]]:
    """The passkeys' lines in the restricted access log, the oldest first."""
    with the_vaults_rights():
        looks = Look.objects.filter(organization=home, what=LookedAt.PASSKEY, case_code=None)
        return list(looks.order_by("pk").values_list("user", "purpose"))


def told(home: Organization) -> list[tuple[str, int]]:
    """The notices, and forgets them."""
    with setting_the_scene():
        notices = Notice.objects.filter(organization=home, case_code=None)
        found = sorted(notices.values_list("kind", "user"))
        notices.delete()
    return found


def test_each_change_is_in_the_access_log_and_told_to_overseers_and_owner(
    home: Organization,
) -> None:
    dpo, auditor = a_user(Role.DPO, home), a_user(Role.AUDITOR, home)
    for role in (Role.HR_MANAGER, Role.ADMIN):
        a_user(role, home)
    a_user(Role.DPO, an_organization())
    anna, ben = a_custodian(home), a_custodian(home, "ben", ready=False)
    before = len(traces(home))
    told(home)

    def for_all(kind: str, *others: User) -> list[tuple[str, int]]:
        return sorted((kind, user.pk) for user in (dpo, auditor, ben.user, *others))

    passkey = ben.enrol()
    assert told(home) == for_all("enrol_added")
    anna.ask("enrol_confirm", id=passkey)
    assert told(home) == []
    confirmed_by(anna, passkey)
    assert told(home) == for_all("enrol_confirmed")
    for _ in range(2):
        anna.ask("revoke_passkey", id=passkey)
    assert told(home) == for_all("enrol_revoked")
    assert traces(home)[before:] == [
        (ben.user.pk, "passkey of ben added"),
        (anna.user.pk, "passkey of ben confirmed"),
        (anna.user.pk, "passkey of ben revoked"),
    ]


def test_what_the_operator_confirms_says_so(home: Organization) -> None:
    anna = a_custodian(home, "anna", ready=False)
    passkey = anna.enrol()
    told(home)
    confirm(passkey)
    assert traces(home)[1:] == [(anna.user.pk, "passkey confirmed by system:test")]
    assert told(home) == [("enrol_confirmed", anna.user.pk)]


def test_what_was_refused_leaves_no_trace_of_a_change(home: Organization) -> None:
    anna, ben = a_custodian(home), a_custodian(home, ready=False)
    passkey = ben.enrol()
    before = traces(home), told(home)
    assert before[1]
    assert code_of(anna, "enrol_confirm", id=passkey, assertion={}) == "bad_assertion"
    assert code_of(ben, "enrol_prove", id=passkey, assertion={}) == "proven_already"
    assert code_of(anna, "revoke_passkey", id=UNKNOWN) == "not_found"
    assert (traces(home), told(home)) == (before[0], [])


def test_what_never_proved_itself_comes_and_goes_without_a_trace(home: Organization) -> None:
    anna = a_custodian(home, ready=False)
    begun = [anna.ask("enrol_begin", name="key") for _ in range(2)]
    made = anna.browser.create(begun[1]["options"])
    anna.ask("enrol_finish", id=begun[1]["id"], response=made)
    for each in begun:
        anna.ask("revoke_passkey", id=each["id"])
    assert (traces(home), told(home)) == ([], [])


def test_a_passkey_that_nobody_confirmed_in_time_is_told(home: Organization) -> None:
    anna = a_custodian(home, ready=False)
    anna.enrol()
    before = traces(home), told(home)
    with the_vaults_rights():
        for _ in range(2):
            deciding.expire(timezone.now() + OPEN_FOR + timedelta(seconds=1))
    assert (traces(home), told(home)) == (before[0], [("enrol_expired", anna.user.pk)])


def test_overseers_see_the_change_on_the_page_of_the_access_log(home: Organization) -> None:
    anna, ben = (a_custodian(home, name, ready=False) for name in ("anna", "ben"))
    confirm(anna.enrol())
    confirmed_by(anna, ben.enrol())
    page = Desk(home, Role.DPO).page("/cases/access-log/")
    assert "anna passkey changed passkey of ben confirmed" in page
    assert "anna passkey changed passkey confirmed by system:test" in page


def test_the_longest_names_fit_into_the_line(home: Organization) -> None:
    anna = a_custodian(home)
    ben = a_custodian(home, "b" * 150, ready=False)
    assert confirmed_by(anna, ben.enrol()) == {"state": "confirmed"}
    assert traces(home)[-1] == (anna.user.pk, f"passkey of {'b' * 150} confirmed")


# --- the command ----------------------------------------------------------------------------------


def lines(*words: str) -> list[str]:
    with the_vaults_rights():
        return run("confirm_custodian", *words).splitlines()


def fails(*words: str) -> None:
    with the_vaults_rights(), pytest.raises(CommandError):
        run("confirm_custodian", *words)


def test_the_operator_lists_what_waits_and_confirms_it(home: Organization) -> None:
    anna = a_custodian(home, "anna", ready=False)
    passkey = anna.enrol("blue key")
    with the_vaults_rights():
        fingerprint = CustodianPasskey.objects.get(pk=passkey).fingerprint
    told = [f"{passkey}  {home.slug}  anna  blue key", f"  {fingerprint}"]
    assert lines() == told
    assert lines(passkey, "--yes") == [*told, "confirmed"]
    assert lines() == ["no passkey waits for confirmation"]
    with the_vaults_rights():
        shown = CustodianPasskey.objects.get(pk=passkey)
    assert (shown.state, shown.confirmed_by[:7]) == ("confirmed", "system:")


@pytest.mark.parametrize(("typed", "state"), [("y", "confirmed"), ("n", "proven"), ("", "proven")])
def test_the_operator_is_asked_whether_the_fingerprint_is_the_same(
    home: Organization, monkeypatch: pytest.MonkeyPatch, typed: str, state: str
) -> None:
    passkey = a_custodian(home, ready=False).enrol()
    monkeypatch.setattr("builtins.input", lambda prompt: typed)
    if typed == "y":
        assert lines(passkey)[-1] == "confirmed"
    else:
        fails(passkey)
    assert state_of(passkey) == state


def test_the_operator_confirms_nothing_that_does_not_wait(home: Organization) -> None:
    anna = a_custodian(home)
    for identifier in (str(uuid4()), anna.passkeys[0]):
        with the_vaults_rights():
            assert "no such passkey" in refused("confirm_custodian", identifier, "--yes")


def test_a_former_custodians_passkey_is_not_confirmed(home: Organization) -> None:
    anna = a_custodian(home, ready=False)
    passkey = anna.enrol()
    with setting_the_scene():
        take_role(anna.user, Role.CUSTODIAN, home)
    fails(passkey, "--yes")
    with pytest.raises(NotFound):
        confirm(passkey)
    assert state_of(passkey) == PasskeyState.PROVEN
