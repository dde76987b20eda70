"""Refused items: judged again by the door's own rules, once, and never left behind or doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from pytest_django import DjangoCaptureOnCommitCallbacks

from logs.record import bounds, ingest, own_events, quarantine
from logs.record.access import Viewer
from logs.record.drafts import MAX_DETAILS_BYTES, parse_batch, parse_item
from logs.record.identifiers import new_ids
from logs.record.models import Event, QuarantinedEvent, SensitiveReference
from logs.record.vocabulary import LogType
from orgo_audit.accounts.models import Organization, Role, Scope, User
from orgo_audit.accounts.people import give_role
from orgo_audit.accounts.tokens import create_token
from orgo_audit.errors import BadInput, Conflict, NotFound
from tests.builders import (
    Vault,
    a_refused_item,
    a_user,
    an_organization,
    setting_the_scene,
    stored,
    wire_event,
)

_json = msgspec.json.Encoder().encode
SOON = timedelta(minutes=30)


@pytest.fixture
def home(db: None, vault: Vault) -> Organization:
    return an_organization()


@pytest.fixture
def admin(home: Organization) -> Viewer:
    return Viewer(a_user(Role.ADMIN, home), "192.0.2.9")


def ahead() -> str:
    """A timestamp that the door refuses now and takes half an hour later."""
    return (timezone.now() + SOON).isoformat()


def replay_later(viewer: Viewer, item: QuarantinedEvent) -> Any:
    return quarantine.replay(viewer, item.pk, now=timezone.now() + SOON)


def waits(item: QuarantinedEvent) -> bool:
    return QuarantinedEvent.objects.filter(pk=item.pk).exists()


def events_of(organization: Organization, action: str = "Task Routed") -> list[Event]:
    return list(Event.objects.filter(organization=organization, action=action))


def told(organization: Organization, action: str) -> list[dict[str, Any]]:
    return [event.details for event in events_of(organization, action)]


def settled(how: str) -> float:
    return REGISTRY.get_sample_value("orgo_audit_quarantine_settled_total", {"how": how}) or 0.0


# --- replay -------------------------------------------------------------------------------------


def test_an_item_that_is_right_now_is_stored_as_its_sender_sent_it(
    home: Organization, admin: Viewer
) -> None:
    item = a_refused_item(home, source="router", timestamp=ahead(), task_id="T1", extra=[1, "ä"])
    assert replay_later(admin, item) is None
    (event,) = events_of(home)
    assert (event.source, event.task_id, event.details) == ("router", "T1", {"extra": [1, "ä"]})
    assert not waits(item)


@pytest.mark.parametrize("log_type", [*LogType, None])
def test_an_item_goes_to_the_log_it_was_meant_for(
    log_type: LogType | None, home: Organization, admin: Viewer
) -> None:
    own = {} if log_type else {"log_type": "error"}
    item = a_refused_item(home, log_type, timestamp=ahead(), error="E", task_id="T1", **own)
    assert replay_later(admin, item) is None
    (event,) = Event.objects.filter(organization=home, task_id="T1")
    assert event.log_type == (log_type or LogType.ERROR)


def test_an_item_that_named_no_log_is_refused_again_as_it_was(
    home: Organization, admin: Viewer
) -> None:
    item = a_refused_item(home, None, task_id="T1")
    refusal = replay_later(admin, item)
    assert (refusal.code, refusal.path) == (item.code, "log_type") == ("missing_field", "log_type")


def test_what_is_refused_again_stays_with_its_new_reason_and_its_age(
    home: Organization, admin: Viewer
) -> None:
    item = a_refused_item(home)
    QuarantinedEvent.objects.filter(pk=item.pk).update(code="old", path="old", detail="old")
    refusal = replay_later(admin, item)
    kept = QuarantinedEvent.objects.get(organization=home)
    assert (kept.code, kept.path, kept.detail) == (refusal.code, "task_id", refusal.sentence)
    assert (kept.pk, kept.recorded_at, kept.sent) == (item.pk, item.recorded_at, item.sent)
    assert refusal.code == "wrong_type"


def test_what_has_become_sensitive_is_sealed_and_the_answer_does_not_tell(
    home: Organization, admin: Viewer
) -> None:
    right = a_refused_item(home, timestamp=ahead(), task_id="T1")
    wrong = a_refused_item(home, task_id="T1", user=5)
    stored(home, wire_event(action="Report Filed", task_id="T1"))
    assert replay_later(admin, right) is None
    assert replay_later(admin, wrong) is None
    assert not QuarantinedEvent.objects.filter(organization=home).exists()
    assert events_of(home) == []
    assert [event["verdict"] for event in told(home, "Quarantine Replayed")] == ["accepted"] * 2


def test_an_item_of_which_only_the_beginning_was_kept_cannot_be_replayed(
    home: Organization, admin: Viewer
) -> None:
    item = a_refused_item(home, note="x" * (MAX_DETAILS_BYTES + 1))
    assert item.truncated
    with pytest.raises(Conflict) as refused:
        replay_later(admin, item)
    assert refused.value.code == "truncated"
    assert waits(item)


def test_a_replay_is_on_record_without_what_was_sent(home: Organization, admin: Viewer) -> None:
    item = a_refused_item(home, task_id=5, note="planted")
    replay_later(admin, item)
    (event,) = events_of(home, "Quarantine Replayed")
    assert (event.log_type, event.code) == ("security", "quarantine.replayed")
    assert (event.actor, event.ip_address) == (admin.name, "192.0.2.9")
    assert event.details == {
        "item": str(item.pk),
        "code": "wrong_type",
        "delivered_by": "router",
        "verdict": "refused",
        "new_code": "wrong_type",
    }


def test_where_the_record_cannot_be_written_the_item_stays(
    home: Organization, admin: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = a_refused_item(home, timestamp=ahead())

    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(own_events, "report_settlement", fail)
    for settle in (replay_later, lambda viewer, item: quarantine.discard(viewer, item.pk, "why")):
        with pytest.raises(OSError, match="disk"), transaction.atomic():
            settle(admin, item)
    assert waits(item)
    assert events_of(home) == []


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Every call in a thread of its own, with a connection of its own; results or errors."""
    results: list[object] = []
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        gate.wait()
        try:
            results.append(call())
        except NotFound as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.usefixtures("committed")
def test_two_who_replay_at_once_store_it_once(vault: Vault) -> None:
    home = an_organization()
    one, other = (Viewer(a_user(Role.ADMIN, home)) for _ in range(2))
    item = a_refused_item(home, timestamp=ahead(), task_id="T1")
    results = at_once(*(lambda who=who: replay_later(who, item) for who in (one, other) * 3))
    assert [result for result in results if not isinstance(result, NotFound)] == [None]
    assert len(events_of(home)) == 1
    assert len(events_of(home, "Quarantine Replayed")) == 1


@pytest.mark.usefixtures("committed")
def test_who_replays_and_who_discards_at_once_do_not_both_win(vault: Vault) -> None:
    home = an_organization()
    admin = Viewer(a_user(Role.ADMIN, home))
    item = a_refused_item(home, timestamp=ahead(), task_id="T1")
    results = at_once(
        lambda: replay_later(admin, item), lambda: quarantine.discard(admin, item.pk, "why")
    )
    assert sum(isinstance(result, NotFound) for result in results) == 1
    discarded = len(events_of(home, "Quarantine Discarded"))
    assert len(events_of(home)) + discarded == 1


@pytest.mark.usefixtures("committed")
def test_the_vault_gets_what_was_refused_and_has_become_sensitive(vault: Vault) -> None:
    home = an_organization()
    item = a_refused_item(home, task_id="T1", user=5)
    stored(home, wire_event(action="Report Filed", task_id="T1"))
    quarantine.replay(Viewer(a_user(Role.ADMIN, home)), item.pk, now=timezone.now())
    contents = vault.items(home)
    (ours,) = [content for content in contents if content["event"]["action"] != "Report Filed"]
    assert ours["refused"] == {"code": "wrong_type", "path": "user"}
    assert ours["source"] == "router"
    assert SensitiveReference.objects.filter(organization=home).exists()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
NUMBER = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from(["timestamp", "action", "task_id", "log_type", "note"]), JSON)
)
def test_what_is_kept_is_judged_as_what_was_sent(sent: dict[str, Any]) -> None:
    now = timezone.now()
    for log_type in (LogType.ACTIVITY, None):
        (first,) = parse_batch(_json(sent), lines=False, log_type=log_type, now=now)
        again = parse_item(_json(first.sent), log_type=log_type, now=now)
        assert again == first


# --- discard ------------------------------------------------------------------------------------


def test_a_discard_keeps_the_reason_and_nothing_else(home: Organization, admin: Viewer) -> None:
    item = a_refused_item(home, task_id=5, note="planted")
    quarantine.discard(admin, item.pk, "  a test of the router ")
    assert not waits(item)
    (event,) = events_of(home, "Quarantine Discarded")
    assert event.actor == admin.name
    assert event.details["reason"] == "a test of the router"
    assert "planted" not in repr(event.details)


def test_a_discard_whose_reason_names_a_sensitive_mailbox_is_told_without_it(
    home: Organization, admin: Viewer
) -> None:
    item = a_refused_item(home, task_id=5)
    quarantine.discard(admin, item.pk, "see harassment@organization.com")
    (event,) = events_of(home, "Quarantine Discarded")
    assert event.details["reason"] == "withheld"
    assert event.details["item"] == str(item.pk)


@pytest.mark.parametrize("reason", ["", " \n", "x" * 501, "a\0b", None, 5, ["a"]], ids=repr)
def test_a_discard_says_why(reason: Any, home: Organization, admin: Viewer) -> None:
    item = a_refused_item(home)
    with pytest.raises(BadInput) as refused:
        quarantine.discard(admin, item.pk, reason)
    assert refused.value.path == "reason"
    assert waits(item)


# --- who ----------------------------------------------------------------------------------------


def test_nobody_else_settles_an_item(home: Organization, admin: Viewer) -> None:
    item = a_refused_item(home)
    elsewhere = an_organization()
    leaver = a_user(Role.ADMIN, home)
    leaver.is_active = False
    with setting_the_scene():
        root = User.objects.create_superuser("root", password=None)
        create_token("reader", home, list(Scope), expires_at=timezone.now() + SOON)
    strangers = [a_user(Role.ADMIN, elsewhere), a_user(Role.AUDITOR, home), leaver, root]
    for identity in strangers:
        for settle in (
            lambda who: quarantine.replay(who, item.pk, now=timezone.now()),
            lambda who: quarantine.discard(who, item.pk, "why"),
            lambda who: quarantine.get(who, item.pk),
        ):
            with pytest.raises(NotFound):
                settle(Viewer(identity))
    assert waits(item)
    with pytest.raises(NotFound):
        quarantine.get(admin, UUID(int=0))


def test_an_admin_of_two_organizations_sees_both_newest_first(home: Organization) -> None:
    other = an_organization()
    user = a_user(Role.ADMIN, home)
    with setting_the_scene():
        give_role(user, Role.ADMIN, other)
    items = [a_refused_item(place) for place in (home, other, home, other)]
    page = quarantine.read(Viewer(user), quarantine.query_from({}), size=3)
    assert [item.pk for item in page.rows] == [item.pk for item in reversed(items)][:3]
    rest = quarantine.read(Viewer(user), quarantine.query_from({}), cursor=page.next, size=3)
    assert [item.pk for item in rest.rows] == [items[0].pk]
    assert rest.next is None


# --- bounds -------------------------------------------------------------------------------------


def waiting(organization: Organization, *sizes: int, age: timedelta = timedelta()) -> None:
    """Items of so many bytes, the oldest first."""
    then = timezone.now() - age
    QuarantinedEvent.objects.bulk_create(
        QuarantinedEvent(
            id=identifier,
            organization=organization,
            source="router",
            recorded_at=then,
            code="wrong_type",
            detail="expected a text",
            sent="x" * size,
        )
        for identifier, size in zip(new_ids(then, len(sizes)), sizes, strict=True)
    )


@pytest.mark.usefixtures("as_worker")
def test_quarantine_is_bounded_by_size_and_the_oldest_go_first(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MAX_QUARANTINED_BYTES", 100)
    waiting(home, 10, 61, 30, 10)
    bounds.prune_quarantine(timezone.now())
    kept = QuarantinedEvent.objects.filter(organization=home).order_by("pk")
    assert [len(item.sent) for item in kept] == [30, 10]


@pytest.mark.usefixtures("as_worker")
def test_one_tenants_flood_pushes_out_nothing_of_another(
    home: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MAX_QUARANTINED", 3)
    other = an_organization()
    waiting(other, 1, age=timedelta(days=1))
    waiting(home, *[1] * 10)
    bounds.prune_quarantine(timezone.now())
    assert QuarantinedEvent.objects.filter(organization=home).count() == 3
    assert QuarantinedEvent.objects.filter(organization=other).count() == 1


@pytest.mark.usefixtures("as_worker")
def test_what_the_bounds_remove_is_told_and_counted_once(
    home: Organization,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    monkeypatch.setattr(bounds, "MAX_QUARANTINED", 3)
    waiting(home, 1, 1, age=timedelta(days=31))
    waiting(home, *[1] * 4)
    before = settled("expired"), settled("surplus")
    with django_capture_on_commit_callbacks(execute=True):
        bounds.prune_quarantine(timezone.now())
        bounds.prune_quarantine(timezone.now())
    (event,) = events_of(home, "Quarantine Pruned")
    assert event.actor == "system:quarantine"
    assert event.details == {"expired": 2, "surplus": 1}
    assert (settled("expired"), settled("surplus")) == (before[0] + 2, before[1] + 1)
    assert bounds.quarantined() == 3


def test_each_way_out_is_counted(
    home: Organization,
    admin: Viewer,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    ways = ("accepted", "discarded")
    before = {how: settled(how) for how in ways}
    with django_capture_on_commit_callbacks(execute=True):
        replay_later(admin, a_refused_item(home, timestamp=ahead()))
        replay_later(admin, a_refused_item(home))
        quarantine.discard(admin, a_refused_item(home).pk, "why")
    assert {how: settled(how) for how in ways} == {how: before[how] + 1 for how in ways}


def test_the_limit_of_what_is_kept_of_one_item_is_that_of_the_door(home: Organization) -> None:
    item = a_refused_item(home, note="x" * (2 * ingest.MAX_QUARANTINED_CHARACTERS))
    assert len(item.sent) == ingest.MAX_QUARANTINED_CHARACTERS
