"""Whoever is named is found, in whatever form they were sent, and found to be the same again."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.vault.people import Field, Person, key_of_text, people_in, tokens_of

ROLES = ("reporter", "reported_user", "witness")
JANE: dict[Field, str] = {"name": "Jane Roe", "email": "jane.roe@organization.com"}


def found(identities: object) -> list[tuple[str, str]]:
    return [
        (person.role, person.sent_label or person.key) for person in people_in(identities, ROLES)
    ]


def only(identities: object) -> Person:
    [person] = people_in(identities, ROLES)
    return person


def test_a_display_name_and_its_address_are_one_person() -> None:
    sent = "Jane Roe <jane.roe@organization.com>"
    assert only({"reporter": sent}) == Person(
        role="reporter", key="jane.roe@organization.com", fields={"identity": sent, **JANE}
    )


@pytest.mark.parametrize(
    "written",
    [
        "jane.roe@organization.com",
        "Jane.Roe@Organization.COM",
        "jane.roe+private@organization.com",
        '"Roe, Jane" <jane.roe@organization.com>',
        "Jane Roe (jane.roe@organization.com)",
        "<jane.roe@organization.com>",
        "mail to jane.roe@organization.com.",
        "jane.roe＠organization．com",
        "ｊａｎｅ.roe@organization.com",
        "jane\u200b.r\u00adoe@organi\u2060zation.com",
        "jane\x00.roe@organization.com",
        "jane.ro\ufe0fe@organization.com",
        {"email": "jane.roe@organization.com"},
        {"E-Mail": "Jane.Roe@organization.com", "department": "Sales"},
        {"address": "jane.roe@organization.com"},
        {**JANE, "phone": 491711234567},
        ["jane.roe@organization.com"],
        [[[{"mail": "jane.roe@organization.com"}]]],
        [*["jane.roe@organization.com"] * 3],
    ],
)
def test_differently_written_addresses_are_one_person(written: object) -> None:
    assert found({"reporter": written}) == [("reporter", "jane.roe@organization.com")]


@pytest.mark.parametrize(
    "written", ["jané  ROÉ", "Jane\u0301 Roe\u0301", " Jané\tRoé ", ["JANÉ ROÉ"]]
)
def test_a_name_is_folded_and_keeps_its_accents(written: object) -> None:
    assert found({"witness": written}) == [("witness", "jané roé")]
    assert key_of_text("Jane Roe") != key_of_text("Jané Roé")


def test_an_object_gives_its_fields_and_nothing_else() -> None:
    person = only({"witness": {**JANE, "phone": "+49 171 1", "address": "1 Elm St", "salary": 5}})
    assert person.fields == {
        **JANE,
        "identity": "Jane Roe <jane.roe@organization.com>",
        "phone": "+49 171 1",
        "address": "1 Elm St",
    }


def test_a_first_and_a_last_name_are_one_name() -> None:
    assert only({"witness": {"first_name": "Jane", "lastName": "Roe"}}).fields["name"] == "Jane Roe"


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ({"phone": "+49 (171) 1234567"}, "491711234567"),
        ("+49 171 1234567", "491711234567"),
        ({"address": "1 Elm Street"}, "1 elm street"),
        (4711, "4711"),
        ({"user": "jroe"}, "jroe"),
    ],
)
def test_who_has_no_name_is_known_by_what_there_is(sent: object, key: str) -> None:
    assert found({"witness": sent}) == [("witness", key)]


@pytest.mark.parametrize("sent", [None, "", " \u200b", True, [], {}, [None], {"name": None}, "<>"])
def test_nothing_is_nobody(sent: object) -> None:
    assert people_in({"witness": sent}, ROLES) == []
    assert people_in(sent, ROLES) == []


def test_several_addresses_in_one_text_are_several_people() -> None:
    sent = "Jane Roe <jane@a.org>, Max Poe <max@a.org>; third@a.org"
    people = people_in({"witness": sent}, ROLES)
    assert [person.key for person in people] == ["jane@a.org", "max@a.org", "third@a.org"]
    assert [person.fields.get("name") for person in people] == ["Jane Roe", "Max Poe", None]


def test_the_labels_of_the_blueprint_stay_labels() -> None:
    sent = {
        "reporter": "Anon1",
        "reported_user": {"name": "Anon2", "phone": "1"},
        "witness": "Anon",
    }
    assert people_in(sent, ROLES) == [
        Person("reporter", "", {}, "Anon1"),
        Person("reported_user", "", {}, "Anon2"),
        Person("witness", "anon", {"identity": "Anon", "name": "Anon"}),
    ]
    assert found({"witness": ["Anon123456", "Anon1 Roe"]}) == [
        ("witness", "anon123456"),
        ("witness", "anon1 roe"),
    ]


@pytest.mark.parametrize("key", ["reported_user", "Reported User", "REPORTED-USER", "reportedUser"])
def test_a_role_is_known_in_any_spelling(key: str) -> None:
    assert found({key: "Jane"}) == [("reported_user", "jane")]


def test_an_unknown_role_is_other() -> None:
    assert found({"nurse": "Jane", "witness": "Max"}) == [("other", "jane"), ("witness", "max")]


def test_names_inside_keys_are_people() -> None:
    assert found({"jane@a.org": "reporter", "Max Poe": "witness"}) == [
        ("reporter", "jane@a.org"),
        ("witness", "max poe"),
    ]
    assert found({"Jane Roe <jane@a.org>": {"name": "Jane Roe"}, "max@a.org": "Eve"}) == [
        ("other", "jane@a.org"),
        ("other", "max@a.org"),
        ("other", "eve"),
    ]
    assert found({"people": {"jane@a.org": "reporter"}}) == [("reporter", "jane@a.org")]


def test_a_list_of_people_may_say_their_roles() -> None:
    sent = [{"role": "Witness", "name": "Max"}, {"role": "chef", "name": "Eve"}, "Jane"]
    assert found(sent) == [("witness", "max"), ("other", "eve"), ("other", "jane")]


def test_one_person_without_a_role_may_be_described_at_the_top() -> None:
    sent = {"name": "Jane Roe", "witness": "Max", "email": "jane@a.org"}
    assert found(sent) == [("witness", "max"), ("other", "jane@a.org")]


def test_the_same_person_is_once_in_a_role_and_again_in_another() -> None:
    sent = {"witness": ["jane@a.org", "Max", "Jane Roe <JANE@a.org>"], "reporter": "jane@a.org"}
    people = people_in(sent, ROLES)
    assert [(person.role, person.key) for person in people] == [
        ("witness", "jane@a.org"),
        ("witness", "max"),
        ("reporter", "jane@a.org"),
    ]
    assert people[0].fields == {
        "identity": "jane@a.org",
        "email": "jane@a.org",
        "name": "Jane Roe",
    }


def test_a_thousand_participants_are_a_thousand_people() -> None:
    people = people_in({"witness": [f"p{number}@a.org" for number in range(1000)]}, ROLES)
    assert len({person.key for person in people}) == len(people) == 1000


def test_what_is_buried_too_deep_is_passed_over() -> None:
    deep: object = "Jane"
    for _ in range(100_000):
        deep = [deep]
    assert people_in({"witness": [deep, "Max"]}, ROLES)[0].key == "max"


def test_half_a_character_can_be_stored() -> None:
    person = only({"witness": "Jane \ud800Roe"})
    assert person.key == "jane roe"
    assert all(value.encode() for value in person.fields.values())


@pytest.mark.parametrize(
    "text",
    ["+" * 65_536, "@" * 65_536, "a@" * 32_768, "a," * 32_768, "a" * 65_536, "<" * 65_536]
    + ["a" + "\u0300\u0315" * 16_000, "\ufdfa" * 21_000, "a@b " * 16_000],
)
def test_hostile_texts_take_no_long_time(text: str) -> None:
    started = time.process_time()
    tokens_of(people_in({"witness": text, text: "witness"}, ROLES))
    assert time.process_time() - started < 20


def test_tokens_are_the_words_that_could_name_somebody() -> None:
    people = people_in({"witness": ["Jané O'Neill-Li <j.oneill85@a-company.org>", "Anon7"]}, ROLES)
    assert tokens_of(people) == {"jané", "neill", "oneill"}


texts = st.text(max_size=12) | st.sampled_from([*JANE.values(), "Anon3", "reporter", "name", "@"])
sent_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(sent_values)
def test_anything_sent_gives_people_of_known_roles_each_once(sent: object) -> None:
    people = people_in(sent, ROLES)
    assert people == people_in(sent, ROLES)
    assert len(set(found(sent))) == len(people)
    for person in people:
        assert person.role in (*ROLES, "other")
        assert bool(person.key) is (person.sent_label is None)
        assert bool(person.fields) is bool(person.key)
        assert all(value and value.encode() for value in person.fields.values())
        if person.key:
            assert person.fields["identity"]


@given(st.text(max_size=30))
def test_a_key_is_the_key_of_itself(text: str) -> None:
    key = key_of_text(text)
    assert key_of_text(key) in (key, "")


words = st.text("abcdefghijklmnopqrstuvwxyzäéß", min_size=1, max_size=8)


@given(words, words, st.sampled_from([str, str.upper, str.title]))
def test_an_address_has_one_key_in_any_dress(local: str, tag: str, dress: object) -> None:
    assert callable(dress)
    address = f"{local}@organization.com"
    worn = f"Jane Roe <{dress(f'{local}+{tag}')}@Organization.com>"
    assert key_of_text(worn) == key_of_text(address)
