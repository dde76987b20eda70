"""The record in Django admin: what its pages show, to whom, and that nothing can be changed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from logs.record.models import Event, QuarantinedEvent
from logs.record.vocabulary import LogType
from logs.record.wire import format_instant
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.middleware import TIME_ZONE_COOKIE
from orgo_audit.policy.models import PolicyState, PolicyVersion
from tests.builders import a_user, an_event, an_organization, setting_the_scene

pytestmark = pytest.mark.django_db

ACTIVITY = "/admin/logs/activitylog/"
LOGS = (ACTIVITY, "/admin/logs/securitylog/", "/admin/logs/errorlog/")
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>{{ 7|add:7 }}"


@pytest.fixture
def home() -> Organization:
    return an_organization("north")


@pytest.fixture
def admin(home: Organization) -> Client:
    return signed_in(Role.ADMIN, home)


def signed_in(role: Role, organization: Organization) -> Client:
    client = Client()
    client.force_login(a_user(role, organization))
    return client


def text_of(answer: Any) -> str:
    """The page's words as a person reads them, between single spaces."""
    without_tags = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(unescape(without_tags).split()).replace(" :", ":")


def ago(**span: float) -> str:
    return format_instant(datetime.now(UTC) - timedelta(**span))


def page_of(event: Event) -> str:
    return f"/admin/logs/{event.log_type}log/{event.pk}/change/"


# --- who ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_for_every_other_role_there_is_no_admin(role: Role, home: Organization) -> None:
    event = an_event(home, task_id="7")
    client = signed_in(role, home)
    for address in ("/admin/", *LOGS, page_of(event), f"{ACTIVITY}trace/7/"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert b"Task Routed" not in answer.content


def test_nobody_is_led_to_the_sign_in_form_and_back(client: Client) -> None:
    answer = client.get(f"{ACTIVITY}?range=24h")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/sign-in/?next={ACTIVITY}%3Frange%3D24h"


def test_whoever_has_nothing_is_told_so_by_name(home: Organization) -> None:
    client = Client()
    client.force_login(a_user(Role.USER, home, "uma"))
    page = text_of(client.get("/"))
    assert "Nothing here for you yet" in page
    assert "signed in as uma" in page
    assert "Ask whoever runs the portal" in page
    assert "log" not in page.lower().replace("sign", "")


def test_another_organizations_events_are_not_there(admin: Client) -> None:
    event = an_event(an_organization("south"), task_id="7", action="Southern Secret")
    assert "Southern Secret" not in text_of(admin.get(ACTIVITY))
    assert admin.get(page_of(event)).status_code == 404
    assert admin.get(f"{ACTIVITY}trace/7/").status_code == 404


def test_an_event_is_found_in_its_own_log_only(admin: Client, home: Organization) -> None:
    event = an_event(home, LogType.ERROR)
    assert admin.get(page_of(event)).status_code == 200
    assert admin.get(f"{ACTIVITY}{event.pk}/change/").status_code == 404


def test_no_address_adds_changes_or_deletes(admin: Client, home: Organization) -> None:
    event = an_event(home)
    for tail in ("add/", f"{event.pk}/delete/", f"{event.pk}/history/"):
        assert admin.get(f"{ACTIVITY}{tail}").status_code == 404
    changed = admin.post(page_of(event), {"action": "Changed"})
    assert b"<form method" not in changed.content.replace(
        b'<form method="post" action="/sign-out/', b""
    )
    event.refresh_from_db()
    assert event.action == "Task Routed"
    names = {name for name in admin_names() if name.startswith("logs_")}
    # What a person does about retention; none of it writes, changes or takes an event.
    deeds = {
        *(f"logs_planneddestruction_{deed}" for deed in ("approve", "resolve")),
        *(f"logs_legalhold_{deed}" for deed in ("create", "release")),
        *(f"logs_destructioncertificate_{form}" for form in ("json", "pdf")),
    }
    assert {name.rpartition("_")[2] for name in names - deeds} == {
        "changelist",
        "change",
        "export",
        "trace",
    }
    assert deeds <= names


def admin_names() -> list[str]:
    resolvers = [one for one in get_resolver().url_patterns if isinstance(one, URLResolver)]
    found: list[str] = []
    while resolvers:
        for pattern in resolvers.pop().url_patterns:
            if isinstance(pattern, URLPattern):
                found.append(pattern.name or "")
            else:
                resolvers.append(pattern)
    return found


# --- the first page -----------------------------------------------------------------------------


def test_the_first_page_shows_the_logs_and_what_waits(admin: Client, home: Organization) -> None:
    for organization in (home, an_organization("south")):
        QuarantinedEvent.objects.create(
            id=an_event(organization).pk,
            organization=organization,
            source="router",
            recorded_at=datetime.now(UTC),
            code="bad_timestamp",
            detail="expected a time",
            sent="{}",
        )
    page = text_of(admin.get("/admin/"))
    assert all(f"{name} log" in page for name in ("Activity", "Security", "Error"))
    assert "1 item waits" in page
    assert "Recent actions" not in page


def test_the_box_leads_to_the_task(admin: Client, home: Organization) -> None:
    an_event(home, task_id="12345")
    answer = admin.get(f"{ACTIVITY}trace/", {"task_id": " 12345 "}, follow=True)
    assert answer.redirect_chain == [(f"{ACTIVITY}trace/12345/", 302)]
    assert "Task 12345" in text_of(answer)


# --- the list -----------------------------------------------------------------------------------


def test_filters_live_in_the_address_and_show_as_chips(admin: Client, home: Organization) -> None:
    an_event(home, task_id="1", to="maintenance_queue", timestamp=ago(days=2))
    an_event(home, task_id="2", to="it_support_queue")
    answer = admin.get(ACTIVITY, {"to": "maintenance_queue", "range": "1y"})
    assert [row.event.task_id for row in answer.context["rows"]] == ["1"]
    (chip,) = answer.context["asked"].chips()
    assert (chip.label, chip.href) == ("To: maintenance_queue", "?range=1y")
    assert "1 event" in text_of(answer)


def test_a_value_leads_to_the_list_filtered_by_it(admin: Client, home: Organization) -> None:
    event = an_event(home, action="Task Routed & Back", task_id="1")
    link = '?action=Task+Routed+%26+Back"'
    assert link in admin.get(ACTIVITY).content.decode()
    assert f"{ACTIVITY}{link}" in admin.get(page_of(event)).content.decode()


def test_presets_narrow_by_time_and_say_which_is_chosen(admin: Client, home: Organization) -> None:
    an_event(home, timestamp=ago(minutes=5), task_id="new")
    an_event(home, timestamp=ago(days=3), task_id="old")
    answer = admin.get(ACTIVITY, {"range": "24h"})
    assert [row.event.task_id for row in answer.context["rows"]] == ["new"]
    chosen = [preset.label for preset in answer.context["asked"].presets() if preset.is_current]
    assert chosen == ["last 24 hours"]


def test_a_local_range_becomes_a_clean_address_in_utc(admin: Client) -> None:
    admin.cookies[TIME_ZONE_COOKIE] = "Europe/Berlin"
    form = {
        "action": " Task Routed ",
        "status": "",
        "range": "7d",
        "until_local": "2026-07-01T12:00",
    }
    answer = admin.get(ACTIVITY, form | {"since_local": "2026-06-30T12:00:30"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == (
        "?action=Task+Routed&until=2026-07-01T10%3A00%3A00Z&since=2026-06-30T10%3A00%3A30Z"
    )
    page = text_of(admin.get(f"{ACTIVITY}{answer.headers['Location']}"))
    assert "Since: 2026-06-30 12:00:30" in page


def test_the_zone_of_all_times_is_named(admin: Client, home: Organization) -> None:
    event = an_event(home, timestamp="2026-07-01T10:00:00Z", task_id="1")
    addresses = (ACTIVITY, page_of(event), f"{ACTIVITY}trace/1/")
    assert all("Times in UTC" in text_of(admin.get(address)) for address in addresses)
    admin.cookies[TIME_ZONE_COOKIE] = "Europe/Berlin"
    for address in addresses:
        page = admin.get(address)
        assert "Times in Europe/Berlin" in text_of(page)
        assert "12:00:00" in text_of(page)
        assert b"2026-07-01 10:00:00.000000 UTC" in page.content


def test_an_event_that_came_late_is_marked(admin: Client, home: Organization) -> None:
    an_event(home, timestamp=ago(seconds=5))
    assert not admin.get(ACTIVITY).context["rows"][0].lateness
    late = an_event(home, timestamp=ago(hours=30, minutes=1), task_id="late")
    row = admin.get(ACTIVITY, {"task_id": "late"}).context["rows"][0]
    assert row.lateness == "1 day 6 h"
    assert "recorded 1 day 6 h late" in text_of(admin.get(page_of(late)))


def test_pages_are_turned_by_key(
    admin: Client, home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.admin.listing.PAGE_SIZE", 2)
    for number in range(3):
        an_event(home, timestamp=ago(minutes=number + 1), task_id=str(number))
    first = admin.get(ACTIVITY)
    assert "more than 2 events" in text_of(first) or "about" in text_of(first)
    second = admin.get(ACTIVITY + first.context["older"])
    assert [row.event.task_id for row in second.context["rows"]] == ["2"]
    assert not second.context["older"]
    back = admin.get(ACTIVITY + second.context["newer"])
    assert [row.event.task_id for row in back.context["rows"]] == ["0", "1"]


def test_an_empty_list_says_why(admin: Client) -> None:
    assert "No events yet" in text_of(admin.get(ACTIVITY))
    page = text_of(admin.get(ACTIVITY, {"action": "Nope", "range": "1h"}))
    assert "No event matches" in page
    assert "Look at any time" in page
    assert "Drop all filters" in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"range": "soon"}, "Time: expected one of 1h, 24h, 7d, 30d, 90d, 1y"),
        ({"colour": "red"}, "colour: this page has no such filter"),
        ({"outcome": "fine"}, "Outcome: expected one of success"),
        ({"ip_address": "here"}, "Address: expected an IPv4 or IPv6 address"),
        ({"since": "yesterday"}, "Since: expected an RFC 3339 time"),
        ({"since_local": "yesterday"}, "Since: expected a date and a time"),
        ({"until_local": "0001-01-01T00:00"}, "Until: expected a date and a time"),
        ({"cursor": "page two"}, "Page: there is no such page"),
    ],
)
def test_a_bad_filter_is_named(admin: Client, asked: dict[str, str], said: str) -> None:
    admin.cookies[TIME_ZONE_COOKIE] = "Europe/Berlin"
    answer = admin.get(ACTIVITY, asked)
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert "Show the log without filters" in text_of(answer)


def test_a_bad_filter_keeps_what_was_typed(admin: Client) -> None:
    typed = {"action": "Task Routed", "ip_address": "here", "range": "24h"}
    body = admin.get(ACTIVITY, typed).content.decode()
    assert 'id="filter-action" value="Task Routed"' in body
    assert re.search('id="filter-ip_address" value="here"[^>]* aria-invalid="true"', body)
    assert '<details class="filter" id="filter" open>' in body
    assert '<input type="hidden" name="range" value="24h">' in body
    assert "?action=Task+Routed&amp;range=24h" in body  # the address without the wrong filter
    quarantine = "/admin/logs/quarantinedevent/"
    body = admin.get(quarantine, {"source": "router", "log_type": "x"}).content.decode()
    assert 'id="filter-source" value="router"' in body


def test_the_ends_of_the_calendar_are_shown(admin: Client, home: Organization) -> None:
    admin.cookies[TIME_ZONE_COOKIE] = "America/New_York"
    event = an_event(home, timestamp="0001-01-01T00:00:00Z", task_id="1")
    for address in (ACTIVITY, page_of(event), f"{ACTIVITY}trace/1/"):
        assert "0001-01-01 00:00:00" in text_of(admin.get(address))


# --- hostile strings ----------------------------------------------------------------------------


def test_hostile_strings_stay_text(admin: Client, home: Organization) -> None:
    more: dict[str, Any] = {HOSTILE: {"deep": [HOSTILE]}}
    event = an_event(
        home,
        action=HOSTILE,
        task_id=HOSTILE,
        to=HOSTILE,
        status=HOSTILE,
        reason=HOSTILE,
        **more,
    )
    task = {"task_id": HOSTILE}
    pages = [
        admin.get(ACTIVITY, {"status": HOSTILE}),
        admin.get(page_of(event)),
        admin.get(f"{ACTIVITY}trace/", task),
        admin.get(f"{ACTIVITY}trace/", {"task_id": f"no {HOSTILE}"}),
        admin.get(ACTIVITY, {HOSTILE: "1"}),
    ]
    assert [page.status_code for page in pages] == [200, 200, 200, 404, 400]
    for page in pages:
        assert b"<script>alert" not in page.content
        assert b"<img src=x" not in page.content
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert HOSTILE in text_of_escaped(page)


def text_of_escaped(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.mark.parametrize("task_id", ["a\nb", "..", "a/b/", "?x=1#y", "50%", "a b", "дело-7"])
def test_any_task_can_be_followed(admin: Client, home: Organization, task_id: str) -> None:
    an_event(home, task_id=task_id)
    page = admin.get(ACTIVITY)
    (link,) = re.findall(r'href="([^"]*trace/\?task_id=[^"]*)"', page.content.decode())
    trace = admin.get(unescape(link), follow=True)
    assert trace.status_code == 200
    assert trace.context["trace"].task_id == task_id


def test_a_nul_finds_no_task(admin: Client) -> None:
    assert admin.get(f"{ACTIVITY}trace/", {"task_id": "a\0b"}).status_code == 404
    assert admin.get(f"{ACTIVITY}trace/a%00b/").status_code == 404


def test_what_turns_the_reading_direction_is_seen_on_pages(
    admin: Client, home: Organization
) -> None:
    event = an_event(home, action="\u202egnp.exe", to="\u2066x")
    for address in (ACTIVITY, page_of(event)):
        page = admin.get(address).content.decode()
        assert "⟨U+202E⟩gnp.exe" in page
        assert "⟨U+2066⟩x" in page
        assert not {"\u202e", "\u2066"} & set(page)
    assert r"&quot;\u202egnp.exe&quot;" in page
    filled_in = admin.get(ACTIVITY, {"action": "\u202egnp.exe"}).content.decode()
    assert 'value="\u202egnp.exe"' in filled_in
    assert "\u202egnp.exe" in b"".join(admin.get(f"{ACTIVITY}export/?format=csv")).decode()


# --- one event, one task ------------------------------------------------------------------------


def test_an_event_shows_every_field_and_both_clocks(admin: Client, home: Organization) -> None:
    event = an_event(
        home, LogType.ERROR, error="Email Parsing Failed", email_id="67890", reason="Malformed", n=7
    )
    page = text_of(admin.get(page_of(event)))
    for part in ("Error Email Parsing Failed", "E-mail 67890", "Reason Malformed", "Source router"):
        assert part in page
    for part in ("Sender’s clock", "Recorded at", f"Event id {event.pk}", "n 7", '"outcome"'):
        assert part in page


def test_a_missing_stage_stands_where_it_is_missing(admin: Client, home: Organization) -> None:
    for minute, action in enumerate(("Task Created", "Task Completed")):
        an_event(home, action=action, task_id="1", timestamp=f"2024-11-24T10:{minute:02}:00Z")
    answer = admin.get(f"{ACTIVITY}trace/1/")
    lines = [
        step.event.action if step.event else f"{step.report.stage} {step.report.state}"
        for step in answer.context["steps"]
    ]
    assert lines == [
        "received missing",
        "parsed missing",
        "Task Created",
        "routed missing",
        "Task Completed",
    ]
    assert "1 min later" in text_of(answer)
    assert "completed" in text_of(answer)


def test_an_unknown_task_is_said_to_be_unknown(admin: Client) -> None:
    answer = admin.get(f"{ACTIVITY}trace/12345/")
    assert answer.status_code == 404
    assert "No such task" in text_of(answer)


# --- the policy ---------------------------------------------------------------------------------


def a_waiting_version() -> PolicyVersion:
    with setting_the_scene():
        return PolicyVersion.objects.create(
            text=settings.ORGO_POLICY.read_text(),
            plain={},
            digest="0" * 64,
            state=PolicyState.WAITING,
            author=HOSTILE,
            loaded_at=datetime.now(UTC),
            diff=f"--- old\n+++ new\n@@ -1 +1 @@\n-{HOSTILE}\n+short",
            consequences=[
                {"kind": "shortens_retention", "organization": "", "sentence": "kept a day"}
            ],
        )


def test_a_waiting_policy_says_what_it_would_do(admin: Client) -> None:
    version = a_waiting_version()
    assert "waits for a decision" in text_of(admin.get("/admin/"))
    answer = admin.get(f"/admin/policy/policyversion/{version.pk}/change/")
    assert "Destroys earlier: kept a day" in text_of(answer)
    assert [line.kind for line in answer.context["diff"]] == ["place", "removed", "added"]
    assert b"<script>alert" not in answer.content


@pytest.mark.parametrize("decision", ["accept", "refuse"])
def test_a_waiting_policy_is_decided_once(admin: Client, decision: str) -> None:
    version = a_waiting_version()
    address = f"/admin/policy/policyversion/{version.pk}/decide/"
    assert "waits for a decision" in text_of(admin.get(address, follow=True))
    said = text_of(admin.post(address, {decision: "1"}, follow=True))
    assert f"Policy version {version.pk} is {decision.removesuffix('e')}ed." in said
    assert "does not wait" in text_of(admin.post(address, {decision: "1"}, follow=True))


def test_admins_of_other_organizations_see_no_policy(home: Organization) -> None:
    version = a_waiting_version()
    client = signed_in(Role.ADMIN, an_organization("south"))
    assert "olicy" not in text_of(client.get("/admin/"))
    assert client.get(f"/admin/policy/policyversion/{version.pk}/change/").status_code == 404


def test_the_list_can_be_taken_along_as_it_stands(admin: Client, home: Organization) -> None:
    an_event(home, task_id="T1")
    an_event(home, task_id="T1", timestamp="2024-07-01T12:00:00.25Z", user="=1+1")
    an_event(home, task_id="T2")
    admin.cookies[TIME_ZONE_COOKIE] = "Europe/Vienna"
    page = admin.get(ACTIVITY, {"task_id": "T1"}).content.decode()
    [href] = re.findall(r'href="(export/[^"]*csv)"', page)
    answer = admin.get(ACTIVITY + unescape(href))
    assert re.fullmatch(
        r'attachment; filename="activity-log-[\d-]+T\d{4}Z.csv"', answer["Content-Disposition"]
    )
    text = b"".join(answer).decode("utf-8-sig")
    head, newest, oldest, end, nothing = text.split("\n")
    assert ["T1" in line for line in (newest, oldest)] == [True, True]
    assert "2024-07-01T14:00:00.250000+02:00" in oldest
    assert ",'=1+1," in oldest
    assert (end, nothing) == ("# count: 2; time zone: Europe/Vienna", "")


def test_a_relative_range_is_frozen_in_the_links_of_its_page(
    admin: Client, home: Organization
) -> None:
    an_event(home)
    page = admin.get(ACTIVITY, {"range": "24h"}).content.decode()
    hrefs = re.findall(r'href="(export/[^"]*)"', page)
    assert len(hrefs) == 2
    assert all("since=" in href and "range" not in href for href in hrefs)


def test_an_export_with_a_wrong_filter_says_which(admin: Client) -> None:
    for query in ({"format": "xml"}, {"since": "yesterday"}, {"nonsense": "1"}):
        answer = admin.get(f"{ACTIVITY}export/", query)
        assert answer.status_code == 400
        assert "This filter cannot be used" in answer.content.decode()
