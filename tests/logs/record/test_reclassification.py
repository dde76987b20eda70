"""What spoke of a task before it became sensitive leaves the ordinary world: whole and once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import pytest
from django.db import DatabaseError, ProgrammingError, connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from logs import envelope, tasks
from logs.record import drafts, ingest, own_events, reclassification, references, wire
from logs.record.models import Event, QuarantinedEvent, Reclassification
from logs.record.vocabulary import LogType
from orgo_audit import logins
from orgo_audit.accounts.models import Organization, Role
from tests.builders import (
    API,
    Caller,
    Service,
    Vault,
    a_refused_item,
    a_user,
    an_event,
    an_organization,
    inbox,
    stored,
    wire_event,
)
from tests.database import login_of_default

committing = pytest.mark.usefixtures("committed")
NOW = datetime.now(UTC)
CANARY = "Zaphod Quillfeather"
REPORT = wire_event(action="Report Filed", task_id="T-1")
ANNOUNCED = "Events Reclassified"


@pytest.fixture
def home(committed: None, vault: Vault) -> Organization:
    return an_organization()


def reclassify() -> None:
    """As the worker does it."""
    with login_of_default(logins.WORKER):
        tasks.reclassify()


def report(organization: Organization, task_id: str = "T-1") -> None:
    stored(organization, REPORT | {"task_id": task_id})


def notes_left(organization: Organization) -> set[str]:
    """The notes of the events that anybody may still read."""
    events = Event.objects.filter(organization=organization)
    return {event.details["note"] for event in events if "note" in event.details}


def announcements(organization: Organization) -> list[Event]:
    return list(Event.objects.filter(organization=organization, action=ANNOUNCED).order_by("pk"))


def sealed_later(vault: Vault, organization: Organization) -> list[dict[str, Any]]:
    return [item for item in vault.items(organization) if item.get("reclassified")]


def everything_readable() -> str:
    """All that this login may read in the public schema."""
    rows: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND has_table_privilege(oid, 'SELECT')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')  # noqa: S608  (names of the catalog)
            rows += (row[0] for row in cursor.fetchall())
    return "\n".join(rows)


# --- what leaves --------------------------------------------------------------------------------


def test_no_page_list_export_or_table_shows_what_came_before_the_report(
    home: Organization,
) -> None:
    service, admin = Service(home), Caller(user=a_user(Role.ADMIN, home))
    about = {"task_id": "T-1", "note": CANARY}
    gone = [
        service.deliver(wire_event(kind, **about), log_type=kind).json["ids"][0] for kind in LogType
    ]
    gone += service.deliver(wire_event(details={"task_id": "T-1", "note": CANARY})).json["ids"]
    stays = service.deliver(wire_event(task_id="T9")).json["ids"][0]
    service.deliver(wire_event(**about, user=5))
    service.deliver(REPORT)
    reclassify()

    shown = "".join(
        admin.get(path).content.decode()
        for path in (
            *(f"{API}/logs/", f"{API}/logs/export/", f"{API}/quarantine/"),
            *(f"/admin/logs/{kind.value}log/" for kind in LogType),
            "/admin/logs/quarantinedevent/",
        )
    )
    for secret in (CANARY, *gone):
        assert secret not in shown
    assert stays in shown
    for event_id in gone:
        assert admin.get(f"{API}/logs/{event_id}/").status == 404
        assert admin.get(f"/admin/logs/activitylog/{event_id}/change/").status == 404
    assert admin.get(f"{API}/logs/{stays}/").status == 200
    readable = everything_readable()
    with login_of_default(logins.WORKER):
        readable += everything_readable()
    assert stays in readable
    for secret in (CANARY, "T-1"):
        assert secret not in readable
    assert admin.get(f"{API}/traces/T-1/").status == 404


def test_the_vault_gets_each_event_once_as_it_was_sent_with_its_own_time_and_source(
    home: Organization, vault: Vault
) -> None:
    sent = [wire_event(task_id="T-1", note=str(number)) for number in range(3)]
    events = [
        *stored(home, sent[0], sent[1], source="parser"),
        *stored(home, sent[2], source="router"),
    ]
    report(home)
    reclassify()
    assert [
        (item["source"], datetime.fromisoformat(item["recorded_at"]), item["event"])
        for item in sealed_later(vault, home)
    ] == [
        (event.source, event.recorded_at, content)
        for event, content in zip(events, sent, strict=True)
    ]
    assert {item["log_type"] for item in sealed_later(vault, home)} == {"activity"}


def test_a_refused_item_goes_to_the_vault_as_refused(home: Organization, vault: Vault) -> None:
    kept = a_refused_item(home, user=5, task_id="T-1")
    report(home)
    reclassify()
    (item,) = sealed_later(vault, home)
    assert item["event"] == wire_event(user=5, task_id="T-1")
    assert item["refused"] == {"code": "wrong_type", "path": "user"}
    assert datetime.fromisoformat(item["recorded_at"]) == kept.recorded_at
    assert not QuarantinedEvent.objects.exists()


def test_a_refused_item_leaves_even_if_what_it_spoke_of_was_cut_away(
    home: Organization, vault: Vault
) -> None:
    a_refused_item(home, user=5, note="x" * ingest.MAX_QUARANTINED_CHARACTERS, task_id="T-1")
    kept = QuarantinedEvent.objects.get()
    assert kept.truncated
    assert "T-1" not in kept.sent
    report(home)
    reclassify()
    assert not QuarantinedEvent.objects.exists()
    assert sealed_later(vault, home)[0]["event"] == kept.sent


@pytest.mark.parametrize(
    "spoken",
    [
        {"details": {"task_id": "T-1"}},
        {"details": {"task_id": "T-1", "details": "what this sender calls so"}},
        {"details": {"task_id": "T-1", "own": 1}, "own": 2},
        {"task_id": "T2", "details": {"task_id": "T-1"}},
        {"email_id": "T-1", "task_id": "T-1"},
    ],
    ids=repr,
)
def test_wherever_an_event_speaks_of_the_task_it_leaves(
    home: Organization, vault: Vault, spoken: dict[str, Any]
) -> None:
    an_event(home, **spoken)
    report(home)
    reclassify()
    assert len(sealed_later(vault, home)) == 1
    assert not Event.objects.exclude(action=ANNOUNCED).exists()


@pytest.mark.parametrize("value", [12345, "x" * 10_000, "é" * 500, "%_\\'\"", "{1}", "NULL"])
def test_whatever_a_sender_calls_a_task_in_its_details_is_found(
    home: Organization, value: Any
) -> None:
    an_event(home, details={"task_id": value}, note="gone")
    an_event(home, details={"task_id": "T"}, note="stays")
    stored(home, wire_event(workflow="harassment", details={"task_id": value}))
    reclassify()
    assert notes_left(home) == {"stays"}


def test_what_speaks_of_another_task_or_not_at_all_stays(home: Organization) -> None:
    an_event(home, task_id="T10", note="another task")
    an_event(home, email_id="T-1", note="a mail of that name")
    an_event(home, reason="T-1", note="a mention")
    an_event(home, other={"task_id": "T-1"}, note="deeper than anybody looks")
    an_event(an_organization(), task_id="T-1", note="of another organization")
    report(home)
    reclassify()
    assert len(notes_left(home)) == 4
    assert not announcements(home)
    assert Event.objects.filter(task_id="T-1").exists()


def test_what_hangs_on_what_leaves_leaves_too(home: Organization, vault: Vault) -> None:
    an_event(home, task_id="T-1", email_id="M1", note="1")
    an_event(home, details={"email_id": "M1", "task_id": "T2"}, note="2")
    a_refused_item(home, user=5, task_id="T2", email_id="M3", note="3")
    long = "x" * ingest.MAX_QUARANTINED_CHARACTERS
    a_refused_item(home, user=5, email_id="M3", long=long, task_id="T4")
    a_refused_item(home, user=5, task_id="T4", email_id="M5", note="5")
    an_event(home, email_id="M5", note="6")
    an_event(home, email_id="M6", note="stays")
    report(home)
    assert ingest.record([], home).sealed == 0
    assert stored(home, wire_event(email_id="M5")) == []
    reclassify()
    assert notes_left(home) == {"stays"}
    assert not QuarantinedEvent.objects.exists()
    assert len(sealed_later(vault, home)) == 6


def test_what_came_in_the_same_batch_leaves_once_the_record_ties_it_to_the_report(
    home: Organization, vault: Vault
) -> None:
    an_event(home, task_id="T-1", email_id="M1")
    stored(home, REPORT, wire_event(email_id="M1", note="beside it"))
    assert notes_left(home) == {"beside it"}
    reclassify()
    assert notes_left(home) == set()
    assert len(sealed_later(vault, home)) == 2


def test_a_worker_that_imports_a_report_takes_its_earlier_events_along(home: Organization) -> None:
    an_event(home, task_id="T-1", note="gone")
    with login_of_default(logins.WORKER):
        report(home)
        tasks.reclassify()
    assert notes_left(home) == set()


def test_what_the_portal_says_of_itself_stays_whoever_puts_it_down(home: Organization) -> None:
    own_events.report_administration("Hold Placed", home, "anna", {"task_id": "T-1"})
    said = Event.objects.get(action="Hold Placed")
    an_event(home, task_id="T-1", note="gone")
    report(home)
    with login_of_default(logins.WORKER):
        waiting = set(Reclassification.objects.values_list("subject_id", flat=True))
        assert said.pk not in waiting
        Reclassification.objects.create(organization=home, kind="event", subject_id=said.pk)
        tasks.reclassify()
        assert not Reclassification.objects.exists()
    assert notes_left(home) == set()
    assert Event.objects.filter(pk=said.pk).exists()


def test_the_database_lets_no_event_of_the_portals_own_be_moved(home: Organization) -> None:
    own_events.report_administration("Hold Placed", home, "anna", {})
    said = Event.objects.get(action="Hold Placed").pk
    with login_of_default(logins.WORKER):
        Reclassification.objects.create(organization=home, kind="event", subject_id=said)
        announcement = own_events.announce_reclassification(home, ["security"])
        with pytest.raises(ProgrammingError, match="the portal's own, stay"):
            reclassification._remove([said], announcement)


@pytest.mark.parametrize(("first", "then"), [("T-1", " t-1 "), ("Case t", "CASE T"), ("t", "T")])
def test_however_somebody_types_a_task_it_is_the_same(
    home: Organization, first: str, then: str
) -> None:
    report(home, first)
    assert Service(home).deliver(wire_event(task_id=then)).json["sealed"] == 1
    assert stored(an_organization(), wire_event(task_id=then)) != []


def test_one_batch_may_spell_its_task_in_two_ways(home: Organization) -> None:
    told = Service(home).deliver(REPORT, wire_event(task_id="t-1 "), wire_event(task_id="t-2"))
    assert told.json["sealed"] == 2


# --- what is said about it ----------------------------------------------------------------------


def test_the_announcement_says_from_which_lists_and_nothing_else(home: Organization) -> None:
    an_event(home, LogType.ERROR, task_id="T-1", user="jane", note=CANARY)
    an_event(home, LogType.ACTIVITY, task_id="T-1", email_id="M1")
    a_refused_item(home, task_id="T-1", user=5)
    report(home)
    reclassify()
    (event,) = announcements(home)
    assert wire.as_wire(event, "x") == {
        "id": str(event.pk),
        "log_type": "security",
        "timestamp": wire.format_instant(event.occurred_at),
        "action": ANNOUNCED,
        "user": "system:reclassification",
        "recorded_at": wire.format_instant(event.recorded_at),
        "organization": "x",
        "source": "portal",
        "outcome": "success",
        "details": {"removed_from": ["activity", "error", "quarantine"]},
    }
    assert event.code == "events.reclassified"


def test_a_refused_item_alone_is_announced_too(home: Organization) -> None:
    a_refused_item(home, task_id="T-1", user=5)
    report(home)
    reclassify()
    assert [event.details for event in announcements(home)] == [{"removed_from": ["quarantine"]}]


def test_nothing_is_announced_where_nothing_came_before(home: Organization) -> None:
    report(home)
    report(home)
    reclassify()
    assert not Event.objects.exists()


# --- again, and in between ----------------------------------------------------------------------


def test_a_second_run_finds_nothing_to_do(home: Organization, vault: Vault) -> None:
    an_event(home, task_id="T-1")
    report(home)
    reclassify()
    envelopes = inbox()
    report(home)
    reclassify()
    assert len(announcements(home)) == 1
    assert len(inbox()) == len(envelopes) + 1


def test_many_events_go_in_several_batches(
    home: Organization, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassification, "BATCH_SIZE", 3)
    stored(home, *[wire_event(task_id="T-1", note=str(number)) for number in range(8)])
    report(home)
    reclassify()
    assert notes_left(home) == set()
    assert sorted(item["event"]["note"] for item in sealed_later(vault, home)) == list("01234567")
    assert len(announcements(home)) == 3


def test_without_the_vaults_key_everything_waits_where_it_is(
    home: Organization, vault: Vault, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    an_event(home, task_id="T-1", note=CANARY)
    a_refused_item(home, task_id="T-1", user=5)
    report(home)
    settings.ORGO_VAULT_PUBLIC_KEY = ""
    reclassify()
    assert notes_left(home) == {CANARY}
    assert QuarantinedEvent.objects.count() == 1
    assert not announcements(home)
    assert "waits to be sealed" in caplog.text
    assert CANARY not in caplog.text
    settings.ORGO_VAULT_PUBLIC_KEY = vault.public_key_pem
    reclassify()
    assert notes_left(home) == set()
    assert len(sealed_later(vault, home)) == 2


@pytest.mark.parametrize(
    ("module", "step"),
    [
        (reclassification, "_take_items"),
        (reclassification, "_seal"),
        (own_events, "announce_reclassification"),
        (reclassification, "_remove"),
    ],
)
def test_killed_at_any_step_it_has_done_nothing_and_begins_again(
    home: Organization, vault: Vault, monkeypatch: pytest.MonkeyPatch, module: Any, step: str
) -> None:
    an_event(home, task_id="T-1", note="gone")
    a_refused_item(home, task_id="T-1", user=5)
    report(home)
    whole: Callable[..., Any] = getattr(module, step)

    def then_die(*arguments: Any) -> None:
        whole(*arguments)
        raise DatabaseError("the server went away")

    monkeypatch.setattr(module, step, then_die)
    with pytest.raises(DatabaseError):
        reclassify()
    assert notes_left(home) == {"gone"}
    assert QuarantinedEvent.objects.count() == 1
    assert (sealed_later(vault, home), announcements(home)) == ([], [])
    monkeypatch.setattr(module, step, whole)
    reclassify()
    assert notes_left(home) == set()
    assert (len(sealed_later(vault, home)), len(announcements(home))) == (2, 1)


def test_a_retry_after_the_removal_gets_the_first_receipt_and_stores_nothing(
    home: Organization,
) -> None:
    service = Service(home)
    key = {"Idempotency-Key": "one"}
    first = service.deliver(wire_event(task_id="T-1"), headers=key)
    service.deliver(REPORT)
    reclassify()
    again = service.deliver(wire_event(task_id="T-1"), headers=key)
    assert (again.status, again.json) == (first.status, first.json)
    assert not Event.objects.filter(task_id="T-1").exists()


def test_the_same_event_sent_anew_is_sealed(home: Organization) -> None:
    service = Service(home)
    service.deliver(wire_event(task_id="T-1"))
    service.deliver(REPORT)
    reclassify()
    assert service.deliver(wire_event(task_id="T-1")).json["sealed"] == 1


# --- at the same time ---------------------------------------------------------------------------


def in_a_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_an_event_that_is_just_being_stored_leaves_too(home: Organization) -> None:
    with transaction.atomic():
        an_event(home, task_id="T-1", note="just being stored")
        reporting = in_a_thread(lambda: report(home))
        reporting.join(0.3)
        assert reporting.is_alive()
    reporting.join(10)
    reclassify()
    assert notes_left(home) == set()


def test_many_senders_and_reporters_at_once_leave_nothing_behind(
    home: Organization, vault: Vault
) -> None:
    def send(number: int) -> None:
        for _ in range(5):
            stored(home, wire_event(task_id="T-1", email_id=f"M{number}", note=CANARY))
            stored(home, wire_event(email_id=f"M{number}", note=CANARY))

    senders = [in_a_thread(lambda number=number: send(number)) for number in range(4)]  # type: ignore[misc]  # mypy types no lambda with a default
    reporting = in_a_thread(lambda: report(home))
    for thread in (*senders, reporting):
        thread.join(30)
        assert not thread.is_alive()
    reclassify()
    assert notes_left(home) == set()
    notes = [item for item in vault.items(home) if item["event"].get("note") == CANARY]
    assert len(notes) == 40


def test_two_runs_at_once_seal_each_event_once(home: Organization, vault: Vault) -> None:
    stored(home, *[wire_event(task_id="T-1", note=str(number)) for number in range(40)])
    report(home)
    with login_of_default(logins.WORKER):
        runs = [in_a_thread(tasks.reclassify) for _ in range(4)]
        for run in runs:
            run.join(30)
            assert not run.is_alive()
        tasks.reclassify()
    assert len(sealed_later(vault, home)) == 40
    assert notes_left(home) == set()


def test_whoever_is_reading_meanwhile_reads_on(home: Organization) -> None:
    stored(home, *[wire_event(task_id="T-1", note=CANARY) for _ in range(3)])
    report(home)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DECLARE reader CURSOR FOR SELECT id FROM event")
        cursor.execute("FETCH 1 FROM reader")
        moving = in_a_thread(reclassify)
        moving.join(30)
        assert not moving.is_alive()
        cursor.execute("FETCH ALL FROM reader")
        assert len(cursor.fetchall()) == 2
    assert notes_left(home) == set()


def test_what_left_in_another_way_is_no_hindrance(home: Organization, vault: Vault) -> None:
    kept = a_refused_item(home, task_id="T-1", user=5)
    report(home)
    Caller(user=a_user(Role.ADMIN, home)).post(
        f"{API}/quarantine/{kept.pk}/discard/", {"reason": "seen"}
    )
    reclassify()
    assert sealed_later(vault, home) == []
    assert not announcements(home)
    with login_of_default(logins.WORKER):
        assert not Reclassification.objects.exists()


# --- the inbox ----------------------------------------------------------------------------------


def test_the_vault_is_told_once_something_sealed_is_committed(home: Organization) -> None:
    vault_login = connections["vault"]
    vault_login.ensure_connection()
    listener: psycopg.Connection[Any] = vault_login.connection
    listener.execute(f"LISTEN {envelope.CHANNEL}")
    an_event(home, task_id="T-1")
    assert list(listener.notifies(timeout=0.2)) == []
    report(home)
    assert [told.payload for told in listener.notifies(timeout=5, stop_after=1)] == [""]
    reclassify()
    assert [told.payload for told in listener.notifies(timeout=5, stop_after=1)] == [""]
    vault_login.close()


# --- as it was sent -----------------------------------------------------------------------------

# Without a zone, as Hypothesis wants its bounds.
A_PAST_DAY = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
names = st.sampled_from(
    ["task_id", "user", "details", "timestamp", "action", "error", "id", "source", "own", "other"]
)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
values = scalars | st.floats(allow_nan=False, allow_infinity=False)
objects = st.dictionaries(names, st.recursive(values, lambda more: st.lists(more, max_size=2)))
known = st.fixed_dictionaries(
    {"timestamp": st.datetimes(timezones=st.just(UTC), max_value=A_PAST_DAY)},
    optional={
        name: st.text(max_size=5)
        for name in ("user", "task_id", "email_id", "from", "to", "status", "reason", "workflow")
    }
    | {"ip_address": st.sampled_from(["192.0.2.7", "2001:DB8:0::1"])},
)
unknown = st.dictionaries(
    names.filter(lambda name: name in ("id", "source", "own", "other")), values
)


@given(
    st.sampled_from(LogType),
    known,
    unknown,
    st.none() | st.fixed_dictionaries({"details": objects | scalars}),
)
def test_what_is_sealed_gives_the_same_row_again(
    log_type: LogType,
    ours: dict[str, Any],
    theirs: dict[str, Any],
    details: dict[str, Any] | None,
) -> None:
    action = "error" if log_type is LogType.ERROR else "action"
    ours["timestamp"] = wire.format_instant(ours["timestamp"])
    sent = ours | {action: "Task Routed"} | theirs | (details or {})
    draft = drafts.draft_of(sent, log_type, now=NOW)
    row = Event(**{name: getattr(draft, name) for name in draft.__struct_fields__})
    sealed = msgspec.json.decode(msgspec.json.encode(reclassification.as_sent(row)))
    assert drafts.draft_of(sealed, log_type, now=NOW) == draft


@pytest.mark.parametrize(
    "sent",
    [
        wire_event(case_id="C1", details={"user": "x"}),
        wire_event(case_id="C1"),
        wire_event(details="a text"),
        wire_event(details={"details": {"a": 1}}),
        wire_event(own=1, details={"own": 2}),
        wire_event(LogType.ERROR, action="of an error", reason=""),
    ],
    ids=repr,
)
def test_what_was_sent_is_given_back_to_the_letter(sent: dict[str, Any]) -> None:
    log_type = LogType.ERROR if "error" in sent else LogType.ACTIVITY
    draft = drafts.draft_of(sent, log_type, now=NOW)
    row = Event(**{name: getattr(draft, name) for name in draft.__struct_fields__})
    assert reclassification.as_sent(row) == sent


@pytest.mark.django_db
def test_what_spoke_of_a_task_is_found_by_indexes_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        wanted: dict[str, Any] = {"organization": 1, "task_id": ["T-1"], "email_id": ["M1"]}
        cursor.execute("EXPLAIN " + references._PUT_DOWN_EVENTS, wanted)
        plan = "\n".join(row[0] for row in cursor.fetchall())
        for index in (
            "task_id_occurred_at_idx on",
            "email_id_occurred_at_idx on",
            "left_idx on",
            "left_idx1 on",
        ):
            assert f"_{index}" in plan
        assert "Seq Scan" not in plan
