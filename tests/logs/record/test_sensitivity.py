"""Ordinary or sensitive: every sign, at any depth, in any spelling; in doubt sensitive."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.record.sensitivity import Rules, is_sensitive, judge, references, spellings
from orgo_audit.policy.schema import OrganizationPolicy, Policy, SensitiveWorkflow
from tests.builders import wire_event

Reference = tuple[str, str]

SHIPPED = Rules.of(OrganizationPolicy())
OWN = Rules.of(
    OrganizationPolicy(
        sensitive_workflows={
            "harassment": SensitiveWorkflow(
                mailboxes=("harassment@organization.com", "Straße@organization.com"),
                actions=("Report Filed", "Complaint-Raised"),
                identity_fields=("reporter", "Reported-User", "affected_person"),
            ),
            "whistleblowing": SensitiveWorkflow(
                mailboxes=("tips@organization.com",), actions=(), identity_fields=("source_name",)
            ),
        }
    )
)


def event(**fields: Any) -> dict[str, Any]:
    return wire_event() | fields


# --- each sign of its own -----------------------------------------------------------------------

ORDINARY: list[dict[str, Any]] = [
    {},
    {"workflow": "maintenance"},
    {"workflow": "it_support", "task_id": "12345", "user": "jane.roe@organization.com"},
    {"details": {"people": ["jane.roe@organization.com"]}},
    {"to": "maintenance@organization.com", "from": "harassment"},
    {"reason": "the reporter of the leak called"},
    {"action": "Report Filed Away"},
    {"action": "Filed Report"},
    {"identity": "x", "anonymized": True},
    {"details": {"deep": [[{"a": {"b": "c"}}]]}},
]


@pytest.mark.parametrize("fields", ORDINARY, ids=repr)
def test_without_any_sign_an_event_is_ordinary(fields: dict[str, Any]) -> None:
    assert not is_sensitive(event(**fields), SHIPPED)


SIGNS: list[dict[str, Any]] = [
    # its workflow is listed as sensitive, or nowhere
    {"workflow": "harassment"},
    {"workflow": "Harassment"},
    {"workflow": "unheard_of"},
    {"workflow": ""},
    {"workflow": "maintenance "},
    {"workflow": "MAINTENANCE"},
    # a workflow that cannot be judged
    {"workflow": None},
    {"workflow": 5},
    {"workflow": ["maintenance"]},
    {"workflow": {"name": "maintenance"}},
    # its action is listed
    {"action": "Report Filed"},
    {"action": "report filed"},
    {"action": "REPORT_FILED"},
    {"action": "report-filed"},
    {"action": " Report  Filed "},
    {"action": "report.filed"},
    {"action": "ＲｅｐｏｒｔＦｉｌｅｄ"},
    {"action": "Report\u200bFiled"},
    {"error": "Report Filed"},
    # a listed mailbox anywhere, even as a key
    {"to": "harassment@organization.com"},
    {"from": "Harassment@Organization.COM"},
    {"user": "Speak up <harassment@organization.com>"},
    {"to": "harassment+case7@organization.com"},
    {"to": "harass\u00adment@organization.com"},
    {"reason": "forwarded to harassment@organization.com."},
    {"details": {"rcpt": ["a@b.c", "harassment@organization.com"]}},
    {"details": {"harassment@organization.com": 1}},
    {"x": [[[{"y": {"z": "mailto:harassment@organization.com"}}]]]},
    {"to": "harassment＠organization.com"},
    {"to": '"harassment"@organization.com'},
    {"to": '"harass\\ment"@organization.com'},
    {"to": '"harassment+tag"@organization.com'},
    {"to": "harassment(of whom)@organization.com"},
    {"to": "harassment@(a (nested) one)organization.com"},
    {"reason": "(harassment@organization.com)"},
    {"to": "harassment @ organization.com"},
    {"to": "harass\ufe0fment@organization.com"},
    {"to": "harass\u3164ment@organization.com"},
    {"to": "harass\u034fment@organization.com"},
    {"to": "harass\U000e0101ment@organization.com"},
    {"action": "Rep\u3164ort\ufe0f Filed"},
    {"to": "ｈａｒａｓｓｍｅｎｔ@organization.com"},
    # people, under their own keys, at any depth and in any spelling
    {"identities": {}},
    {"identities": None},
    {"anonymized_fields": {"reporter": "Anon1"}},
    {"Anonymized-Fields": {}},
    {"anonymizedFields": {}},
    {"IDENTITIES": []},
    {"ｉｄｅｎｔｉｔｉｅｓ": {}},
    {"reporter": "jane.roe@organization.com"},
    {"reportedUser": "x"},
    {"reported-user": "x"},
    {"REPORTED_USER": "x"},
    {"Witness ": "x"},
    {"details": {"victim": "x"}},
    {"details": [{"a": [{"accused": None}]}]},
    {"a": {"b": {"c": {"d": {"e": {"f": {"identities": 1}}}}}}},
]


@pytest.mark.parametrize("fields", SIGNS, ids=repr)
def test_each_sign_alone_makes_an_event_sensitive(fields: dict[str, Any]) -> None:
    assert is_sensitive(event(**fields), SHIPPED)


@pytest.mark.parametrize(
    "fields",
    [
        {"workflow": "whistleblowing"},
        {"action": "complaint raised"},
        {"affectedPerson": "x"},
        {"details": {"source-name": "x"}},
        {"to": "TIPS@organization.com"},
        {"to": "STRASSE@organization.com"},
    ],
    ids=repr,
)
def test_the_policys_own_words_are_signs_in_any_spelling(fields: dict[str, Any]) -> None:
    assert is_sensitive(event(**fields), OWN)


@pytest.mark.parametrize("sent", [None, 5, "Report Filed", [], [{}], True, b'{"a":'], ids=repr)
def test_what_is_no_object_cannot_be_judged_and_is_sensitive(sent: Any) -> None:
    assert is_sensitive(sent, SHIPPED)


@pytest.mark.parametrize(
    "fields",
    [
        {"action": ["Report Filed"]},
        {"action": {"name": "Report Filed"}},
        {"task_id": ["12345"]},
        {"task_id": {"id": "12345"}},
        {"task_id": 12345.0},
        {"email_id": ["67890"]},
    ],
    ids=repr,
)
def test_a_sign_of_a_type_that_cannot_be_judged_is_sensitive(fields: dict[str, Any]) -> None:
    assert is_sensitive(event(**fields), SHIPPED)


@pytest.mark.parametrize("name", ["workflow", "action", "task_id", "reporter", "x"])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_whatever_is_sent_it_can_be_judged(name: str, value: Any) -> None:
    assert is_sensitive({name: value}, SHIPPED) in (True, False)
    assert judge([{name: value}, value], SHIPPED, lambda named: set()).sensitive >= set()


keys = st.sampled_from(["identities", "anonymized_fields", "reporter", "reported_user", "witness"])
innocent = st.text(st.characters(categories=["Ll"]), max_size=6)


def misspelled(name: str, draw: st.DrawFn) -> str:
    separator = draw(st.sampled_from(["_", "-", ".", " ", "", "__", "\u200d"]))
    changed = draw(st.sampled_from([str.upper, str.lower, str.title]))
    return changed(name.replace("_", separator))


@given(st.data(), keys)
def test_no_depth_and_no_spelling_hides_a_person(data: st.DataObject, name: str) -> None:
    value: Any = {data.draw(st.composite(lambda draw: misspelled(name, draw))()): "jane roe"}
    for key in data.draw(st.lists(st.none() | innocent, max_size=15)):
        value = [1, value, "x"] if key is None else {"first": 0, key: value}
    assert is_sensitive(event(details=value), SHIPPED)


def test_judging_endless_names_keeps_none_of_them_in_memory() -> None:
    tracemalloc.start()
    try:
        for number in range(40):
            is_sensitive({f"{number}" + "k" * 500_000: 1}, SHIPPED)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 5_000_000


# --- tasks and mails ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"task_id": "1", "email_id": "2"}, {("task_id", "1"), ("email_id", "2")}),
        ({"task_id": 12345}, {("task_id", "12345")}),
        ({"details": {"task_id": "1"}}, {("task_id", "1")}),
        ({"details": "1"}, set()),
        ({}, set()),
        ([], set()),
        (None, set()),
    ],
)
def test_an_item_speaks_of_its_task_and_its_mail(sent: Any, found: set[Reference]) -> None:
    assert references(sent) == found


def sensitive_places(items: list[Any], known: Iterable[Reference] = ()) -> set[int]:
    return set(judge(items, SHIPPED, lambda named: named & set(known)).sensitive)


REPORT = event(action="Report Filed", task_id="T1", email_id="M1")


@pytest.mark.parametrize(
    ("items", "places"),
    [
        ([REPORT, event(task_id="T1"), event(task_id="T2")], {0, 1}),
        ([event(task_id="T1"), event(task_id="T2"), REPORT], {0, 2}),
        ([event(email_id="M1"), REPORT], {0, 1}),
        # task -> mail -> another task of that mail -> another mail of that task
        (
            [
                event(email_id="M3"),
                event(task_id="T2", email_id="M3"),
                event(task_id="T2", email_id="M1"),
                REPORT,
                event(task_id="T9"),
            ],
            {0, 1, 2, 3},
        ),
        # a task and a mail of one number are not one thing
        ([event(action="Report Filed", task_id="7"), event(email_id="7")], {0}),
        # a wrong type still names the task
        ([event(action="Report Filed", task_id="7"), event(task_id=7)], {0, 1}),
        ([event(task_id="T1"), event(task_id="T1")], set()),
        ([event(), event(task_id="")], set()),
        ([], set()),
    ],
)
def test_what_speaks_of_a_sensitive_task_or_mail_follows_it(
    items: list[Any], places: set[int]
) -> None:
    assert sensitive_places(items) == places


def test_the_order_inside_a_batch_does_not_matter() -> None:
    items = [
        event(task_id="T3", email_id="M2"),
        event(email_id="M2", task_id="T1"),
        REPORT,
        event(task_id="T3"),
        event(task_id="T4"),
    ]
    for order in itertools.permutations(range(5)):
        places = sensitive_places([items[place] for place in order])
        assert {order[place] for place in places} == {0, 1, 2, 3}


def test_what_is_known_already_spreads_through_the_batch() -> None:
    items = [event(task_id="T1", email_id="M1"), event(email_id="M1"), event(email_id="M2")]
    assert sensitive_places(items, known=[("task_id", "T1")]) == {0, 1}


def test_sensitive_items_hand_on_what_they_speak_of_and_ordinary_ones_do_not() -> None:
    judgement = judge(
        [REPORT, event(task_id="T1", email_id="M2"), event(task_id="T9")],
        SHIPPED,
        lambda named: set(),
    )
    spoken = {("task_id", "T1"), ("email_id", "M1"), ("email_id", "M2")}
    assert judgement.references == spellings(spoken)


small = st.sampled_from(["1", "2", "3", "4"])


@given(
    st.lists(
        st.fixed_dictionaries(
            {}, optional={"task_id": small, "email_id": small, "identities": st.none()}
        ),
        max_size=12,
    )
)
def test_sensitivity_is_what_is_reachable_from_a_sign(items: list[dict[str, Any]]) -> None:
    reached = {place for place, item in enumerate(items) if "identities" in item}
    while True:
        spoken = set().union(*(references(items[place]) for place in reached), set())
        more = {place for place, item in enumerate(items) if references(item) & spoken}
        if more <= reached:
            break
        reached |= more
    assert sensitive_places(items) == reached


@pytest.mark.parametrize(
    "text",
    ["+" * 10**6 + "é", "é" + "+a" * 10**6, "a" + "\u0301\u0323" * 10**6],
)
def test_a_long_text_is_judged_at_all(text: str) -> None:
    """One whose time grew with the square of its length would take an hour for each of these."""
    rules = Rules.of(Policy().for_organization("north"))
    assert not is_sensitive({"timestamp": "", "action": text, text: text}, rules)
