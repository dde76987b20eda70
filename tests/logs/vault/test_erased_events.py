"""Two custodians' approval of an erasure carries the ordinary logs too; the certificate tells."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from logs.cases.models import ApprovalRequest, Case, CaseState
from logs.record import own_events
from logs.record.models import Event
from logs.record.vocabulary import LogType
from logs.retention import erasing, holds
from logs.retention.models import ErasurePlan, ErasureSought
from logs.vault import erasure
from logs.vault.models import Subject
from orgo_audit.accounts.models import Role
from orgo_audit.accounts.people import take_role
from tests.builders import a_user, setting_the_scene, stored, wire_event
from tests.logs.vault.erasing import certificate
from tests.logs.vault.scene import Scene, a_scene, shown
from tests.policies import in_force
from tests.retention import released
from tests.vault_at_hand import VaultAtHand, the_vaults_rights

pytestmark = pytest.mark.django_db

JANE = "jane.roe@organization.com"
HELD = (
    "kept under a legal hold (GDPR Art. 17(3)(e)); ask again once it is released and the notice"
    " is over"
)
SOON = "being erased; what went and what stays is told here soon"


@pytest.fixture
def scene(vault_at_hand: VaultAtHand) -> Scene:
    in_force('retention_policies: {activity_logs: "6 months"}')
    scene = a_scene(vault_at_hand)
    stored(scene.home, wire_event(user=JANE), wire_event(user="x"))
    return scene


def close() -> None:
    with the_vaults_rights():
        Case.objects.update(state=CaseState.CLOSED, closed_on=timezone.now().date())


def asked(scene: Scene, person: str = JANE) -> str:
    officer = a_user(Role.DPO, scene.home)
    return str(scene.ask("ask_erasure", officer, person=person, reason="a letter")["id"])


def granted(scene: Scene, person: str = JANE) -> str:
    request = asked(scene, person)
    scene.anna.approve(request)
    scene.ben.approve(request)
    return request


def work() -> None:
    """What the worker does every half minute, and the vault after it."""
    with setting_the_scene():
        erasing.run(timezone.now())
    with the_vaults_rights():
        erasure.tell_of_events()


def named() -> int:
    return Event.objects.filter(actor=JANE).count()


def test_the_approval_carries_the_ordinary_logs_and_the_certificate_tells(scene: Scene) -> None:
    close()
    request = asked(scene)
    work()
    assert (named(), certificate(shown(request))) == (1, {})
    scene.anna.approve(request)
    assert named() == 1
    scene.ben.approve(request)
    assert certificate(shown(request))["ordinary logs"] == SOON
    work()
    told = certificate(shown(request))
    assert told["ordinary logs"].startswith("1 erased; searched as they were at ")
    assert told["quarantine"].endswith("goes within 30 days")
    assert told["identity"] == "nothing left"
    assert named() == 0
    assert not ErasurePlan.objects.exists()
    assert set(Event.objects.exclude(source="portal").values_list("actor", flat=True)) == {"x"}


def test_it_says_what_stays_and_why(scene: Scene) -> None:
    in_force(f"organizations: {{{scene.home.slug}: {{regime: hipaa}}}}")
    stored(scene.home, wire_event(LogType.SECURITY, user=JANE), log_type=LogType.SECURITY)
    with setting_the_scene():
        own_events.report_administration("Hold Placed", scene.home, JANE, {})
    close()
    request = granted(scene)
    work()
    told = certificate(shown(request))
    assert told["ordinary logs"].startswith("1 erased")
    kept = told["ordinary logs that a regime wants kept"]
    assert kept == "1 left, for as long as it asks for"
    assert told["ordinary logs, the portal's own events"].startswith("1 left, for their period")
    assert "ordinary logs under a legal hold" not in told


def test_a_refused_erasure_leaves_the_ordinary_logs_alone(scene: Scene) -> None:
    request = granted(scene)
    assert shown(request).state == "denied"
    work()
    assert named() == 1
    nothing_is_kept_of_it()


@pytest.mark.parametrize("scope", ["case", "user"])
def test_a_legal_hold_keeps_the_person_and_their_case(scene: Scene, scope: str) -> None:
    close()
    place = {"case": str(scene.case.pk), "user": f"Jane Roe <{JANE}>"}[scope]
    with setting_the_scene():
        hold = holds.place(
            scene.home,
            matter="M-1",
            reason="a lawsuit",
            owner="Legal",
            scope_kind=scope,
            scope_value=place,
            by="anna",
            now=timezone.now(),
        )
    request = granted(scene)
    assert shown(request).state == "denied"
    assert certificate(shown(request)) == {"legal holds": HELD}
    work()
    assert named() == 1
    released(hold, timezone.now() - timedelta(days=3))
    assert shown(granted(scene)).state == "done"


def test_a_denied_or_withdrawn_request_keeps_nothing_of_the_person(scene: Scene) -> None:
    scene.anna.deny(asked(scene))
    officer = a_user(Role.DPO, scene.home)
    request = scene.ask("ask_erasure", officer, person=JANE, reason="a letter")["id"]
    scene.ask("withdraw", officer, id=request)
    nothing_is_kept_of_it()
    work()
    assert named() == 1


def nothing_is_kept_of_it() -> None:
    with the_vaults_rights():
        assert not ErasureSought.objects.exists()
        assert not ErasurePlan.objects.exists()


def test_another_request_for_the_same_person_ends_with_its_plan(scene: Scene) -> None:
    close()
    other, request = asked(scene), granted(scene)
    with the_vaults_rights():
        assert [plan.pk for plan in ErasurePlan.objects.all()] == [UUID(request)]
    work()
    assert shown(other).state == "withdrawn"


def test_a_name_in_one_case_is_not_looked_for_in_the_ordinary_logs(scene: Scene) -> None:
    close()
    stored(scene.home, wire_event(user="Jane Roe"))
    request = granted(scene, f"Jane Roe in {scene.case.pk}")
    work()
    assert certificate(shown(request))["ordinary logs"].startswith("not searched")
    assert Event.objects.filter(actor="Jane Roe").exists()


def test_the_vault_tells_the_worker_nothing_of_whom_it_knows(scene: Scene) -> None:
    """Someone unknown leaves the same rows."""
    asked(scene)
    asked(scene, "somebody.new@organization.com")
    with setting_the_scene():
        contents = [erasing._opened(plan) for plan in ErasurePlan.objects.order_by("asked_at")]
    assert sorted(contents) == [[JANE], ["somebody.new@organization.com"]]


def test_the_requests_page_tells_what_it_would_destroy(scene: Scene, client: Client) -> None:
    request = asked(scene)
    client.force_login(scene.anna.user)
    address = f"/cases/reveals/{request}/"
    assert b"being searched; ask again in a minute" in client.get(address).content
    work()
    assert b"1 to be erased" in client.get(address).content


# --- carried out after the answer ---------------------------------------------------------------


def test_one_that_fails_is_tried_again_and_stops_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    close()

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(erasure, "carry_out", fail)
        request = granted(scene)
        assert shown(request).state == "approved"
        assert shown(scene.granted()).state == "approved", "the vault answers all the same"
    with the_vaults_rights():
        assert erasure.carry_out_granted() == 1
    assert shown(request).state == "done"


def test_who_is_no_custodian_any_more_has_approved_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    close()
    with monkeypatch.context() as patched:
        patched.setattr(erasure, "_end_granted", lambda *_: None)
        request = granted(scene)
    with setting_the_scene():
        take_role(scene.ben.user, Role.CUSTODIAN, scene.home)
    with the_vaults_rights():
        assert erasure.carry_out_granted() == 1
    assert certificate(shown(request)) == {"approvals": "fewer than two count any more; ask again"}


def test_a_state_set_by_sql_carries_nothing_out(scene: Scene) -> None:
    close()
    request = asked(scene)
    with the_vaults_rights():
        ApprovalRequest.objects.filter(pk=request).update(state="approved")
        assert erasure.carry_out_granted() == 0
        assert Subject.objects.filter(erased_on=None).count() == 2
