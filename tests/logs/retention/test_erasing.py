"""A person's ordinary events: listed before anybody approves, and gone once two people did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from logs.record import erasures, own_events
from logs.record.models import ErasedEvents, Event
from logs.record.vocabulary import LogType
from logs.retention import erasing, facts
from logs.retention.models import (
    DestructionCertificate,
    ErasureListing,
    ErasurePlan,
    ErasureSought,
    Means,
    SegmentClosure,
)
from orgo_audit.accounts.models import Organization
from tests.builders import an_organization, setting_the_scene, stored, wire_event
from tests.policies import in_force
from tests.retention import a_hold
from tests.vault_at_hand import the_vaults_rights

pytestmark = pytest.mark.django_db

JANE = "jane.roe@organization.com"
REMOVE = "SELECT remove_events(%s, 'erased', %s)"


@pytest.fixture
def home() -> Organization:
    in_force('retention_policies: {activity_logs: "6 months"}')
    return an_organization()


def asked(home: Organization, *texts: str) -> UUID:
    request = uuid4()
    with the_vaults_rights():
        erasing.ask(home, request, texts or [JANE])
    return request


def approved(request: UUID) -> None:
    with the_vaults_rights():
        erasing.approve(request, timezone.now())


def run() -> None:
    with setting_the_scene():
        erasing.run(timezone.now())


def erased(home: Organization, *texts: str) -> ErasurePlan:
    request = asked(home, *texts)
    approved(request)
    run()
    return ErasurePlan.objects.get(pk=request)


def hold(home: Organization, kind: str, value: str) -> None:
    with setting_the_scene():
        a_hold(home, kind, value)


def left() -> set[UUID]:
    return set(Event.objects.exclude(source="portal").values_list("pk", flat=True))


def ids(events: list[Event]) -> set[UUID]:
    return {event.pk for event in events}


# --- which events -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"user": JANE},
        {"user": JANE.upper()},
        {"from": JANE},
        {"to": JANE},
        {"user": f" {JANE} "},
        {"reason": JANE},
        {"status": JANE},
        {"email_id": JANE},
        {"approver": JANE},
        {"route": {"steps": ["inbox", {"who": JANE}]}},
        {"note": "x", "sent_by": "Jane Roe"},
    ],
)
def test_an_event_that_names_exactly_the_person_goes(
    home: Organization, fields: dict[str, Any]
) -> None:
    stored(home, wire_event(**fields))
    assert erased(home, JANE, "Jane Roe").events == 1
    assert left() == set()


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "mary" + JANE},
        {"user": JANE + ".de"},
        {"note": f"written to {JANE}"},
        {JANE: "a key is no value"},
        {"reason": f"{JANE} wrote"},
        {"user": "jane.roe%"},
    ],
)
def test_an_event_that_only_resembles_it_stays(home: Organization, fields: dict[str, Any]) -> None:
    kept = stored(home, wire_event(**fields))
    assert erased(home).events == 0
    assert left() == ids(kept)


def test_events_of_all_logs_go_and_those_of_others_stay(home: Organization) -> None:
    for kind in LogType:
        stored(home, wire_event(kind, user=JANE), log_type=kind)
    others = stored(home, wire_event(user="john.doe@organization.com"))
    elsewhere = stored(an_organization(), wire_event(user=JANE))
    assert erased(home).events == 3
    assert left() == ids(others) | ids(elsewhere)


def test_what_is_recorded_after_the_plan_stays(home: Organization) -> None:
    stored(home, wire_event(user=JANE))
    request = asked(home)
    run()
    later = stored(home, wire_event(user=JANE))
    approved(request)
    run()
    assert ErasurePlan.objects.get(pk=request).events == 1
    assert left() == ids(later)


# --- what stays and why -------------------------------------------------------------------------


def test_what_is_held_stays_and_is_counted(home: Organization) -> None:
    held = stored(home, wire_event(user=JANE, task_id="T1"))
    stored(home, wire_event(user=JANE, task_id="T2"))
    hold(home, "task", "T1")
    plan = erased(home)
    assert (plan.events, plan.kept) == (1, {"hold": 1})
    assert left() == ids(held)


def test_a_hold_that_comes_after_the_plan_wins(home: Organization) -> None:
    held = stored(home, wire_event(user=JANE, task_id="T1"))
    request = asked(home)
    run()
    assert ErasurePlan.objects.get(pk=request).events == 1
    hold(home, "task", "T1")
    approved(request)
    run()
    plan = ErasurePlan.objects.get(pk=request)
    assert (plan.events, plan.kept) == (0, {"hold": 1})
    assert left() == ids(held)


def test_a_regimes_floor_keeps_its_log_alone(home: Organization) -> None:
    in_force(f"organizations: {{{home.slug}: {{regime: [gdpr, hipaa]}}}}")
    kept = stored(home, wire_event(LogType.SECURITY, user=JANE), log_type=LogType.SECURITY)
    stored(home, wire_event(user=JANE))
    plan = erased(home)
    assert (plan.events, plan.kept) == (1, {"duty": 1})
    assert left() == ids(kept)


def test_what_the_portal_said_itself_stays(home: Organization) -> None:
    with setting_the_scene():
        own_events.report_administration("Hold Placed", home, JANE, {})
    plan = erased(home)
    assert (plan.events, plan.kept) == (0, {"own_record": 1})
    assert Event.objects.filter(actor=JANE).exists()


# --- two people first ---------------------------------------------------------------------------


def test_planning_destroys_nothing_and_tells_what_it_would(home: Organization) -> None:
    kept = stored(home, wire_event(user=JANE, task_id="T1"), wire_event(user=JANE))
    hold(home, "task", "T1")
    request = asked(home)
    plan = ErasurePlan.objects.get(pk=request)
    assert erasing.sentence(plan) == "being searched; ask again in a minute"
    run()
    run()
    plan.refresh_from_db()
    assert erasing.sentence(plan) == "1 to be erased; 1 stay: under a legal hold"
    assert left() == ids(kept)


def test_nothing_stays_of_a_request_that_ends_otherwise(home: Organization) -> None:
    kept = stored(home, wire_event(user=JANE))
    request = asked(home)
    run()
    with the_vaults_rights():
        erasing.forget(request)
    run()
    assert left() == ids(kept)
    assert_nothing_stays()


def assert_nothing_stays() -> None:
    with the_vaults_rights():
        for model in (ErasureSought, ErasureListing, ErasurePlan):
            assert not model._default_manager.exists()


# --- what is said -------------------------------------------------------------------------------


def test_it_is_announced_certified_and_done_once(home: Organization) -> None:
    event, *_ = stored(home, wire_event(user=JANE), wire_event(user=JANE))
    plan = erased(home)
    run()
    (said,) = Event.objects.filter(code="retention.announced")
    assert said.details == {"erasure": str(plan.pk)}
    certificate = DestructionCertificate.objects.get()
    assert (certificate.kind, certificate.announcement) == (Means.ERASE, said.pk)
    assert (certificate.rows_destroyed, certificate.organization) == (2, home)
    assert certificate.segment == f"activity-{event.recorded_at:%Y-%m}"
    assert certificate.first_recorded_at == event.recorded_at
    assert plan.done_at is not None


def test_batches_add_up(home: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "BATCH_SIZE", 2)
    stored(home, *(wire_event(user=JANE, task_id="T1") for _ in range(5)))
    assert erased(home).events == 5
    assert DestructionCertificate.objects.get().rows_destroyed == 5
    assert erasures.count(home, "T1") == 5


def test_where_nothing_is_found_nothing_is_announced(home: Organization) -> None:
    assert erased(home).done_at is not None
    assert not Event.objects.exists()
    assert not DestructionCertificate.objects.exists()


def test_a_task_tells_how_many_of_its_events_went(home: Organization) -> None:
    stored(home, wire_event(user=JANE, task_id="T1"), wire_event(user="x", task_id="T1"))
    erased(home)
    assert (erasures.count(home, "T1"), erasures.count(home, "T2")) == (1, 0)
    assert erasures.count(an_organization(), "T1") == 0
    assert "T1" not in str(list(ErasedEvents.objects.values()))


# --- what is kept of the person -----------------------------------------------------------------


def test_the_name_is_in_no_table_while_it_waits(home: Organization) -> None:
    asked(home)
    with setting_the_scene():
        content = bytes(ErasureSought.objects.get().content)
    assert JANE.encode() not in content
    assert JANE not in str(list(ErasurePlan.objects.values()))


def test_the_name_goes_once_the_list_is_made_and_the_list_with_the_events(
    home: Organization,
) -> None:
    stored(home, wire_event(user=JANE))
    request = asked(home)
    run()
    with setting_the_scene():
        assert (ErasureSought.objects.count(), ErasureListing.objects.count()) == (0, 1)
    approved(request)
    run()
    with setting_the_scene():
        assert not ErasureListing.objects.exists()


def test_the_web_login_reads_neither_the_name_nor_the_list(home: Organization) -> None:
    asked(home)
    for model in (ErasureSought, ErasureListing):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            model._default_manager.exists()


def test_under_another_secret_nothing_is_found_and_nothing_stops(
    home: Organization, settings: Any
) -> None:
    lost = asked(home)
    settings.SECRET_KEY = "another"
    fine = asked(home)
    run()
    assert ErasurePlan.objects.get(pk=lost).planned_at is None
    assert ErasurePlan.objects.get(pk=fine).planned_at is not None


# --- the owner's function refuses ---------------------------------------------------------------


@contextmanager
def refused(match: str) -> Iterator[None]:
    with pytest.raises(ProgrammingError, match=match), setting_the_scene(), transaction.atomic():
        yield


def remove(events: list[UUID], announcement: UUID | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(REMOVE, [events, announcement])


def announced(home: Organization, request: UUID) -> UUID:
    with setting_the_scene():
        return own_events.announce_destruction(home, {"erasure": str(request)})


def test_nothing_goes_unsaid_or_unapproved(home: Organization) -> None:
    (event,) = stored(home, wire_event(user=JANE))
    request = asked(home)
    run()
    with refused("announced first"):
        remove([event.pk], event.pk)
    said = announced(home, request)
    with refused("not approved"):
        remove([event.pk], said)
    approved(request)
    elsewhere = announced(an_organization(), request)
    with refused("not approved"):
        remove([event.pk], elsewhere)
    with refused("not approved"):
        remove([event.pk], announced_for_nothing(home))
    with setting_the_scene():
        remove([event.pk], said)
    assert left() == set()


def announced_for_nothing(home: Organization) -> UUID:
    return own_events.announce_destruction(home, {"plan": "x", "segment": "activity-2026-01"})


def test_only_what_was_listed_goes(home: Organization) -> None:
    (event, other) = stored(home, wire_event(user=JANE), wire_event(user="x"))
    request = asked(home)
    run()
    approved(request)
    said = announced(home, request)
    with refused("not all of these are planned"):
        remove([event.pk, other.pk], said)


def test_the_worker_adds_nothing_to_a_plan_and_approves_none(home: Organization) -> None:
    (other,) = stored(home, wire_event(user="x"))
    request = asked(home)
    run()
    with refused("nothing joins it"):
        ErasureListing.objects.create(plan_id=request, event_id=other.pk)
    with refused("stays so"):
        ErasurePlan.objects.filter(pk=request).update(planned_at=None)
    with refused("permission denied"):
        ErasurePlan.objects.filter(pk=request).update(approved_at=timezone.now())


def test_what_custodians_are_told_is_what_was_listed(home: Organization) -> None:
    (event,) = stored(home, wire_event(user="x"))
    request = asked(home)
    with setting_the_scene():
        ErasureListing.objects.create(plan_id=request, event_id=event.pk)
        ErasurePlan.objects.filter(pk=request).update(planned_at=timezone.now(), events=0)
    assert ErasurePlan.objects.get(pk=request).events == 1


def test_a_held_event_is_refused(home: Organization) -> None:
    (event,) = stored(home, wire_event(user=JANE, task_id="T1"))
    request = asked(home)
    run()
    approved(request)
    hold(home, "user", JANE)
    said = announced(home, request)
    with refused("a hold or a duty"):
        remove([event.pk], said)


# --- beside retention ---------------------------------------------------------------------------


def test_what_went_before_the_month_was_closed_is_not_taken_from_its_count(
    home: Organization,
) -> None:
    stored(home, wire_event(user=JANE), wire_event(user="x"))
    erased(home)
    segment = DestructionCertificate.objects.get().segment
    with setting_the_scene():
        SegmentClosure.objects.create(segment=segment, organization=home, rows=1, digest="")
        planned = {one.name: one for one in facts.segments(timezone.now())}
    assert [share.rows for share in planned[segment].shares] == [1]
