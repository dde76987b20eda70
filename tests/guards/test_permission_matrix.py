"""Who gets which answer at which address: one table, and every address of the portal is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from logs.cases import errands
from logs.record.models import Event
from logs.record.vocabulary import LogType
from monitoring.api.examples import WEBHOOK
from orgo_audit import health
from orgo_audit.accounts.models import Organization, Role, Scope, User
from orgo_audit.policy.models import PolicyState, PolicyVersion
from tests.alerts import a_broker, an_alert
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
from tests.custodians import a_custodian
from tests.logs.vault.scene import Scene, a_scene
from tests.policies import in_force
from tests.retention import (
    CONFLICT,
    HOLD_WISH,
    a_certificate,
    a_certificate_of_case,
    a_hold,
    a_published_plan,
)
from tests.vault_at_hand import VaultAtHand


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
    # In the restricted area, where these get another answer than those without a role for it.
    hr_manager: int | None = None
    custodian: int | None = None
    overseer: int | None = None  # dpo and auditor
    dpo: int | None = None  # where the auditor gets another answer

    def expected(self, who: str) -> int:
        own: list[int | None] = [getattr(self, name) for name in RESTRICTED.get(who, ())]
        answer: int = getattr(self, COLUMNS[who])
        return next((status for status in own if status is not None), answer)


RESTRICTED = {
    "hr_manager": ("hr_manager",),
    "custodian": ("custodian",),
    "dpo": ("dpo", "overseer"),
    "auditor": ("overseer",),
}
TRACE = "admin/logs/activitylog/trace/<path:task_id>/"
POLICY = "admin/policy/policyversion/"
VERSION = f"{POLICY}<int:version_id>/"
EVENT = "<uuid:event_id>/change/"
QUARANTINE = "admin/logs/quarantinedevent/"
REFUSED = f"{QUARANTINE}<uuid:item_id>/change/"
RETENTION = "admin/logs/planneddestruction/"
APPROVE = f"{RETENTION}<uuid:plan_id>/approve/"
RESOLVE = f"{RETENTION}<slug:organization>/<slug:kept>/resolve/"
HOLDS = "admin/logs/legalhold/"
HOLD = f"{HOLDS}<uuid:hold_id>/"
CERTIFICATES = "admin/logs/destructioncertificate/"
CERTIFICATE = f"{CERTIFICATES}<uuid:certificate_id>/"
STATUS = "admin/monitoring/watchmark/"
ALERTS = "admin/monitoring/alert/"
HEALTH = "admin/monitoring/healthcheckresult/"
CHECK = f"{HEALTH}<slug:check>/"
APPS = "admin/^(?P<app_label>accounts|logs|policy|monitoring)/$"
TOKENS = "admin/accounts/servicetoken/"
TOKEN = f"{TOKENS}<int:token_id>/"
SET_UP = "second-factor/set-up/"
SETTINGS = "second-factor/settings/"
API_REST = "^api(?:/|$)"
LOGS = ("activity", "security", "error")
REQUESTS = "cases/reveals/"
REQUEST = f"{REQUESTS}<uuid:request_id>/"
ERASURE = "cases/erasures/new/"
OF_CASE = "cases/certificates/<uuid:certificate_id>/"
PASSKEYS = "cases/passkeys/"
PASSKEY = f"{PASSKEYS}<uuid:passkey_id>/"
RELEASE = "api/v1/legal-holds/<uuid:hold_id>/release/"
RELEASE_OF = "/api/v1/legal-holds/{hold_for_api}/release/"
ALERT = "alerts/<uuid:alert_id>/"
ALERT_OF = "/api/v1/alerts/{alert}/"
TAKEN_IN = "alerts/alertmanager/"
RUN = "health-checks/<slug:name>/run/"
HR_EVENTS = "anonymized-logs/"
HR_CASE = "cases/<uuid:code>/"
STEP = f"{HR_CASE}steps/<slug:step>/"
REVEALS = f"{HR_CASE}reveal-requests/"
REVEAL = f"{REVEALS}<uuid:request_id>/"
REVEALS_OF = "/api/v1/cases/{case}/reveal-requests/"


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


def for_admins(rest: str) -> list[Row]:
    """A list of what an admin looks after in the own organizations; no token has a scope for it."""
    route, path = f"api/v1/{rest}", f"/api/v1/{rest}"
    return [
        Row(route, "GET", path, 401, 404, 200, 200, 403, 403, 403),
        Row(route, "POST", path, 401, 405, 405, 405, 405, 405, 405),
    ]


def of_a_case(
    rest: str,
    path: str,
    hr_manager: int = 404,
    custodian: int = 404,
    overseer: int = 404,
    *,
    method: str = "GET",
) -> Row:
    """An API address of the restricted area: no token opens it, and no admin finds it."""
    others = (401, 404, 404, 404, 403, 403, 403)
    return Row(f"api/v1/{rest}", method, path, *others, hr_manager, custodian, overseer)


def for_readers(rest: str, path: str, method: str, status: int, *, elsewhere: int) -> list[Row]:
    """For admins and tokens of scope `read`: what concerns the watch over the platform."""
    route, other = f"api/v1/{rest}", "GET" if method == "POST" else "POST"
    return [
        Row(route, method, path, 401, 404, status, elsewhere, 403, status, 403),
        no_other_method(route, path, other),
    ]


def no_other_method(route: str, path: str, method: str = "DELETE") -> Row:
    """Whoever signs in learns which methods there are, and nothing else."""
    return Row(route, method, path, 401, *[405] * 6)


def restricted(
    route: str, path: str, hr: int = 404, custodian: int = 404, overseer: int = 404, **more: Any
) -> Row:
    """A page of the restricted area: whoever has no role for it finds nothing there."""
    method = more.pop("method", "GET")
    others = (302, 404, 404, 404, 302, 302, 302)
    return Row(route, method, path, *others, hr, custodian, overseer, **more)


# Same for all: nothing at these addresses depends on who asks.
def open_to_all(route: str, path: str, status: int, method: str = "GET") -> Row:
    return Row(route, method, path, *[status] * 7)


MATRIX = [
    #   route         method  path          nobody without admin elsewhere ingest read alerts
    Row("", "GET", "/", 302, 200, 302, 302, 302, 302, 302, 302, 302, 302),
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
    page(RETENTION, f"/{RETENTION}", 200, 200),
    page(APPROVE, f"/{RETENTION}{{plan}}/approve/", 302, 302),
    page(APPROVE, f"/{RETENTION}{{plan}}/approve/", 302, 404, method="POST"),
    page(RESOLVE, f"/{RETENTION}{{conflict}}/security_logs/resolve/", 200, 404),
    page(RESOLVE, f"/{RETENTION}{{conflict}}/error_logs/resolve/", 404, 404),
    page(RESOLVE, f"/{RETENTION}{{conflict}}/security_logs/resolve/", 200, 404, method="POST"),
    page(HOLDS, f"/{HOLDS}", 200, 200),
    page(f"{HOLDS}add/", f"/{HOLDS}add/", 200, 200),
    page(f"{HOLDS}add/", f"/{HOLDS}add/", 200, 200, method="POST"),
    page(f"{HOLD}change/", f"/{HOLDS}{{hold}}/change/", 200, 404),
    page(f"{HOLD}release/", f"/{HOLDS}{{hold}}/release/", 302, 404),
    page(f"{HOLD}release/", f"/{HOLDS}{{hold}}/release/", 302, 404, method="POST"),
    page(CERTIFICATES, f"/{CERTIFICATES}", 200, 200),
    *(
        page(f"{CERTIFICATE}{form}/", f"/{CERTIFICATES}{{certificate}}/{form}/", 200, 404)
        for form in ("change", "json", "pdf")
    ),
    page(STATUS, f"/{STATUS}", 200, 200),
    page(ALERTS, f"/{ALERTS}", 200, 200),
    page(f"{ALERTS}<uuid:alert_id>/", f"/{ALERTS}{{alert}}/", 200, 404),
    page(f"{ALERTS}<uuid:alert_id>/act/", f"/{ALERTS}{{alert}}/act/", 302, 404),
    page(f"{ALERTS}<uuid:alert_id>/act/", f"/{ALERTS}{{alert}}/act/", 400, 404, method="POST"),
    page(HEALTH, f"/{HEALTH}", 200, 200),
    page(CHECK, f"/{HEALTH}disk/", 200, 200),
    page(f"{CHECK}export/", f"/{HEALTH}disk/export/", 200, 200),
    page(f"{CHECK}run/", f"/{HEALTH}disk/run/", 302, 302, method="POST"),
    page(POLICY, f"/{POLICY}", 200, 404),
    page(f"{VERSION}change/", f"/{POLICY}{{version}}/change/", 200, 404),
    page(f"{VERSION}decide/", f"/{POLICY}{{version}}/decide/", 302, 404),
    page(f"{VERSION}decide/", f"/{POLICY}{{version}}/decide/", 400, 404, method="POST"),
    page(TOKENS, f"/{TOKENS}", 200, 200),
    page(f"{TOKENS}add/", f"/{TOKENS}add/", 200, 200),
    page(f"{TOKENS}add/", f"/{TOKENS}add/", 200, 200, method="POST"),
    page(f"{TOKEN}rotate/", f"/{TOKENS}{{token}}/rotate/", 200, 404),
    page(f"{TOKEN}rotate/", f"/{TOKENS}{{token}}/rotate/", 200, 404, method="POST"),
    page(f"{TOKEN}revoke/", f"/{TOKENS}{{token}}/revoke/", 200, 404),
    page(f"{TOKEN}revoke/", f"/{TOKENS}{{token}}/revoke/", 302, 404, method="POST"),
    page(APPS, "/admin/accounts/", 302, 302),
    page(APPS, "/admin/logs/", 302, 302),
    page(APPS, "/admin/monitoring/", 302, 302),
    page(APPS, "/admin/policy/", 302, 302),
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
    *for_admins("retention/plan/"),
    *for_admins("retention/certificates/"),
    *for_admins("legal-holds/")[:1],
    Row("api/v1/legal-holds/", "POST", "/api/v1/legal-holds/", 401, 404, 201, 201, 403, 403, 403),
    Row(RELEASE, "POST", RELEASE_OF, 401, 404, 200, 404, 403, 403, 403),
    no_other_method(RELEASE, RELEASE_OF, "GET"),
    *settling("discard"),
    *(of_a_case(rest, f"/api/v1/{rest}", 200) for rest in (HR_EVENTS, f"{HR_EVENTS}export/")),
    of_a_case("cases/", "/api/v1/cases/", 200),
    of_a_case(HR_CASE, "/api/v1/cases/{case}/", 200),
    *(
        no_other_method(f"api/v1/{rest}", f"/api/v1/{path}", "POST")
        for rest, path in (
            (HR_EVENTS, HR_EVENTS),
            (f"{HR_EVENTS}export/", f"{HR_EVENTS}export/"),
            ("cases/", "cases/"),
            (HR_CASE, "cases/{case}/"),
            (f"{REVEAL}challenge/", "cases/{case}/reveal-requests/{pending}/challenge/"),
        )
    ),
    of_a_case(REVEALS, REVEALS_OF, 200, 200, 200),
    of_a_case(REVEALS, REVEALS_OF, 201, method="POST"),
    of_a_case(f"{REVEAL}challenge/", f"{REVEALS_OF}{{pending}}/challenge/", 404, 200),
    of_a_case(f"{REVEAL}approve/", f"{REVEALS_OF}{{pending}}/approve/", 404, 400, method="POST"),
    of_a_case(f"{REVEAL}deny/", f"{REVEALS_OF}{{pending}}/deny/", 404, 200, method="POST"),
    of_a_case(f"{REVEAL}view/", f"{REVEALS_OF}{{granted}}/view/", 200, method="POST"),
    *(
        no_other_method(f"api/v1/{REVEAL}{how}/", f"{REVEALS_OF}{{granted}}/{how}/", "GET")
        for how in ("approve", "deny", "view")
    ),
    *(
        restricted(f"cases/{rest}", f"/cases/{rest}", 200)
        for rest in ("", "export/", "counts/", "purpose/")
    ),
    restricted("cases/purpose/", "/cases/purpose/", 400, method="POST"),
    *(
        restricted(f"{HR_CASE}{rest}", f"/cases/{{case}}/{rest}", 200)
        for rest in ("", "export/", "assignment/", "reveal-request/")
    ),
    restricted(STEP, "/cases/{case}/steps/closed/", 200),
    restricted(STEP, "/cases/{case}/steps/closed/", 302, method="POST"),
    restricted(f"{HR_CASE}notes/", "/cases/{case}/notes/", 302),
    *(
        restricted(f"{HR_CASE}{rest}", f"/cases/{{case}}/{rest}", 400, method="POST")
        for rest in ("notes/", "assignment/", "reveal-request/")
    ),
    restricted("cases/access-log/", "/cases/access-log/", 404, 404, 200),
    restricted("cases/access-log/export/", "/cases/access-log/export/", 404, 404, 200),
    restricted("cases/certificates/", "/cases/certificates/", 404, 404, 200),
    *(
        restricted(f"{OF_CASE}{form}/", f"/cases/certificates/{{ended}}/{form}/", 404, 404, 200)
        for form in ("json", "pdf")
    ),
    restricted("cases/unassigned/", "/cases/unassigned/", dpo=200),
    restricted("cases/unassigned/", "/cases/unassigned/", dpo=400, method="POST"),
    restricted(REQUESTS, f"/{REQUESTS}", 200, 200, 200),
    restricted(REQUESTS, f"/{REQUESTS}", 405, 405, 405, method="POST"),
    restricted(REQUEST, f"/{REQUESTS}{{erasure}}/", 404, 200, 200),
    restricted(REQUEST, f"/{REQUESTS}{{erasure}}/", 404, 400, 400, method="POST"),
    restricted(ERASURE, f"/{ERASURE}", 404, 200, 404, dpo=200),
    restricted(ERASURE, f"/{ERASURE}", 404, 400, 404, dpo=400, method="POST"),
    restricted("cases/texts/", "/cases/texts/", 404, 200),
    restricted("cases/texts/", "/cases/texts/", 404, 405, method="POST"),
    restricted("cases/texts/<uuid:code>/", "/cases/texts/{case}/", 404, 200),
    restricted("cases/texts/<uuid:code>/", "/cases/texts/{case}/", 404, 400, method="POST"),
    restricted(PASSKEYS, f"/{PASSKEYS}", 404, 200),
    restricted(PASSKEYS, f"/{PASSKEYS}", 404, 400, method="POST"),
    restricted(PASSKEY, f"/{PASSKEYS}{{passkey}}/", 404, 200),
    restricted(PASSKEY, f"/{PASSKEYS}{{passkey}}/", 404, 400, method="POST"),
    *for_readers("alerts/", "/api/v1/alerts/", "GET", 200, elsewhere=200),
    *for_readers(ALERT, ALERT_OF, "GET", 200, elsewhere=404),
    *(
        row
        for act in ("acknowledge", "silence", "resolve")
        for row in for_readers(f"{ALERT}{act}/", f"{ALERT_OF}{act}/", "POST", 200, elsewhere=404)
    ),
    Row(f"api/v1/{TAKEN_IN}", "POST", f"/api/v1/{TAKEN_IN}", 401, 404, 403, 403, 403, 403, 200),
    no_other_method(f"api/v1/{TAKEN_IN}", f"/api/v1/{TAKEN_IN}", "GET"),
    *for_readers("health-checks/", "/api/v1/health-checks/", "GET", 200, elsewhere=200),
    *for_readers(RUN, "/api/v1/health-checks/disk/run/", "POST", 202, elsewhere=202),
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
    scene: Scene

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
        if who == "hr_manager":
            hr = Caller(user=self.scene.hr)  # to whom the case is assigned
            hr.client.post("/cases/purpose/", {"purpose": "work"})
            return hr
        if who == "custodian":
            return Caller(user=self.scene.anna.user)  # who has a passkey
        return Caller(user=a_user(Role(who), self.organization))


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch, vault_at_hand: VaultAtHand) -> World:
    monkeypatch.setattr(health, "CHECKS", {})
    a_broker(monkeypatch)
    organization, elsewhere = an_organization(), an_organization()
    events: dict[str, Event] = {
        kind.value: an_event(organization, kind, task_id="T1") for kind in LogType
    }
    now = timezone.now()
    in_force(CONFLICT % organization.slug)
    with setting_the_scene():
        version = PolicyVersion.objects.create(
            text="metrics: {}",
            plain={},
            digest="0" * 64,
            author="ops",
            loaded_at=now,
            state=PolicyState.WAITING,
        )
    places = {name: str(event.pk) for name, event in events.items()} | {
        "version": str(version.pk),
        "quarantined": str(a_refused_item(organization).pk),
        "token": str(a_known_token(organization).pk),
        "alert": str(an_alert(organization).pk),
        **of_the_restricted_area(organization),
        **of_retention(organization),
    }
    scene = a_scene(vault_at_hand, organization)
    places |= {
        "case": str(scene.case.code),
        "pending": scene.reveal(label="Anon2"),
        "granted": scene.granted(),
    }
    return World(organization, elsewhere, places, scene)


def of_the_restricted_area(organization: Organization) -> dict[str, str]:
    """A request that waits, and a passkey that another custodian may confirm."""
    wanted = {"person": "jane.roe@organization.com", "reason": "a test"}
    dpo = a_user(Role.DPO, organization)
    return {
        "erasure": str(errands.ask("ask_erasure", organization, wanted, by=dpo)["id"]),
        "passkey": a_custodian(organization, ready=False).enrol(),
    }


def of_retention(organization: Organization) -> dict[str, str]:
    """Two holds, a certificate, and a plan that nobody has to approve."""
    return {
        "conflict": organization.slug,
        "hold": str(a_hold(organization).pk),
        "hold_for_api": str(a_hold(organization).pk),
        "plan": str(a_published_plan(organization).pk),
        "certificate": str(a_certificate(organization).pk),
        "ended": str(a_certificate_of_case(organization).pk),
    }


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
        expected[place] = row.expected(who)
        path = row.path.format(**world.places)
        got[place] = caller.call(row.method, path, body_for(row)).status
    differing = {
        place: (got[place], status) for place, status in expected.items() if got[place] != status
    }
    assert differing == {}, "answered, expected"
    assert [caller.call(method, "/sign-out/").status for method in ("GET", "POST")] == [405, 302]


BODIES: dict[str, dict[str, Any]] = {
    "reveal-requests": {
        **{"label": "Anon1", "field": "email", "reason": "a test"},
        **{"minutes": 5, "views": 1},
    },
    "approve": {"assertion": {}},
    "deny": {"why": "a test"},
    "view": {},
}


def body_for(row: Row) -> Any:
    if row.route.startswith("api/v1/legal-holds/"):
        return {} if row.route == RELEASE else HOLD_WISH
    if row.path.endswith(("/replay/", "/discard/")):
        return {"reason": "a test"} if "discard" in row.path else {}
    if row.route.startswith(f"api/v1/{REVEALS}"):
        return BODIES.get(row.path.rstrip("/").rpartition("/")[2], b"")
    if row.route.startswith(("api/v1/alerts/", "api/v1/health-checks/")):
        return WEBHOOK if row.path.endswith(TAKEN_IN) else {}
    if row.path.startswith("/api/"):
        log_type = next((kind for kind in LogType if kind.value in row.path), LogType.ACTIVITY)
        return wire_event(log_type) | {"log_type": log_type.value}
    return b"{}"


@pytest.mark.parametrize(
    ("role", "place"),
    [
        (Role.HR_MANAGER, "/cases/"),
        (Role.CUSTODIAN, "/cases/reveals/"),
        (Role.DPO, "/cases/access-log/"),
        (Role.AUDITOR, "/cases/access-log/"),
    ],
)
def test_people_of_the_restricted_area_are_led_to_it(world: World, role: Role, place: str) -> None:
    assert world.caller(role.value).get("/").headers["Location"] == place


def test_whoever_has_nothing_yet_is_told_so_calmly(world: World) -> None:
    answer = world.caller("user").get("/")
    assert answer.status == 200
    assert "/admin" not in answer.content.decode()
    assert "/cases" not in answer.content.decode()


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
