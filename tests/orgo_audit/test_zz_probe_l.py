from __future__ import annotations
import pytest
from django.test import Client
from axes.models import AccessAttempt
from logs.record.models import Event
from orgo_audit.accounts.models import Role
from tests.builders import PASSWORD, a_user, an_organization

pytestmark = pytest.mark.django_db

def post(name, password, address="192.0.2.1"):
    return Client().post("/sign-in/", {"username": name, "password": password}, REMOTE_ADDR=address).status_code

@pytest.fixture(autouse=True)
def fast(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

def test_a_insider_resets_the_count_of_another_account():
    o = an_organization("north"); a_user(Role.ADMIN, o, "anna"); a_user(Role.USER, o, "mallory")
    got = []
    for _ in range(4):
        got += [post("anna", "wrong") for _ in range(9)]
        post("mallory", PASSWORD)
    print("A", len(got), "wrong tries; statuses", sorted(set(got)))
    assert 429 in got

def test_b_name_with_spaces_is_attributed():
    o = an_organization("north"); a_user(Role.ADMIN, o, "anna")
    for n in range(10): post(" anna ", "wrong", f"198.51.100.{n}")
    print("B", [e.actor for e in Event.objects.filter(action="Sign-in Locked")], [e.actor for e in Event.objects.filter(action="Failed Login Attempt")][:2])
    assert [e.actor for e in Event.objects.filter(action="Sign-in Locked")] == ["anna"]

def test_c_force_login_and_authenticate_without_request():
    from django.contrib.auth import authenticate
    o = an_organization("north"); u = a_user(Role.ADMIN, o, "anna")
    c = Client(); c.force_login(u); assert c.get("/admin/").status_code == 200
    try: print("C", authenticate(username="anna", password=PASSWORD))
    except Exception as e: print("C raises", type(e).__name__, e)

def test_d_success_elsewhere_of_same_account_resets_own():
    o = an_organization("north"); a_user(Role.ADMIN, o, "anna")
    for n in range(9): post("anna", "wrong", f"198.51.100.{n}")
    assert post("anna", PASSWORD, "203.0.113.1") == 302
    print("D left", AccessAttempt.objects.count())
    print("D kept", list(AccessAttempt.objects.values())[:1])
