"""Who may read what: roles, organizations, the policy's view lists; and who never may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from pytest_django import DjangoAssertNumQueries

from logs.record import access
from logs.record.access import Viewer, narrowed, readable
from logs.record.models import LogScope, LogScopeGroupGrant
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Membership, Role, Scope, ServiceToken, User
from orgo_audit.accounts.people import give_role
from orgo_audit.accounts.tokens import find_token
from orgo_audit.policy import versions
from orgo_audit.policy.loading import load_policy
from orgo_audit.policy.models import PolicyState, PolicyVersion
from orgo_audit.policy.schema import as_plain
from tests.builders import a_token, a_user, an_organization

pytestmark = pytest.mark.usefixtures("as_worker")

ALL = frozenset(LogType)
VIEWS = """
access_control:
  roles:
    admin: {{view: [{admin}]}}
    auditor: {{view: [{auditor}]}}
"""


@pytest.fixture(autouse=True)
def _no_policy_is_remembered() -> Iterator[None]:
    versions.forget_cache()
    yield
    versions.forget_cache()


def accept(text: str) -> None:
    now = datetime.now(UTC)
    PolicyVersion.objects.create(
        text=text,
        plain=as_plain(load_policy(text, name="test.yaml")),
        digest=f"{len(text):064d}",
        author="ops",
        loaded_at=now,
        decided_at=now,
        state=PolicyState.ACCEPTED,
    )
    versions.forget_cache()
    access.sync_grants()


# --- roles --------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role)
def test_only_admins_read_the_ordinary_logs(role: Role) -> None:
    organization = an_organization()
    expected = {organization: ALL} if role is Role.ADMIN else {}
    assert readable(a_user(role, organization)) == expected


@pytest.mark.django_db
def test_a_role_counts_in_its_own_organization_only() -> None:
    here, there = an_organization(), an_organization()
    user = a_user(Role.ADMIN, here)
    assert readable(user) == {here: ALL}
    give_role(user, Role.AUDITOR, there)
    assert readable(user) == {here: ALL}
    elsewhere = an_organization()
    give_role(user, Role.ADMIN, elsewhere)
    assert readable(User.objects.get(pk=user.pk)) == {here: ALL, elsewhere: ALL}


@pytest.mark.django_db
def test_nobody_reads_nothing() -> None:
    an_organization()
    assert readable(AnonymousUser()) == {}


@pytest.mark.django_db
def test_a_superuser_is_no_role() -> None:
    an_organization()
    assert readable(User.objects.create_superuser("root", password=None)) == {}


def test_a_global_permission_is_no_grant(committed: None) -> None:
    user = a_user(Role.USER, an_organization())
    permission = Permission.objects.get(
        content_type=ContentType.objects.get_for_model(LogScope), codename="view_logscope"
    )
    # None of our processes may give one; somebody with the owner's login could.
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_user_user_permissions (user_id, permission_id) VALUES (%s, %s)",
            [user.pk, permission.pk],
        )
    asked = User.objects.get(pk=user.pk)
    assert asked.has_perm("logs.view_logscope")
    assert readable(asked) == {}


@pytest.mark.django_db
def test_a_leaver_is_nobody() -> None:
    user = a_user(Role.ADMIN, an_organization())
    user.is_active = False
    user.save()
    assert readable(User.objects.get(pk=user.pk)) == {}


@pytest.mark.django_db
def test_whoever_lost_the_membership_lost_the_view() -> None:
    user = a_user(Role.ADMIN, an_organization())
    Membership.objects.filter(user=user).delete()
    assert readable(User.objects.get(pk=user.pk)) == {}


# --- tokens -------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("scopes", "reads"),
    [
        ([Scope.READ], True),
        ([Scope.INGEST, Scope.READ], True),
        ([Scope.INGEST], False),
        ([Scope.ALERTS], False),
    ],
    ids=str,
)
def test_a_token_reads_its_own_organization_if_it_has_the_scope(
    scopes: list[Scope], reads: bool
) -> None:
    organization = an_organization()
    an_organization()
    token = find_token(a_token(organization, *scopes))
    assert token is not None
    assert readable(token) == ({organization: ALL} if reads else {})


@pytest.mark.django_db
def test_the_record_tells_services_from_people() -> None:
    organization = an_organization()
    token = ServiceToken(organization=organization, name="router")
    assert Viewer(token).name == "service:router"
    assert Viewer(a_user(Role.ADMIN, organization, "anna")).name == "anna"


# --- the policy's view lists --------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("views", "reads"),
    [
        ("", set()),
        ("activity_logs", {LogType.ACTIVITY}),
        ("security_logs, error_logs", {LogType.SECURITY, LogType.ERROR}),
    ],
)
def test_a_role_reads_what_the_policy_lists(views: str, reads: set[LogType]) -> None:
    organization = an_organization()
    auditor = a_user(Role.AUDITOR, organization)
    accept(VIEWS.format(admin="activity_logs, security_logs, error_logs", auditor=views))
    assert readable(auditor) == ({organization: frozenset(reads)} if reads else {})


@pytest.mark.django_db
def test_what_the_policy_takes_away_is_gone_at_the_next_look() -> None:
    organization = an_organization()
    admin = a_user(Role.ADMIN, organization)
    accept(VIEWS.format(admin="error_logs", auditor=""))
    assert readable(admin) == {organization: frozenset({LogType.ERROR})}
    accept(VIEWS.format(admin="", auditor=""))
    assert readable(admin) == {}


@pytest.mark.django_db
def test_an_organizations_own_list_holds_there_alone() -> None:
    north, south = an_organization("north"), an_organization("south")
    in_north, in_south = a_user(Role.ADMIN, north), a_user(Role.ADMIN, south)
    accept(
        "organizations:\n  north:\n    access_control:\n      roles:\n"
        "        admin: {view: [activity_logs]}\n"
    )
    assert readable(in_north) == {north: frozenset({LogType.ACTIVITY})}
    assert readable(in_south) == {south: ALL}


@pytest.mark.django_db
def test_putting_grants_into_force_twice_changes_nothing() -> None:
    an_organization()
    assert access.sync_grants() == 0
    grants = LogScopeGroupGrant.objects.count()
    assert access.sync_grants() == 0
    assert LogScopeGroupGrant.objects.count() == grants


@pytest.mark.django_db
def test_the_hr_managers_view_is_granted_and_opens_no_ordinary_log() -> None:
    organization = an_organization()
    assert LogScope.objects.filter(
        organization=organization, view="anonymized_harassment_logs"
    ).exists()
    assert readable(a_user(Role.HR_MANAGER, organization)) == {}


@pytest.mark.django_db
def test_asking_costs_the_same_whatever_the_number_of_organizations(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    user = a_user(Role.ADMIN, an_organization())
    for _ in range(5):
        give_role(user, Role.ADMIN, an_organization())
    asked = User.objects.get(pk=user.pk)
    with django_assert_max_num_queries(6):
        assert len(readable(asked)) == 6


@pytest.mark.django_db
def test_narrowing_leaves_no_organization_without_a_log() -> None:
    here, there = an_organization(), an_organization()
    scopes = {here: ALL, there: frozenset({LogType.ERROR})}
    assert narrowed(scopes, [LogType.ACTIVITY]) == {here: frozenset({LogType.ACTIVITY})}
    assert narrowed(scopes, []) == {}


@pytest.mark.django_db
def test_whoever_was_admin_and_became_something_else_reads_no_more() -> None:
    organization = an_organization()
    user = a_user(Role.ADMIN, organization)
    give_role(user, Role.USER, organization)
    Membership.objects.filter(user=user, role=Role.ADMIN).delete()
    assert readable(User.objects.get(pk=user.pk)) == {}
