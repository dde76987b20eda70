"""Strict JSON: what two readers could read differently is refused, all else is read right."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orgo_audit.errors import BadInput
from orgo_audit.strict_json import MAX_DEPTH, parse, parse_lines
from tests.shared_data import SHARED_DATA

SHARED_FORMATS = SHARED_DATA / "formats" / "json"
INT64_MAX, INT64_MIN = 2**63 - 1, -(2**63)


def nested(depth: int, opening: str = "[", closing: str = "]", core: str = "") -> bytes:
    return (opening * depth + core + closing * depth).encode()


def refusal(raw: bytes) -> BadInput:
    with pytest.raises(BadInput) as caught:
        parse(raw)
    return caught.value


def problem_of(raw: bytes) -> BadInput | None:
    try:
        parse(raw)
    except BadInput as problem:
        return problem
    return None


HOSTILE = [
    # duplicate keys
    (b'{"a": 1, "a": 1}', "duplicate_key", "a"),
    (b'{"a": 1, "a" : 2}', "duplicate_key", "a"),
    (b'{"a"\n:1,"a"\t:2}', "duplicate_key", "a"),
    (b'{"a": 1, "\\u0061": 2}', "duplicate_key", "a"),
    (b'{"": 1, "": 2}', "duplicate_key", ""),
    (b'{"x": {"y": [{"b": 1, "b": 2}]}}', "duplicate_key", "x.y[0].b"),
    (b'[{"ok": 1}, {"b": {"c": 1, "c": {}}}]', "duplicate_key", "[1].b.c"),
    (b'{"a\\\\":1,"a\\\\":2}', "duplicate_key", "a\\"),
    (b'{"a\\"":1,"a\\"":2}', "duplicate_key", 'a"'),
    (b'{"\\":":1,"\\":":2}', "duplicate_key", '":'),
    (b'{"a":"\\":","a":2}', "duplicate_key", "a"),
    (b'{"a":1,"b":"\\\\","a":2}', "duplicate_key", "a"),
    (b'{"a":1,"b":"\\\\\\":","a":2}', "duplicate_key", "a"),
    # text that storage or other readers mangle
    (b'{"a": "x\\u0000y"}', "nul_character", "a"),
    (b'{"a": [1, {"b": "\\u0000"}]}', "nul_character", "a[1].b"),
    (b'{"a\\u0000": 1}', "nul_character", ""),
    (b'"\\ud800"', "lone_surrogate", ""),
    (b'{"a": "\\uD83D"}', "lone_surrogate", "a"),
    (b'{"a": "\\uDE00\\uD83D"}', "lone_surrogate", "a"),
    (b'{"a": {"\\udfff": 1}}', "lone_surrogate", "a"),
    # numbers
    (b'{"n": 9223372036854775808}', "number_too_large", "n"),
    (b'{"n": -9223372036854775809}', "number_too_large", "n"),
    (b'[{"n": 18446744073709551615}]', "number_too_large", "[0].n"),
    (b'{"n": ' + b"9" * 5000 + b"}", "number_too_large", "n"),
    (b'{"n": [1e400]}', "number_too_large", "n[0]"),
    (b'{"n": -1e400}', "number_too_large", "n"),
    (b'{"n": 1E0400}', "number_too_large", "n"),
    (b'{"n": 1.5e+0000999}', "number_too_large", "n"),
    (b"[NaN]", "malformed_json", ""),
    (b"[Infinity]", "malformed_json", ""),
    (b'{"a": -Infinity}', "malformed_json", ""),
    # depth
    (nested(21), "too_deep", "[0]" * 20),
    (nested(21, '{"a":', "}", "1"), "too_deep", ".".join("a" * 20)),
    (nested(100_000), "too_deep", ""),
    (nested(100_000, '{"a":', "}", "1"), "too_deep", ""),
    (b"[" * 1_000_000, "too_deep", ""),
    # syntax
    (b"", "malformed_json", ""),
    (b"   ", "malformed_json", ""),
    (b"{", "malformed_json", ""),
    (b'{"a": 1,}', "malformed_json", ""),
    (b"[1,]", "malformed_json", ""),
    (b"{'a': 1}", "malformed_json", ""),
    (b"{a: 1}", "malformed_json", ""),
    (b"01", "malformed_json", ""),
    (b"+1", "malformed_json", ""),
    (b"1.", "malformed_json", ""),
    (b"0x10", "malformed_json", ""),
    (b"{} {}", "malformed_json", ""),
    (b"[1] // a comment", "malformed_json", ""),
    (b'"a\tb"', "malformed_json", ""),
    (b'"a\x00b"', "malformed_json", ""),
    (b'"\\x41"', "malformed_json", ""),
    (b"\xef\xbb\xbf{}", "malformed_json", ""),
    (b'{"a": "\xff"}', "malformed_json", ""),
    (b'"\xed\xa0\x80"', "malformed_json", ""),
    (b'"\xc0\xaf"', "malformed_json", ""),
    ('{"a": 1}'.encode("utf-16"), "malformed_json", ""),
]


@pytest.mark.parametrize(("raw", "code", "path"), HOSTILE, ids=lambda value: repr(value)[:40])
def test_a_hostile_document_is_refused_with_its_code_and_place(
    raw: bytes, code: str, path: str
) -> None:
    problem = refusal(raw)
    assert (problem.code, problem.path, problem.status) == (code, path, 400)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b'{\n  "a": 1,\n  "b": }\n', "line 3, column 8"),
        (b"[1,\n2,\n x]", "line 3, column 2"),
        (b'{"a": "\xff"}', "line 1, byte 8"),
        (b'{\n"a": "x\xff"}', "line 2, byte 8"),
    ],
)
def test_malformed_json_says_the_line(raw: bytes, place: str) -> None:
    assert place in refusal(raw).sentence


@pytest.mark.parametrize(
    "raw",
    [
        b'{"\\ud800":1,"\\ud800":2}',
        b'{"a\\u0000":1,"a\\u0000":2}',
        b'{"' + b"k" * 100_000 + b'":1,"' + b"k" * 100_000 + b'":2}',
    ],
    ids=["surrogate", "nul", "endless"],
)
def test_a_path_can_be_stored_and_sent_whatever_the_key_was(raw: bytes) -> None:
    path = refusal(raw).path
    assert "\0" not in path
    path.encode()
    assert len(path) <= 1000


@pytest.mark.parametrize(
    "raw",
    [
        b"9223372036854775807",
        b"-9223372036854775808",
        b"1e308",
        b"-0",
        b"1e-999",
        b'"\\ud83d\\ude00"',
        b'{"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 2}]}',
        b'{"a": "\\"a\\": 1, \\"a\\": 2"}',
        b'{"a\\\\": 1, "a": 2}',
        b'{"a" : 1, "b"\r\n:\t2}',
        b'["\\\\", "\\":"]',
        b'"\\\\u0000"',
        nested(MAX_DEPTH),
        b"\r\n\t {} \n",
        b"[]",
        b"null",
        '{"ключ": "値\u2028"}'.encode(),
    ],
    ids=lambda raw: raw[:30].decode(),
)
def test_what_is_right_is_read_as_any_other_reader_reads_it(raw: bytes) -> None:
    assert parse(raw) == json.loads(raw)


# --- any value survives ------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
awkward_texts = texts | st.sampled_from(
    ["\\", '"', '":', '\\":', '\\\\":', "a\\", '"a":1,', "\\u0000", "NaN", "é", "😀", ""]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(INT64_MIN, INT64_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | awkward_texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(awkward_texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_any_value_within_the_limits_survives_encoding(value: Any) -> None:
    assert parse(msgspec.json.encode(value)) == value
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False, indent=1).encode()) == value


# --- the fast reader and a slow one agree -------------------------------------------------------


def slow_verdict(text: str) -> Any:
    """What a reader without any shortcut says: the value, or BadInput for what is refused."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in items}) < len(items):
            raise ValueError("duplicate key")
        return dict(items)

    def constant(name: str) -> None:
        raise ValueError(name)

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
        json.dumps(value, ensure_ascii=False).encode()
        _refuse(value, 1)
    except (ValueError, RecursionError):
        return BadInput
    return value


def _refuse(value: Any, depth: int) -> None:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("NUL")
    if isinstance(value, float) and math.isinf(value):
        raise ValueError("too large")
    if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("too large")
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise ValueError("too deep")
        for key in value if isinstance(value, dict) else ():
            _refuse(key, 0)
        for child in value.values() if isinstance(value, dict) else value:
            _refuse(child, depth + 1)


spaces = st.sampled_from(["", "", "", " ", "\n", "\t", "\r\n  "])
string_parts = st.sampled_from(
    ["a", "b", "\\\\", '\\"', '\\":', ":", ",", "{", "}", "\\u0061", "\\u0000", "\\ud83d\\ude00"]
    + ["\\ud800", "\\u005c", "\\u0022", "\\n", "é", "\\/", "1e999", "9" * 19]
)
string_texts = st.lists(string_parts, max_size=3).map(lambda parts: f'"{"".join(parts)}"')
number_texts = st.sampled_from(
    ["0", "-1", "1.5", "1e3", "1e400", "9223372036854775807", "9223372036854775808", "1e-400"]
)


@st.composite
def object_texts(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    members = draw(st.lists(st.tuples(string_texts, spaces, spaces, inner), max_size=4))
    return (
        "{" + ",".join(f"{key}{left}:{right}{value}" for key, left, right, value in members) + "}"
    )


document_texts = st.recursive(
    string_texts | number_texts | st.sampled_from(["null", "true", "NaN", "-Infinity", ""]),
    lambda inner: (
        object_texts(inner) | st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(document_texts)
@example('{"a\\\\":1,"a\\\\":1}')
@example('{"a":"\\\\\\":","a":1}')
@example('{"\\\\\\"":1,"\\\\\\"":2}')
@example('{"a":{"\\\\" :1},"a":2}')
def test_the_fast_reader_agrees_with_a_slow_one(text: str) -> None:
    expected = slow_verdict(text)
    if expected is BadInput:
        refusal(text.encode())
    else:
        assert parse(text.encode()) == expected


@settings(max_examples=200)
@given(st.binary(max_size=60) | document_texts.map(str.encode), st.integers(0, 60))
def test_no_bytes_raise_anything_but_bad_input(raw: bytes, cut: int) -> None:
    problem = problem_of(raw[:cut])
    assert problem is None or (problem.code and problem.sentence)


# --- lines --------------------------------------------------------------------------------------


def test_each_line_has_its_own_verdict_and_blank_lines_are_none() -> None:
    lines = list(parse_lines(b'{"a":1}\r\n\n  \nnope\n{"b":1,"b":2}\n{"c":3}'))
    assert [line for line, _ in lines] == [b'{"a":1}\r', b"nope", b'{"b":1,"b":2}', b'{"c":3}']
    verdicts = [value.code if isinstance(value, BadInput) else value for _, value in lines]
    assert verdicts == [{"a": 1}, "malformed_json", "duplicate_key", {"c": 3}]


# --- the public suite of hostile documents ------------------------------------------------------

# Documents that RFC 8259 allows and our own rules refuse, with the rule.
STRICTER = {
    "y_object_duplicated_key.json": "duplicate_key",
    "y_object_duplicated_key_and_value.json": "duplicate_key",
    "y_object_escaped_null_in_key.json": "nul_character",
    "y_string_null_escape.json": "nul_character",
}


def suite(prefix: str) -> list[Any]:
    if not SHARED_FORMATS.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip("the suite is not beside the project"))]
    paths = sorted(SHARED_FORMATS.glob(f"{prefix}_*.json"))
    return [pytest.param(path, id=path.name) for path in paths] or [
        pytest.param(None, marks=pytest.mark.skip("the suite has none of these"))
    ]


@pytest.mark.parametrize("path", suite("y"))
def test_the_suites_valid_documents_parse_unless_a_rule_of_ours_says_why(path: Path) -> None:
    raw = path.read_bytes()
    if path.name in STRICTER:
        assert refusal(raw).code == STRICTER[path.name]
    else:
        assert parse(raw) == json.loads(raw)


@pytest.mark.parametrize("path", suite("n"))
def test_the_suites_invalid_documents_are_refused(path: Path) -> None:
    assert refusal(path.read_bytes()).code in {"malformed_json", "too_deep"}


@pytest.mark.parametrize("path", suite("i"))
def test_the_suites_undecided_documents_never_raise_anything_else(path: Path) -> None:
    problem = problem_of(path.read_bytes())
    accepted = {"malformed_json", "too_deep", "number_too_large", "lone_surrogate"}
    assert problem is None or problem.code in accepted
