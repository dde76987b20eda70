"""Retention in Django admin: the plan, conflicts, legal holds, certificates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.messages import get_messages
from django.db import connections
from django.test import Client
from django.utils import timezone

from logs.record.models import Event
from logs.retention import applying, facts, holds
from logs.retention.models import (
    LegalHold,
    PlannedDestruction,
    RetentionResolution,
    RetentionRun,
)
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.policy.loading import load_policy
from orgo_audit.policy.models import PolicyState, PolicyVersion
from orgo_audit.policy.schema import as_plain
from tests.builders import a_user, an_event, an_organization, setting_the_scene
from tests.database import login_of_default
from tests.logs.test_quarantine_pages import HOSTILE, text_of
from tests.old_events import an_old_event, months_ago, segment_of
from tests.policies import in_force
from tests.retention import CONFLICT, a_certificate, a_hold

PLAN = "/admin/logs/planneddestruction/"
HOLDS = "/admin/logs/legalhold/"
CERTIFICATES = "/admin/logs/destructioncertificate/"
WISH = {
    "matter": "Roe against the organization",
    "reason": "a claim is expected",
    "owner": "counsel",
    "organization": "north",
    "scope_kind": "task",
    "scope": "T1",
}


def signed_in(organization: Organization, name: str) -> Client:
    client = Client()
    client.force_login(a_user(Role.ADMIN, organization, name))
    return client


def said(client: Client, path: str, data: dict[str, str] | None = None) -> str:
    """What the page says after a button was pressed."""
    answer = client.post(path, data or {}, follow=True)
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.fixture
def north(db: None) -> Organization:
    return an_organization("north")


@pytest.fixture
def anna(north: Organization) -> Client:
    return signed_in(north, "anna")


@pytest.fixture
def ben(north: Organization) -> Client:
    return signed_in(north, "ben")


# --- the plan -----------------------------------------------------------------------------------


def test_an_empty_plan_says_so(anna: Client) -> None:
    page = text_of(anna.get(f"{PLAN}"))
    assert "How long things are kept" in page
    assert "Activity events 6 months 6 months The policy says 6 months." in page


def test_the_plan_says_what_is_kept_and_until_when(anna: Client, north: Organization) -> None:
    an_event(north)
    segment = segment_of(timezone.now())
    assert re.search(f"{segment} (about \\d+|not yet counted)", text_of(anna.get(PLAN)))
    assert "Nothing before" in text_of(anna.get(PLAN))
    assert "Earliest next deletion" in text_of(anna.get(PLAN))


def test_what_is_held_leads_to_its_matter(anna: Client, north: Organization) -> None:
    an_event(north, task_id="T1")
    hold = a_hold(north)
    page = anna.get(PLAN)
    assert "held 1 event, by Roe against the organization" in text_of(page)
    assert f'href="{HOLDS}{hold.pk}/change/"' in page.content.decode()


def test_a_night_without_a_run_is_told_everywhere(anna: Client) -> None:
    with setting_the_scene():
        ended = timezone.now() - timedelta(hours=27)
        RetentionRun.objects.create(started_at=ended, finished_at=ended, policy_version=1)
    assert "The nightly run did not happen." in text_of(anna.get(PLAN))
    assert "The nightly run of retention did not happen." in text_of(anna.get("/admin/"))


@pytest.fixture
def planned(committed: None) -> Iterator[Organization]:
    """A month that was published, of an organization whose plans two people approve."""
    in_force('retention_policies: {activity_logs: "6 months"}\nretention: {approval: two_people}')
    organization = an_organization("north")
    an_old_event(organization, months_ago(8))
    with login_of_default("worker"):
        applying.run(timezone.now())
    yield organization
    connections["owner"].close()


def test_two_people_approve_on_the_page(planned: Organization) -> None:
    anna, ben = signed_in(planned, "anna"), signed_in(planned, "ben")
    row = PlannedDestruction.objects.get()
    approve = f"{PLAN}{row.pk}/approve/"
    assert "2 approvals missing" in text_of(anna.get(PLAN))
    assert said(anna, approve) == f"Your approval of {row.segment} is on record."
    page = anna.get(PLAN)
    assert "Approved by anna 1 approval missing by somebody else than you" in text_of(page)
    assert approve not in page.content.decode()
    assert "second person" in said(anna, approve)
    assert approve in ben.get(PLAN).content.decode()
    said(ben, approve)
    assert "Approved by anna , ben" in text_of(ben.get(PLAN))
    row.refresh_from_db()
    assert row.approved_by == ["anna", "ben"]


def test_what_is_published_says_when_it_happens(planned: Organization) -> None:
    page = text_of(signed_in(planned, "anna").get(PLAN))
    assert "published The whole month, with the first nightly run after" in page
    version = PlannedDestruction.objects.get().policy_version
    assert f"kept for 6 months under policy version {version}" in page


def waiting_page() -> str:
    """Of a version that would shorten a period."""
    in_force('retention_policies: {activity_logs: "2 years"}')
    shorter = 'retention_policies: {activity_logs: "1 month"}'
    version = PolicyVersion.objects.using("worker").create(
        text=shorter,
        plain=as_plain(load_policy(shorter, name="x")),
        digest="1" * 64,
        author="ops",
        loaded_at=timezone.now(),
        state=PolicyState.WAITING,
        consequences=[{"kind": "shortens_retention", "organization": "", "sentence": "x"}],
    )
    return f"/admin/policy/policyversion/{version.pk}/change/"


def test_a_waiting_policy_shows_what_it_would_destroy(planned: Organization) -> None:
    row = PlannedDestruction.objects.get()
    page = text_of(signed_in(planned, "anna").get(waiting_page()))
    assert "What would be destroyed earlier" in page
    assert f"{row.segment} north 1 from " in page


# --- conflicts ----------------------------------------------------------------------------------

RESOLVE = f"{PLAN}north/security_logs/resolve/"
DECISION = {"decision": "keep_to_floor", "basis": "advice of 3 March"}


def test_a_conflict_is_told_decided_and_shown(anna: Client, north: Organization) -> None:
    in_force(CONFLICT % "north")
    for page in (PLAN, "/admin/"):
        assert f'href="{RESOLVE}"' in anna.get(page).content.decode()
    form = text_of(anna.get(RESOLVE))
    assert "hipaa At least 6 years" in form
    assert "gdpr At most 3 years" in form
    assert "on record" in said(anna, RESOLVE, DECISION)
    resolution = RetentionResolution.objects.get()
    assert (resolution.decided_by, resolution.decision) == ("anna", "keep_to_floor")
    assert "are not destroyed" not in text_of(anna.get(PLAN))
    assert "Security events 3 years 6 years" in text_of(anna.get(PLAN))
    assert "advice of 3 March" in text_of(anna.get(RESOLVE))


@pytest.mark.parametrize("data", [{"decision": "keep_to_floor"}, {"basis": "x"}, {"basis": " "}])
def test_a_decision_without_a_ground_is_none(
    anna: Client, north: Organization, data: dict[str, str]
) -> None:
    in_force(CONFLICT % "north")
    answer = anna.post(RESOLVE, data)
    assert b"This field is required" in answer.content
    assert not RetentionResolution.objects.exists()


def test_another_organizations_conflict_is_not_there(anna: Client) -> None:
    an_organization("south")
    in_force(CONFLICT % "south")
    assert anna.get(RESOLVE.replace("north", "south")).status_code == 404
    assert "contradict" not in text_of(anna.get("/admin/"))


# --- legal holds --------------------------------------------------------------------------------


def test_a_hold_is_placed_and_shows_what_it_keeps(anna: Client, north: Organization) -> None:
    assert "Nothing is held" in text_of(anna.get(HOLDS))
    an_event(north, task_id="T1")
    answer = anna.post(f"{HOLDS}add/", WISH, follow=True)
    page = text_of(answer)
    hold = LegalHold.objects.get()
    assert (hold.placed_by, hold.scope_kind, hold.scope_value) == ("anna", "task", "T1")
    assert f"{segment_of(timezone.now())} 1" in page
    assert "Roe against the organization" in text_of(anna.get(HOLDS))


def test_a_hold_of_what_is_not_there_is_placed_only_by_who_was_told(
    anna: Client, north: Organization
) -> None:
    an_event(north, task_id="T1")
    page = anna.post(f"{HOLDS}add/", WISH | {"scope": "T2"})
    assert "nothing is placed yet" in text_of(page)
    assert not LegalHold.objects.exists()
    assert not Event.objects.filter(action="Hold Placed").exists()
    told = {"nothing": page.context["form"].wanted}
    assert "nothing is placed yet" in text_of(
        anna.post(f"{HOLDS}add/", WISH | {"scope": "T3"} | told)
    )
    assert "No event in the three logs is covered today" in text_of(
        anna.post(f"{HOLDS}add/", WISH | {"scope": "T2"} | told, follow=True)
    )
    assert LegalHold.objects.get().scope_value == "T2"


def test_a_hold_on_a_case_is_placed_whether_there_is_one_or_not(anna: Client) -> None:
    wish = WISH | {"scope_kind": "case", "scope": str(UUID(int=7))}
    assert "if there is one" in text_of(anna.post(f"{HOLDS}add/", wish, follow=True))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"matter": ""}, "This field is required"),
        ({"scope_kind": "segment", "scope": "activity"}, "a segment such as activity-2026-11"),
        ({"scope_kind": "case", "scope": "H-1"}, "the code of a case"),
        ({"organization": "south"}, "Select a valid choice"),
        ({"scope_kind": "mail"}, "Select a valid choice"),
    ],
)
def test_a_hold_that_says_too_little_is_refused_at_its_field(
    anna: Client, change: dict[str, str], sentence: str
) -> None:
    an_organization("south")
    assert sentence in text_of(anna.post(f"{HOLDS}add/", WISH | change))
    assert not LegalHold.objects.exists()


def test_two_people_release_on_the_page(anna: Client, ben: Client, north: Organization) -> None:
    hold = a_hold(north)
    page, release = f"{HOLDS}{hold.pk}/change/", f"{HOLDS}{hold.pk}/release/"
    assert "You ask, and a second person releases" in text_of(anna.get(page))
    assert "still holds" in said(anna, release, {"step": "ask"})
    assert "a second person has to release it" in text_of(anna.get(page))
    assert "second person" in said(anna, release, {"step": "release"})
    assert "anna has asked for it" in text_of(ben.get(page))
    assert "one of the next nightly runs" in said(ben, release, {"step": "release"})
    hold.refresh_from_db()
    assert (hold.release_asked_by, hold.released_by) == ("anna", "ben")
    assert "Nothing any more: it was released." in text_of(anna.get(page))
    assert "Released holds" in text_of(anna.get(HOLDS))


def test_a_hold_that_is_due_for_review_says_so(anna: Client, north: Organization) -> None:
    holds.place(
        north,
        matter="M-1",
        reason="x",
        owner="x",
        scope_kind="user",
        scope_value="jane",
        by="anna",
        now=timezone.now() - timedelta(days=90),
    )
    assert "due" in text_of(anna.get(HOLDS))
    assert "1 legal hold 1 to be reviewed" in text_of(anna.get("/admin/"))


def test_a_hold_on_a_case_tells_nothing_of_the_case(anna: Client, north: Organization) -> None:
    hold = a_hold(north, "case", str(UUID(int=5)))
    assert "if there is one" in text_of(anna.get(f"{HOLDS}{hold.pk}/change/"))


def test_a_count_that_takes_too_long_is_not_waited_for(
    anna: Client, north: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "SELECT pg_sleep(60)::text, count(*) FROM held_event WHERE hold_id = %s"
    monkeypatch.setattr(holds, "_ROWS_BY_SEGMENT", slow)
    monkeypatch.setattr(facts, "PATIENCE", "10ms")
    page = text_of(anna.get(f"{HOLDS}{a_hold(north).pk}/change/"))
    assert "Counting it takes longer than a page may take." in page


def test_a_plan_that_takes_too_long_is_not_waited_for(
    planned: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = signed_in(planned, "anna")
    a_hold(planned)
    slow = facts._HELD.replace("SELECT", "SELECT pg_sleep(60),", 1)
    monkeypatch.setattr(facts, "_HELD", slow)
    monkeypatch.setattr(facts, "PATIENCE", "10ms")
    for page in (PLAN, waiting_page()):
        assert "has all events read, which takes longer than a page may" in text_of(anna.get(page))
    answer = anna.get("/api/v1/retention/plan/")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_no_hold_breaks_the_page(anna: Client, north: Organization) -> None:
    answer = anna.post(
        f"{HOLDS}add/",
        WISH | dict.fromkeys(("matter", "reason", "owner", "scope"), HOSTILE),
        follow=True,
    )
    for page in (answer, anna.get(HOLDS), anna.get(PLAN)):
        assert b"<script>alert" not in page.content
        assert b"<img src=x" not in page.content


# --- certificates -------------------------------------------------------------------------------


def test_a_certificate_is_listed_read_and_taken_along(anna: Client, north: Organization) -> None:
    assert "Nothing was destroyed yet" in text_of(anna.get(CERTIFICATES))
    one = a_certificate(north)
    assert "activity-2020-01, the whole segment 2 1" in text_of(anna.get(CERTIFICATES))
    page = text_of(anna.get(f"{CERTIFICATES}{one.pk}/change/"))
    assert "2 events of north in the segment activity-2020-01 were destroyed" in page
    assert one.digest_at_closing in page
    told = anna.get(f"{CERTIFICATES}{one.pk}/json/")
    assert (
        told.headers["Content-Disposition"] == f'attachment; filename="certificate-{one.pk}.json"'
    )
    assert json.loads(told.content)["rows_destroyed"] == 2
    file = anna.get(f"{CERTIFICATES}{one.pk}/pdf/")
    assert file.headers["Content-Type"] == "application/pdf"
    assert file.content.startswith(b"%PDF-")


def test_many_certificates_have_pages(anna: Client, north: Organization) -> None:
    for _ in range(101):
        a_certificate(north)
    first = anna.get(CERTIFICATES).content.decode()
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found
    second = anna.get(f"{CERTIFICATES}{found[1]}").content.decode()
    assert second.count("data-open") == 1
    assert anna.get(f"{CERTIFICATES}?cursor=x").status_code == 400


def test_looks_are_on_record(anna: Client, north: Organization) -> None:
    one = a_certificate(north)
    for path in (PLAN, HOLDS, CERTIFICATES, f"{CERTIFICATES}{one.pk}/change/"):
        anna.get(path)
    told = [event.details["read"] for event in Event.objects.filter(code="logs.viewed")]
    assert told == ["retention plan", "legal holds", "certificates", f"certificate {one.pk}"]


def test_others_things_are_not_there(anna: Client) -> None:
    south = an_organization("south")
    hold, certificate = a_hold(south), a_certificate(south)
    addresses: list[tuple[str, Any]] = [
        (f"{HOLDS}{hold.pk}/change/", anna.get),
        (f"{HOLDS}{hold.pk}/release/", anna.post),
        *((f"{CERTIFICATES}{certificate.pk}/{form}/", anna.get) for form in ("change", "pdf")),
    ]
    for path, call in addresses:
        assert call(path).status_code == 404
    assert "south" not in text_of(anna.get(HOLDS)) + text_of(anna.get(CERTIFICATES))
