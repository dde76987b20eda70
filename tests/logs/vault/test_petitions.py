"""What custodians are asked for: one form, one digest, and rules that nobody bends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logs.cases.acts import MAX_MINUTES, MAX_VIEWS, Act
from logs.vault.petitions import (
    OPEN_FOR,
    Objection,
    Petition,
    are_enough,
    is_open,
    may_decide,
    view_is_allowed,
)
from orgo_audit.errors import BadInput

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
REQUESTER, FIRST, SECOND, PARTICIPANT = 11, 12, 13, 14

REVEAL = Petition(
    act=Act.REVEAL,
    id=UUID(int=1),
    organization="acme",
    requester=REQUESTER,
    nonce="0a" * 32,
    expires_at=NOW + OPEN_FOR,
    reason_digest="ab" * 32,
    case=UUID(int=2),
    label="Anon1",
    field="email",
    minutes=10,
    views=2,
)
ENROL = Petition(
    act=Act.ENROL,
    id=UUID(int=3),
    organization="acme",
    requester=REQUESTER,
    nonce="0b" * 32,
    expires_at=NOW + OPEN_FOR,
    subject="AAAA 0123 4567",
)
ERASE = replace(ENROL, act=Act.ERASE, reason_digest="cd" * 32, subject="ef" * 32)


def test_the_canonical_form_is_this_to_the_byte() -> None:
    assert REVEAL.canonical() == (
        b'{"act":"reveal","case":"00000000-0000-0000-0000-000000000002",'
        b'"expires_at":"2026-03-11T05:06:07.000089+00:00","field":"email",'
        b'"id":"00000000-0000-0000-0000-000000000001","label":"Anon1","minutes":10,'
        b'"nonce":"' + b"0a" * 32 + b'","organization":"acme","reason_digest":"' + b"ab" * 32 + b'"'
        b',"requester":11,"subject":"","views":2}'
    )


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(str.isprintable)
REVEALS = st.builds(
    replace,
    st.just(REVEAL),
    id=st.uuids(),
    case=st.uuids(),
    organization=TEXTS,
    label=TEXTS,
    field=TEXTS,
    requester=st.integers(0, 2**63 - 1),
    nonce=st.binary(min_size=32, max_size=32).map(bytes.hex),
    expires_at=st.datetimes(timezones=st.just(UTC)),
    minutes=st.integers(1, MAX_MINUTES),
    views=st.integers(1, MAX_VIEWS),
)


@given(REVEALS)
@example(REVEAL)
@example(ERASE)
@example(ENROL)
def test_a_petition_comes_back_from_its_canonical_form(petition: Petition) -> None:
    assert petition.canonical().isascii()
    assert Petition.from_canonical(petition.canonical()) == petition


@given(REVEALS, REVEALS)
def test_two_petitions_share_a_challenge_only_if_they_are_equal(a: Petition, b: Petition) -> None:
    assert (a.challenge() == b.challenge()) == (a == b)


def test_the_same_moment_in_another_zone_has_the_same_challenge() -> None:
    moved = replace(REVEAL, expires_at=REVEAL.expires_at.astimezone(timezone(timedelta(hours=5))))
    assert moved.challenge() == REVEAL.challenge()


WRITTEN = REVEAL.canonical()


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        WRITTEN + b" ",
        WRITTEN.replace(b",", b", ", 1),
        WRITTEN[:-1] + b',"extra":1}',
        WRITTEN[:-1] + b',"extra":' + b"[" * 100_000,
        WRITTEN.replace(b"Anon1", b"\xff"),
        WRITTEN[:-1] + b',"views":2}',
        WRITTEN.replace(b"+00:00", b"Z"),
        WRITTEN.replace(b"+00:00", b"+01:00"),
        WRITTEN.replace(b"+00:00", b""),
        WRITTEN.replace(b'"reveal"', b'"peek"'),
        WRITTEN.replace(b'"reveal"', b'"erase"'),
        WRITTEN.replace(b'"views":2', b'"views":2.0'),
        WRITTEN.replace(b'"views":2', b'"views":true'),
        WRITTEN.replace(b'"views":2', b'"views":9'),
        WRITTEN.replace(b"Anon1", b"\\ud800"),
        WRITTEN.replace(b"Anon1", b"Anon\\u0031"),
    ],
)
def test_what_is_not_canonical_is_no_petition(stored: bytes) -> None:
    with pytest.raises(BadInput) as refusal:
        Petition.from_canonical(stored)
    assert refusal.value.code == "bad_petition"


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(stored: bytes) -> None:
    with pytest.raises(BadInput):
        Petition.from_canonical(stored)


@pytest.mark.parametrize(
    ("petition", "change"),
    [
        (REVEAL, {"minutes": 0}),
        (REVEAL, {"minutes": MAX_MINUTES + 1}),
        (REVEAL, {"minutes": -1}),
        (REVEAL, {"views": 0}),
        (REVEAL, {"views": MAX_VIEWS + 1}),
        (REVEAL, {"case": None}),
        (REVEAL, {"label": ""}),
        (REVEAL, {"label": "Anon1\n"}),
        (REVEAL, {"field": ""}),
        (REVEAL, {"field": "x" * 3000}),
        (REVEAL, {"subject": "somebody"}),
        (REVEAL, {"reason_digest": ""}),
        (REVEAL, {"reason_digest": "because"}),
        (REVEAL, {"reason_digest": "AB" * 32}),
        (REVEAL, {"nonce": "0a"}),
        (REVEAL, {"nonce": "0a" * 32 + "\n"}),
        (REVEAL, {"organization": "ac\0me"}),
        (REVEAL, {"expires_at": datetime(2026, 3, 5)}),  # noqa: DTZ001  # it must be refused
        (REVEAL, {"act": Act.ERASE}),
        (REVEAL, {"act": Act.ENROL}),
        (ENROL, {"act": Act.REVEAL}),
        (ENROL, {"subject": ""}),
        (ENROL, {"case": UUID(int=2)}),
        (ENROL, {"label": "Anon1"}),
        (ENROL, {"minutes": 1}),
        (ENROL, {"views": 1}),
        (ENROL, {"reason_digest": "because"}),
        (ERASE, {"reason_digest": ""}),
        (ERASE, {"subject": ""}),
    ],
)
def test_a_petition_whose_words_do_not_fit_its_act_cannot_be_made(
    petition: Petition, change: dict[str, Any]
) -> None:
    with pytest.raises(BadInput) as refusal:
        replace(petition, **change)
    assert refusal.value.code == "bad_petition"


@pytest.mark.parametrize(
    ("custodian", "decided_by", "objection"),
    [
        (FIRST, [], None),
        (SECOND, [FIRST], None),
        (FIRST, [FIRST], Objection.DECIDED),
        (REQUESTER, [], Objection.REQUESTER),
        (PARTICIPANT, [], Objection.PARTICIPANT),
    ],
)
def test_who_asked_takes_part_or_has_decided_may_not_decide(
    custodian: int, decided_by: list[int], objection: Objection | None
) -> None:
    found = may_decide(REVEAL, custodian, participant_ids={PARTICIPANT}, decided_by=decided_by)
    assert found is objection


def test_nobody_confirms_his_own_passkey() -> None:
    found = may_decide(ENROL, REQUESTER, participant_ids=(), decided_by=())
    assert found is Objection.REQUESTER


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(0), True),
        (OPEN_FOR - timedelta(microseconds=1), True),
        (OPEN_FOR, False),
        (OPEN_FOR + timedelta(days=1), False),
        (timedelta(microseconds=-1), False),
    ],
)
def test_a_petition_is_open_for_seven_days(after: timedelta, *, expected: bool) -> None:
    assert is_open(REVEAL, now=NOW + after) is expected


@pytest.mark.parametrize(
    ("petition", "approvers", "expected"),
    [
        (REVEAL, [], False),
        (REVEAL, [FIRST], False),
        (REVEAL, [FIRST, FIRST], False),
        (REVEAL, [FIRST, REQUESTER], False),
        (REVEAL, [FIRST, SECOND], True),
        (ERASE, [FIRST], False),
        (ERASE, [FIRST, SECOND], True),
    ],
)
def test_two_others_grant_an_act(
    petition: Petition, approvers: list[int], *, expected: bool
) -> None:
    assert are_enough(petition, approvers) is expected


@given(st.sampled_from([REVEAL, ERASE]), st.lists(st.integers(10, 14)))
def test_more_approvals_of_the_same_people_change_nothing(
    petition: Petition, approvers: list[int]
) -> None:
    enough = len(set(approvers) - {REQUESTER}) >= 2
    assert are_enough(petition, approvers * 2) is enough


@pytest.mark.parametrize(
    ("after", "views_done", "expected"),
    [
        (timedelta(0), 0, True),
        (timedelta(0), 1, True),
        (timedelta(0), 2, False),
        (timedelta(0), -1, False),
        (timedelta(minutes=10) - timedelta(microseconds=1), 0, True),
        (timedelta(minutes=10), 0, False),
        (timedelta(microseconds=-1), 0, False),
    ],
)
def test_a_value_is_shown_for_its_minutes_and_its_views(
    after: timedelta, views_done: int, *, expected: bool
) -> None:
    allowed = view_is_allowed(REVEAL, granted_at=NOW, views_done=views_done, now=NOW + after)
    assert allowed is expected


@pytest.mark.parametrize("petition", [ERASE, ENROL])
def test_only_a_reveal_shows_anything(petition: Petition) -> None:
    assert not view_is_allowed(petition, granted_at=NOW, views_done=0, now=NOW)
