"""Who gets which answer at which address: one table, and every address of the portal is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from logs.record.models import Event
from logs.record.vocabulary import LogType
from orgo_audit import health
from orgo_audit.accounts.models import Organization, Role, Scope, User
from orgo_audit.policy.models import PolicyState, PolicyVersion
from tests.builders import (
    Caller,
    a_known_token,
    a_refused_item,
    a_token,
    a_user,
    an_event,
    an_organization,
    setting_the_scene,
    wire_event,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One address and method, and the status that each kind of caller gets."""

    route: str
    method: str
    path: str
    nobody: int
    without: int  # signed in, and without a role that opens this: superusers and leavers' heirs too
    admin: int
    elsewhere: int  # admin of another organization
    ingest: int
    read: int
    alerts: int


TRACE = "admin/logs/activitylog/trace/<path:task_id>/"
POLICY = "admin/policy/policyversion/"
VERSION = f"{POLICY}<int:version_id>/"
EVENT = "<uuid:event_id>/change/"
QUARANTINE = "admin/logs/quarantinedevent/"
REFUSED = f"{QUARANTINE}<uuid:item_id>/change/"
APPS = "admin/^(?P<app_label>accounts|logs|policy)/$"
TOKENS = "admin/accounts/servicetoken/"
TOKEN = f"{TOKENS}<int:token_id>/"
SET_UP = "second-factor/set-up/"
SETTINGS = "second-factor/settings/"
API_REST = "^api(?:/|$)"
LOGS = ("activity", "security", "error")


def page(route: str, path: str, admin: int, elsewhere: int, *, method: str = "GET") -> Row:
    """A page of Django admin: a token opens none, and nobody is led to the sign-in form."""
    return Row(route, method, path, 302, 404, admin, elsewhere, 302, 302, 302)


def api_list(route: str, path: str) -> list[Row]:
    return [
        Row(route, "GET", path, 401, 404, 200, 200, 403, 200, 403),
        Row(route, "POST", path, 401, 404, 403, 403, 201, 403, 403),
        Row(route, "DELETE", path, 401, 405, 405, 405, 405, 405, 405),
    ]


def api_item(route: str, path: str) -> list[Row]:
    return [
        Row(route, "GET", path, 401, 404, 200, 404, 403, 200, 403),
        Row(route, "POST", path, 401, 405, 405, 405, 405, 405, 405),
        Row(route, "DELETE", path, 401, 405, 405, 405, 405, 405, 405),
    ]


def api_export(log: str) -> list[Row]:
    route = f"api/v1/{log}logs/export/"
    return [
        Row(route, "GET", f"/{route}", 401, 404, 200, 200, 403, 200, 403),
        Row(route, "POST", f"/{route}", 401, 405, 405, 405, 405, 405, 405),
    ]


def settling(how: str) -> list[Row]:
    """Only an admin of its organization finds a refused item; no token has a scope for it."""
    route = f"api/v1/quarantine/<uuid:item_id>/{how}/"
    path = f"/api/v1/quarantine/{{quarantined}}/{how}/"
    return [
        Row(route, "GET", path, 401, 405, 405, 405, 405, 405, 405),
        Row(route, "POST", path, 401, 404, 200, 404, 403, 403, 403),
    ]


# Same for all: nothing at these addresses depends on who asks.
def open_to_all(route: str, path: str, status: int, method: str = "GET") -> Row:
    return Row(route, method, path, *[status] * 7)


MATRIX = [
    #   route         method  path          nobody without admin elsewhere ingest read alerts
    Row("", "GET", "/", 302, 200, 302, 302, 302, 302, 302),
    Row("sign-in/", "GET", "/sign-in/", 200, 302, 302, 302, 200, 200, 200),
    Row("sign-in/", "POST", "/sign-in/", 200, 302, 302, 302, 200, 200, 200),
    Row("password/", "GET", "/password/", 302, 200, 200, 200, 302, 302, 302),
    Row("password/", "POST", "/password/", 302, 200, 200, 200, 302, 302, 302),
    Row("sessions/", "GET", "/sessions/", 302, 200, 200, 200, 302, 302, 302),
    Row("sessions/", "POST", "/sessions/", 302, 302, 302, 302, 302, 302, 302),
    Row("sessions/", "DELETE", "/sessions/", 302, 405, 405, 405, 302, 302, 302),
    open_to_all("sign-out/", "/sign-out/", 405),
    open_to_all("sign-out/", "/sign-out/", 302, "POST"),
    # Of people without a second factor: whoever has one is asked for it, see test_second_factor.
    *(
        Row(f"second-factor/{rest}", method, f"/second-factor/{rest}", 302, *[302] * 6)
        for rest in ("", "codes/", "remove/")
        for method in ("GET", "POST")
    ),
    *(
        Row(SET_UP, method, f"/{SET_UP}", 302, 200, 200, 200, 302, 302, 302)
        for method in ("GET", "POST")
    ),
    Row(SETTINGS, "GET", f"/{SETTINGS}", 302, 200, 200, 200, 302, 302, 302),
    Row(SETTINGS, "POST", f"/{SETTINGS}", 302, 405, 405, 405, 302, 302, 302),
    page("admin/", "/admin/", 200, 200),
    page("admin/login/", "/admin/login/", 302, 302),
    page("admin/logout/", "/admin/logout/", 405, 405),
    page("admin/jsi18n/", "/admin/jsi18n/", 200, 200),
    page("admin/logs/activitylog/trace/", "/admin/logs/activitylog/trace/", 302, 302),
    page(TRACE, "/admin/logs/activitylog/trace/T1/", 200, 404),
    page(TRACE, "/admin/logs/activitylog/trace/unknown/", 404, 404),
    *(page(f"admin/logs/{log}log/", f"/admin/logs/{log}log/", 200, 200) for log in LOGS),
    *(
        page(f"admin/logs/{log}log/export/", f"/admin/logs/{log}log/export/", 200, 200)
        for log in LOGS
    ),
    *(
        page(f"admin/logs/{log}log/{EVENT}", f"/admin/logs/{log}log/{{{log}}}/change/", 200, 404)
        for log in LOGS
    ),
    *(page("admin/(?P<url>.*)$", f"/admin/logs/{log}log/add/", 404, 404) for log in LOGS),
    page(QUARANTINE, f"/{QUARANTINE}", 200, 200),
    page(QUARANTINE, f"/{QUARANTINE}", 400, 400, method="POST"),
    page(REFUSED, f"/{QUARANTINE}{{quarantined}}/change/", 200, 404),
    page(REFUSED, f"/{QUARANTINE}{{quarantined}}/change/", 400, 400, method="POST"),
    page(POLICY, f"/{POLICY}", 200, 404),
    page(f"{VERSION}change/", f"/{POLICY}{{version}}/change/", 200, 404),
    page(f"{VERSION}decide/", f"/{POLICY}{{version}}/decide/", 405, 404),
    page(f"{VERSION}decide/", f"/{POLICY}{{version}}/decide/", 400, 404, method="POST"),
    page(TOKENS, f"/{TOKENS}", 200, 200),
    page(f"{TOKENS}add/", f"/{TOKENS}add/", 200, 200),
    page(f"{TOKENS}add/", f"/{TOKENS}add/", 200, 200, method="POST"),
    page(f"{TOKEN}rotate/", f"/{TOKENS}{{token}}/rotate/", 200, 404),
    page(f"{TOKEN}rotate/", f"/{TOKENS}{{token}}/rotate/", 200, 404, method="POST"),
    page(f"{TOKEN}revoke/", f"/{TOKENS}{{token}}/revoke/", 200, 404),
    page(f"{TOKEN}revoke/", f"/{TOKENS}{{token}}/revoke/", 302, 404, method="POST"),
    page(APPS, "/admin/accounts/", 200, 200),
    page(APPS, "/admin/logs/", 200, 200),
    page(APPS, "/admin/policy/", 200, 404),
    page("admin/(?P<url>.*)$", "/admin/accounts/user/", 404, 404),
    page("admin/(?P<url>.*)$", "/admin/r/1/1/", 404, 404),
    page("admin/(?P<url>.*)$", "/admin/nothing/", 404, 404, method="POST"),
    *(row for log in LOGS for row in api_list(f"api/v1/{log}-logs/", f"/api/v1/{log}-logs/")),
    *api_list("api/v1/logs/", "/api/v1/logs/"),
    *(row for log in ("activity-", "security-", "error-", "") for row in api_export(log)),
    *(
        row
        for log in LOGS
        for row in api_item(f"api/v1/{log}-logs/<uuid:event_id>/", f"/api/v1/{log}-logs/{{{log}}}/")
    ),
    *api_item("api/v1/logs/<uuid:event_id>/", "/api/v1/logs/{activity}/"),
    *api_item("api/v1/traces/<path:task_id>/", "/api/v1/traces/T1/"),
    Row("api/v1/quarantine/", "GET", "/api/v1/quarantine/", 401, 404, 200, 200, 403, 403, 403),
    Row("api/v1/quarantine/", "POST", "/api/v1/quarantine/", 401, 405, 405, 405, 405, 405, 405),
    *settling("replay"),
    *settling("discard"),
    # What the API looks like is no secret, and holds no data.
    open_to_all("api/v1/schema/", "/api/v1/schema/", 200),
    open_to_all("api/v1/schema/", "/api/v1/schema/", 405, "POST"),
    open_to_all("api/v1/docs/", "/api/v1/docs/", 200),
    open_to_all("api/v1/docs/", "/api/v1/docs/", 405, "POST"),
    open_to_all(API_REST, "/api/v1/nothing/", 404),
    open_to_all(API_REST, "/api/", 404),
    open_to_all("metrics", "/metrics", 200),
    open_to_all("healthz", "/healthz", 200),
    open_to_all("readyz", "/readyz", 200),
]  # fmt: skip


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        whole = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield whole
        elif isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, whole)


def test_every_address_of_the_portal_is_in_the_table() -> None:
    known = {row.route for row in MATRIX}
    actual = set(routes(get_resolver().url_patterns))
    assert actual - known == set(), "these addresses are in no row"
    assert known - actual == set(), "these rows have no address any more"


@dataclass(frozen=True, slots=True)
class World:
    """What the addresses speak of, and whose it is."""

    organization: Organization
    elsewhere: Organization
    places: dict[str, str]

    def caller(self, who: str) -> Caller:
        if who in Scope.values:
            return Caller(token=a_token(self.organization, Scope(who), name=f"{who}-service"))
        if who == "nobody":
            return Caller()
        if who == "superuser":
            with setting_the_scene():
                root = User.objects.create_superuser("root", password=None)
            return Caller(user=root)
        if who == "elsewhere":
            return Caller(user=a_user(Role.ADMIN, self.elsewhere))
        return Caller(user=a_user(Role(who), self.organization))


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(health, "CHECKS", {})
    organization, elsewhere = an_organization(), an_organization()
    events: dict[str, Event] = {
        kind.value: an_event(organization, kind, task_id="T1") for kind in LogType
    }
    now = timezone.now()
    with setting_the_scene():
        version = PolicyVersion.objects.create(
            text="metrics: {}",
            digest="0" * 64,
            author="ops",
            loaded_at=now,
            state=PolicyState.WAITING,
        )
    places = {name: str(event.pk) for name, event in events.items()} | {
        "version": str(version.pk),
        "quarantined": str(a_refused_item(organization).pk),
        "token": str(a_known_token(organization).pk),
    }
    return World(organization, elsewhere, places)


COLUMNS = {role.value: "without" for role in Role if role is not Role.ADMIN} | {
    "superuser": "without",
    **{name: name for name in ("nobody", "admin", "elsewhere", "ingest", "read", "alerts")},
}


@pytest.mark.parametrize("who", COLUMNS)
def test_the_table_holds(world: World, who: str) -> None:
    caller = world.caller(who)
    expected, got = {}, {}
    for row in MATRIX:
        if row.route == "sign-out/":
            continue  # ends the session: below
        place = f"{row.method} {row.path}"
        expected[place] = getattr(row, COLUMNS[who])
        path = row.path.format(**world.places)
        got[place] = caller.call(row.method, path, body_for(row)).status
    differing = {
        place: (got[place], status) for place, status in expected.items() if got[place] != status
    }
    assert differing == {}, "answered, expected"
    assert [caller.call(method, "/sign-out/").status for method in ("GET", "POST")] == [405, 302]


def body_for(row: Row) -> Any:
    if row.path.endswith(("/replay/", "/discard/")):
        return {"reason": "a test"} if "discard" in row.path else {}
    if row.path.startswith("/api/"):
        log_type = next((kind for kind in LogType if kind.value in row.path), LogType.ACTIVITY)
        return wire_event(log_type) | {"log_type": log_type.value}
    return b"{}"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_whoever_has_nothing_yet_is_told_so_calmly(world: World, role: Role) -> None:
    answer = world.caller(role.value).get("/")
    assert answer.status == 200
    assert "/admin" not in answer.content.decode()


def test_nobody_is_led_to_the_one_sign_in_form_and_back(world: World) -> None:
    for path in ("/", "/admin/", "/admin/logs/activitylog/?status=x", "/admin/nothing/"):
        answer = Caller().get(path)
        assert answer.status == 302
        assert answer.headers["Location"].startswith("/sign-in/?next=/")


def test_a_page_that_is_refused_looks_like_one_that_is_not_there(world: World) -> None:
    stranger = world.caller("user")
    pages = [stranger.get(path) for path in ("/admin/", "/admin/nothing/", "/nothing-at-all/")]
    assert {page.status for page in pages} == {404}
    assert len({without_form_secret(page.content.decode()) for page in pages}) == 1


def without_form_secret(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
