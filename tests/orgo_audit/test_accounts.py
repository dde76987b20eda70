"""People, organizations and tokens, as the operator makes them by command."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from logs.record.access import readable
from logs.record.vocabulary import LogType
from orgo_audit.accounts import people, tokens
from orgo_audit.accounts.models import Membership, Organization, Role, Scope, ServiceToken, User
from orgo_audit.errors import Conflict, NotFound
from orgo_audit.periods import Period
from tests.builders import PASSWORD, a_token, a_user, an_organization
from tests.commands import refused, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ORGO_PASSWORD", PASSWORD)
    return PASSWORD


@pytest.fixture
def organization() -> Organization:
    return an_organization("north")


def test_a_password_in_a_file_ends_where_its_line_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, organization: Organization
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("ORGO_PASSWORD_FILE", str(file))
    run("create_user", "anna", "--role", "admin", "--organization", "north")
    assert User.objects.get(username="anna").check_password(PASSWORD)


# --- organizations ------------------------------------------------------------------------------


def test_a_new_organizations_admin_reads_at_once(password: str) -> None:
    run("create_organization", "north")
    run("create_user", "anna", "--role", "admin", "--organization", "north")
    organization = Organization.objects.get(slug="north")
    assert readable(User.objects.get(username="anna")) == {organization: frozenset(LogType)}


def test_an_organization_is_made_once(organization: Organization) -> None:
    assert "exists already" in refused("create_organization", "north")


@pytest.mark.parametrize(
    "slug", ["", "no rth", "nörth", "a/b", "a:b", "x" * 64, "x" * 300, "North", "_north", "-north"]
)
def test_a_slug_is_one_that_the_policy_can_name(slug: str) -> None:
    refused("create_organization", "--", slug) if slug.startswith("-") else refused(
        "create_organization", slug
    )
    assert not Organization.objects.filter(slug=slug).exists()


# --- people -------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_a_person_is_made_with_a_role_and_can_sign_in(
    organization: Organization, password: str, role: Role
) -> None:
    run("create_user", "anna", "--role", role.value, "--organization", "north")
    user = User.objects.get(username="anna")
    assert user.check_password(password)
    assert people.organizations_with_role(user, role) == [organization]
    assert not user.is_superuser
    assert not user.is_staff


def test_a_password_is_kept_as_argon2_and_printed_nowhere(
    organization: Organization, password: str
) -> None:
    printed = run("create_user", "anna", "--role", "user", "--organization", "north")
    assert password not in printed
    assert User.objects.get(username="anna").password.startswith("argon2")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["anna", "--role", "boss", "--organization", "north"], "boss"),
        (["anna", "--role", "user", "--organization", "south"], "south"),
        (["anna", "--role", "user"], "--organization"),
        (["anna", "--organization", "north"], "--role"),
        (["x" * 151, "--role", "user", "--organization", "north"], "150"),
        (["", "--role", "user", "--organization", "north"], "name"),
        (["service:router", "--role", "user", "--organization", "north"], "name"),
        (["system:portal", "--role", "user", "--organization", "north"], "name"),
        (["an na\n", "--role", "user", "--organization", "north"], "name"),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.usefixtures("organization", "password")
def test_a_person_that_cannot_be_made_is_told_why(words: list[str], told: str) -> None:
    assert told in refused("create_user", *words)
    assert not User.objects.exists()


@pytest.mark.parametrize("weak", ["short", "12345678901234", "password123", "anna-anna"])
@pytest.mark.usefixtures("organization")
def test_a_weak_password_is_refused(monkeypatch: pytest.MonkeyPatch, weak: str) -> None:
    monkeypatch.setenv("ORGO_PASSWORD", weak)
    refused("create_user", "anna-anna", "--role", "user", "--organization", "north")
    assert not User.objects.exists()


@pytest.mark.usefixtures("organization", "password")
def test_a_name_is_given_once() -> None:
    run("create_user", "anna", "--role", "user", "--organization", "north")
    assert "anna" in refused("create_user", "anna", "--role", "admin", "--organization", "north")
    assert Membership.objects.count() == 1


@pytest.mark.parametrize("roles", [(Role.ADMIN, Role.HR_MANAGER), (Role.HR_MANAGER, Role.ADMIN)])
def test_nobody_is_admin_and_hr_manager_of_one_organization(
    organization: Organization, roles: tuple[Role, Role]
) -> None:
    user = a_user(roles[0], organization)
    with pytest.raises(Conflict, match="admin and hr_manager"):
        people.give_role(user, roles[1], organization)
    assert [membership.role for membership in user.memberships.all()] == [roles[0]]
    assert not user.groups.filter(name=f"north:{roles[1].value}").exists()
    people.give_role(user, roles[1], an_organization("south"))
    people.give_role(user, Role.AUDITOR, organization)


def test_the_database_holds_that_rule_by_itself(organization: Organization) -> None:
    user = a_user(Role.ADMIN, organization)
    for role in (Role.HR_MANAGER, Role.ADMIN, "boss"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.create(user=user, organization=organization, role=role)


def test_giving_a_role_twice_changes_nothing(organization: Organization) -> None:
    user = a_user(Role.AUDITOR, organization)
    people.give_role(user, Role.AUDITOR, organization)
    assert user.memberships.count() == 1


def test_a_leaver_has_no_role(organization: Organization) -> None:
    user = a_user(Role.ADMIN, organization)
    user.is_active = False
    assert people.organizations_with_role(user, Role.ADMIN) == []


def test_a_token_and_a_stranger_have_no_role(organization: Organization) -> None:
    a_token(organization)
    for nobody in (ServiceToken.objects.get(), AnonymousUser()):
        assert people.organizations_with_role(nobody, *Role) == []


def test_an_unknown_organization_is_told_with_the_known_ones(organization: Organization) -> None:
    with pytest.raises(NotFound, match="north"):
        people.get_organization("nowhere")


# --- tokens -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("organization")
def test_a_token_stands_alone_on_stdout_and_is_kept_as_a_digest(
    capfd: pytest.CaptureFixture[str],
) -> None:
    call_command("create_token", "router", "--organization", "north", "--scope", "ingest,read")
    printed = capfd.readouterr()
    assert printed.err == ""
    assert re.fullmatch(r"orgo_[\w-]{43}\n", printed.out)
    text = printed.out.strip()
    (token,) = ServiceToken.objects.all()
    assert bytes(token.digest) == hashlib.sha256(text.encode()).digest()
    assert text not in str(ServiceToken.objects.values().get())
    assert (token.name, token.scopes) == ("router", ["ingest", "read"])
    assert tokens.find_token(text) == token


@pytest.mark.parametrize(
    ("expires", "period"),
    [
        ([], Period(90, "day")),
        (["--expires", "90d"], Period(90, "day")),
        (["--expires", "12h"], Period(12, "hour")),
        (["--expires", "8w"], Period(8, "week")),
        (["--expires", "6 months"], Period(6, "month")),
        (["--expires", "1 year"], Period(1, "year")),
    ],
    ids=str,
)
@pytest.mark.usefixtures("organization")
def test_a_token_expires_when_it_was_said(expires: list[str], period: Period) -> None:
    before = timezone.now()
    run("create_token", "router", "--organization", "north", "--scope", "ingest", *expires)
    (token,) = ServiceToken.objects.all()
    assert period.after(before) <= token.expires_at <= period.after(timezone.now())


@pytest.mark.parametrize(
    "words",
    [
        ["router", "--organization", "north", "--scope", "admin"],
        ["router", "--organization", "north", "--scope", ""],
        ["router", "--organization", "north", "--scope", "ingest, read"],
        ["router", "--organization", "north", "--scope", "ingest", "--expires", "0d"],
        ["router", "--organization", "north", "--scope", "ingest", "--expires", "-1d"],
        ["router", "--organization", "north", "--scope", "ingest", "--expires", "never"],
        ["router", "--organization", "north", "--scope", "ingest", "--expires", "9999999d"],
        ["router", "--organization", "south", "--scope", "ingest"],
        ["router", "--organization", "north"],
        ["router", "--scope", "ingest"],
        ["", "--organization", "north", "--scope", "ingest"],
        ["x" * 101, "--organization", "north", "--scope", "ingest"],
        ["portal", "--organization", "north", "--scope", "ingest"],
    ],
    ids=lambda words: " ".join(words)[:60],
)
@pytest.mark.usefixtures("organization")
def test_a_token_that_cannot_be_made_is_refused_without_printing_one(words: list[str]) -> None:
    refused("create_token", *words)
    assert not ServiceToken.objects.exists()


def test_two_tokens_are_never_alike(organization: Organization) -> None:
    assert len({a_token(organization) for _ in range(20)}) == 20


@pytest.mark.parametrize("fault", ["expired", "revoked", "another", "empty"])
def test_a_token_that_does_not_hold_is_not_found(organization: Organization, fault: str) -> None:
    life = timedelta(0) if fault == "expired" else timedelta(days=1)
    text = a_token(organization, Scope.READ, lives=life)
    if fault == "revoked":
        ServiceToken.objects.update(revoked_at=timezone.now())
    asked = {"another": text + "x", "empty": ""}.get(fault, text)
    assert tokens.find_token(asked) is None


def test_a_use_is_noted_every_ten_minutes(organization: Organization) -> None:
    text = a_token(organization)

    def last_use() -> datetime | None:
        tokens.find_token(text)
        return ServiceToken.objects.get().last_used_at

    first = last_use()
    assert first is not None
    assert last_use() == first
    ServiceToken.objects.update(last_used_at=first - timedelta(minutes=11))
    later = last_use()
    assert later is not None
    assert later >= first
