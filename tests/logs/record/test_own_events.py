"""The portal records its readers, refusals and sign-ins: once, without what must not be kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from logs.record import ingest, own_events
from logs.record.access import Viewer
from logs.record.models import Event, ReadMark
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope
from orgo_audit.accounts.people import give_role
from orgo_audit.policy import versions
from orgo_audit.policy.schema import Policy, SensitiveWorkflow
from tests.builders import (
    API,
    PASSWORD,
    PATH_OF,
    Caller,
    Service,
    Vault,
    a_user,
    an_event,
    an_organization,
    setting_the_scene,
    wire_event,
)

pytestmark = pytest.mark.django_db

ACTIVITY = PATH_OF[LogType.ACTIVITY]
ADDRESS = "127.0.0.1"


@pytest.fixture
def organization() -> Organization:
    """The portal's own: the oldest of all."""
    organization = an_organization()
    assert not Organization.objects.filter(pk__lt=organization.pk).exists()
    return organization


def own(organization: Organization, action: str | None = None) -> list[Event]:
    events = Event.objects.filter(organization=organization, source="portal").order_by("pk")
    return list(events if action is None else events.filter(action=action))


def looks(organization: Organization) -> list[Event]:
    return own(organization, "Logs Viewed")


def pass_time(span: timedelta) -> None:
    with setting_the_scene():
        ReadMark.objects.update(recorded_at=F("recorded_at") - span)


def raw_text_of_everything(organization: Organization) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e::text FROM event AS e WHERE organization_id = %s", [organization.pk]
        )
        return "\n".join(row[0] for row in cursor.fetchall())


# --- reads --------------------------------------------------------------------------------------


def test_a_look_is_a_security_event_of_the_portal(organization: Organization) -> None:
    service = Service(organization, Scope.READ)
    service.get(ACTIVITY, {"task_id": "T-1", "since": "2024-11-24T10:00:00+01:00"})
    (look,) = looks(organization)
    assert (look.log_type, look.code, look.actor) == (
        "security",
        "logs.viewed",
        "service:email_parser",
    )
    assert look.ip_address == ADDRESS
    assert look.details == {
        "read": "activity_logs",
        "filters": {"task_id": "T-1", "since": "2024-11-24T09:00:00Z"},
    }


def test_a_persons_look_names_the_person(organization: Organization) -> None:
    Caller(user=a_user(Role.ADMIN, organization, "anna")).get(ACTIVITY)
    assert [look.actor for look in looks(organization)] == ["anna"]


def test_pages_of_one_query_are_one_look(organization: Organization) -> None:
    service = Service(organization, Scope.READ)
    for _ in range(3):
        an_event(organization)
    answer = service.get(ACTIVITY, {"page_size": 1})
    service.client.get(answer.json["next"], headers=service.own_headers)
    service.get(ACTIVITY)
    assert len(looks(organization)) == 1


@pytest.mark.parametrize(
    ("span", "count"),
    [(timedelta(minutes=9, seconds=50), 1), (timedelta(minutes=10, seconds=1), 2)],
)
def test_the_same_look_is_told_again_after_ten_minutes(
    organization: Organization, span: timedelta, count: int
) -> None:
    service = Service(organization, Scope.READ)
    service.get(ACTIVITY)
    pass_time(span)
    service.get(ACTIVITY)
    service.get(ACTIVITY)
    assert len(looks(organization)) == count


def test_another_viewer_and_another_query_are_other_looks(organization: Organization) -> None:
    service = Service(organization, Scope.READ)
    service.get(ACTIVITY)
    service.get(ACTIVITY, {"status": "Success"})
    service.get(ACTIVITY, {"status": "Failed"})
    service.get(PATH_OF[LogType.ERROR])
    service.get(f"{API}/logs/")
    Service(organization, Scope.READ, name="other").get(ACTIVITY)
    assert len(looks(organization)) == 6


def test_the_order_of_parameters_makes_no_other_look(organization: Organization) -> None:
    service = Service(organization, Scope.READ)
    service.get(f"{ACTIVITY}?status=a&user=b")
    service.get(f"{ACTIVITY}?user=b&status=a")
    assert len(looks(organization)) == 1


def test_one_event_and_one_trace_are_looks(organization: Organization) -> None:
    event = an_event(organization, task_id="T-1")
    service = Service(organization, Scope.READ)
    service.get(f"{ACTIVITY}{event.pk}/")
    service.get(f"{API}/traces/T-1/")
    told = [look.details for look in looks(organization)]
    assert told == [
        {"read": f"activity event {event.pk}"},
        {"read": "trace", "filters": {"task_id": "T-1"}},
    ]


def test_a_look_at_several_organizations_is_told_in_each(organization: Organization) -> None:
    other, third = an_organization(), an_organization()
    admin = a_user(Role.ADMIN, organization)
    with setting_the_scene():
        give_role(admin, Role.ADMIN, other)
    Caller(user=admin).get(ACTIVITY)
    assert [len(looks(each)) for each in (organization, other, third)] == [1, 1, 0]


@pytest.mark.parametrize(
    ("query", "secret"),
    [
        ({"task_id": "T-secret"}, "T-secret"),
        ({"email_id": "M-secret"}, "M-secret"),
        ({"to": "harassment@organization.com"}, "harassment@"),
        ({"action": "Report Filed"}, "Report Filed"),
        ({"user": "x@y.z", "task_id": "T-secret"}, "x@y.z"),
    ],
    ids=str,
)
def test_a_filter_that_names_something_sensitive_is_withheld(
    organization: Organization, settings: Settings, query: dict[str, str], secret: str
) -> None:
    settings.ORGO_VAULT_PUBLIC_KEY = Vault().public_key_pem
    service = Service(organization)
    service.deliver(wire_event(action="Report Filed", task_id="T-secret", email_id="M-secret"))
    assert service.get(ACTIVITY, query).status == 200
    (look,) = looks(organization)
    assert set(look.details["filters"].values()) == {"withheld"}
    assert secret not in raw_text_of_everything(organization)


def test_the_trace_of_a_sensitive_task_is_404_and_its_name_is_withheld(
    organization: Organization, settings: Settings
) -> None:
    settings.ORGO_VAULT_PUBLIC_KEY = Vault().public_key_pem
    service = Service(organization)
    service.deliver(wire_event(action="Report Filed", task_id="T-secret"))
    assert service.get(f"{API}/traces/T-secret/").status == 404
    admin = Caller(user=a_user(Role.ADMIN, organization))
    assert admin.get("/admin/logs/activitylog/trace/T-secret/").status == 404
    assert "T-secret" not in raw_text_of_everything(organization)


def test_a_policy_that_lists_the_portals_acts_hides_none_of_them(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = SensitiveWorkflow(actions=("Logs Viewed", "Hold Placed"), identity_fields=("hold",))
    # No file may say so (`contradictions.py`).
    policy = Policy(sensitive_workflows={"harassment": listed})
    monkeypatch.setattr(versions, "current", lambda: policy)
    viewer = Viewer(a_user(Role.ADMIN, organization))
    own_events.report_read(viewer, [organization], "activity_logs", {})
    own_events.report_administration("Hold Placed", organization, "anna", {"hold": "1"})
    assert len(looks(organization)) == len(own(organization, "Hold Placed")) == 1


def test_no_login_puts_off_what_is_told_of_it(organization: Organization) -> None:
    viewer = Viewer(a_user(Role.ADMIN, organization))
    own_events.report_read(viewer, [organization], "x", {})
    ReadMark.objects.update(recorded_at=timezone.now() + timedelta(days=365))
    assert not ReadMark.objects.filter(recorded_at__gt=timezone.now()).exists()


def test_what_cannot_be_put_on_record_is_not_shown(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no record")

    service = Service(organization, Scope.READ)
    monkeypatch.setattr(ingest, "record", fail)
    with pytest.raises(OSError, match="no record"):
        service.get(ACTIVITY)


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caller", "method", "path", "actor"),
    [
        (lambda o: Caller(), "GET", ACTIVITY, None),
        (lambda o: Caller(token="wrong"), "GET", ACTIVITY, None),
        (lambda o: Caller(user=a_user(Role.USER, o, "uwe")), "GET", ACTIVITY, "uwe"),
        (lambda o: Caller(user=a_user(Role.HR_MANAGER, o, "uwe")), "GET", ACTIVITY, "uwe"),
        (lambda o: Caller(user=a_user(Role.ADMIN, o, "anna")), "POST", ACTIVITY, "anna"),
        (lambda o: Service(o, Scope.INGEST), "GET", ACTIVITY, "service:email_parser"),
        (lambda o: Service(o, Scope.READ), "POST", ACTIVITY, "service:email_parser"),
        (lambda o: Caller(user=a_user(Role.USER, o, "uwe")), "GET", "/admin/", "uwe"),
        (lambda o: Caller(user=a_user(Role.AUDITOR, o, "uwe")), "GET", "/admin/logs/", "uwe"),
    ],
)
def test_a_refusal_is_a_security_event(
    organization: Organization,
    caller: Callable[[Organization], Caller],
    method: str,
    path: str,
    actor: str | None,
) -> None:
    refused = caller(organization)
    for _ in range(3):
        assert refused.call(method, path, {}).status in (401, 403, 404)
    (event,) = own(organization, "Access Denied")
    assert (event.log_type, event.outcome, event.actor) == ("security", "denied", actor)
    assert event.ip_address == ADDRESS
    assert method in event.details["refused"]


def test_a_refusal_is_told_again_after_ten_minutes(organization: Organization) -> None:
    Caller().get(ACTIVITY)
    pass_time(timedelta(minutes=10, seconds=1))
    Caller().get(ACTIVITY)
    assert len(own(organization, "Access Denied")) == 2


def test_invented_methods_and_addresses_do_not_fill_the_record(organization: Organization) -> None:
    for number in range(20):
        Caller().call(f"X{number}", ACTIVITY)
        Caller().get(f"{ACTIVITY}invented-{number}/")
    assert len(own(organization, "Access Denied")) <= 4


def test_invented_methods_at_a_form_do_not_fill_the_record_either(
    organization: Organization,
) -> None:
    nobody = Caller()
    nobody.client.handler.enforce_csrf_checks = True
    for number in range(20):
        assert nobody.call(f"X{number}", "/sign-in/").status == 403
    assert len(own(organization, "Access Denied")) <= 2


@pytest.mark.parametrize(
    "path",
    [
        "/admin/logs/activitylog/trace/T-secret/",
        "/admin/logs/activitylog/trace/%00/",
        f"/admin/logs/activitylog/trace/{'x' * 5000}/",
        "/admin/logs/activitylog/trace/harassment@organization.com/",
    ],
    ids=lambda path: path[:45],
)
def test_a_refused_page_is_told_by_its_pattern_not_by_what_was_typed(
    organization: Organization, settings: Settings, path: str
) -> None:
    settings.ORGO_VAULT_PUBLIC_KEY = Vault().public_key_pem
    stranger = Caller(user=a_user(Role.USER, organization))
    assert stranger.get(path).status == 404
    (event,) = own(organization, "Access Denied")
    assert "T-secret" not in str(event.details)
    assert len(str(event.details)) < 500


def test_a_token_of_another_organization_is_told_there(organization: Organization) -> None:
    other = an_organization()
    Service(other, Scope.INGEST).get(ACTIVITY)
    assert len(own(other, "Access Denied")) == 1
    assert own(organization, "Access Denied") == []


# --- sign-in ------------------------------------------------------------------------------------


def sign_in(name: str, password: str = PASSWORD) -> Client:
    client = Client()
    client.post("/sign-in/", {"username": name, "password": password})
    return client


def test_a_sign_in_and_a_sign_out_are_events(organization: Organization) -> None:
    a_user(Role.ADMIN, organization, "anna", signs_in=True)
    client = sign_in("anna")
    assert client.session.get("_auth_user_id")
    client.post("/sign-out/")
    told = [(event.action, event.outcome, event.actor) for event in own(organization)]
    assert told == [("Login", "success", "anna"), ("Logout", "success", "anna")]
    assert {event.ip_address for event in own(organization)} == {ADDRESS}


def test_a_sign_in_is_told_in_every_organization_of_the_person(organization: Organization) -> None:
    other, third = an_organization(), an_organization()
    user = a_user(Role.ADMIN, organization, "anna")
    with setting_the_scene():
        give_role(user, Role.USER, other)
    Caller(user=user)
    assert [len(own(each, "Login")) for each in (organization, other, third)] == [1, 1, 0]


def test_a_failed_sign_in_of_a_known_person_names_the_person(organization: Organization) -> None:
    a_user(Role.ADMIN, organization, "anna", signs_in=True)
    for _ in range(2):
        sign_in("anna", "wrong password, planted")
    failed = own(organization, "Failed Login Attempt")
    assert [(event.outcome, event.actor) for event in failed] == [("failure", "anna")] * 2
    assert "planted" not in raw_text_of_everything(organization)


@pytest.mark.parametrize(
    "name", ["hunter2-my-password", "jane.roe@organization.com", "ünïcödé" * 20]
)
def test_an_unknown_name_is_nowhere_in_clear(
    organization: Organization, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    sign_in(name)
    (failed,) = own(organization, "Failed Login Attempt")
    assert (failed.outcome, failed.actor) == ("failure", None)
    assert name not in raw_text_of_everything(organization)
    assert name not in caplog.text


def test_the_same_unknown_name_is_recognised(organization: Organization) -> None:
    for name in ("nobody", "nobody", "no one"):
        sign_in(name)
    digests = [event.details["unknown_user"] for event in own(organization, "Failed Login Attempt")]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("name", ["", "x" * 151, "a\0b"])
def test_what_can_be_no_name_is_answered_by_the_form(organization: Organization, name: str) -> None:
    answer = Client().post("/sign-in/", {"username": name, "password": PASSWORD})
    assert answer.status_code == 200


def test_a_leaver_cannot_sign_in(organization: Organization) -> None:
    user = a_user(Role.ADMIN, organization, "anna", signs_in=True)
    with setting_the_scene():
        user.is_active = False
        user.save()
    assert not sign_in("anna").session.get("_auth_user_id")
    assert len(own(organization, "Failed Login Attempt")) == 1


def test_a_viewer_without_an_address_is_told_too(organization: Organization) -> None:
    own_events.report_read(Viewer(a_user(Role.ADMIN, organization)), [organization], "x", {})
    (look,) = looks(organization)
    assert look.ip_address is None


def test_a_look_that_could_not_be_recorded_is_recorded_at_the_next_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    organization = an_organization()
    viewer = Viewer(a_user(Role.ADMIN, organization))

    def broken(*_: object) -> None:
        raise DatabaseError

    with monkeypatch.context() as failing:
        failing.setattr(ingest, "record", broken)
        with pytest.raises(DatabaseError):
            own_events.report_read(viewer, [organization], "activity_logs", {})
    own_events.report_read(viewer, [organization], "activity_logs", {})
    assert Event.objects.filter(action="Logs Viewed", organization=organization).count() == 1


def test_a_page_that_this_admin_may_not_see_is_a_recorded_404(
    organization: Organization, client: Client
) -> None:
    other = an_organization()
    client.force_login(a_user(Role.ADMIN, other))
    assert client.get("/admin/policy/policyversion/").status_code == 404
    (denied,) = own(other, "Access Denied")
    assert denied.details == {"refused": "GET /admin/policy/policyversion/", "why": "no role"}
