"""The OpenAPI document is whole: every address of the API is in it, with all that is promised."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from logs.api.schema import OPERATIONS as LOGS_OPERATIONS
from monitoring.api.schema import OPERATIONS as MONITORING_OPERATIONS
from orgo_audit import api_docs
from tests.builders import API, Caller
from tests.guards.test_permission_matrix import routes

# What tells about the API, and what answers for all that is not there.
NOT_OPERATIONS = {"api/v1/schema/", "api/v1/docs/"}


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in api_docs.document()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_document_is_valid_openapi_made_without_a_complaint() -> None:
    api_docs.document.cache_clear()
    document = api_docs.document()
    validate_schema(document)  # type: ignore[no-untyped-call]
    assert not GENERATOR_STATS
    assert document["openapi"].startswith("3.1")


def test_every_address_of_the_api_is_documented() -> None:
    known = {_plain(path) for path in api_docs.document()["paths"]}
    served = {
        _plain(f"/{route}")
        for route in routes(get_resolver().url_patterns)
        if route.startswith("api/v1/") and route not in NOT_OPERATIONS
    }
    assert known == served


def _plain(path: str) -> str:
    return "/".join("*" if word[:1] in ("<", "{") else word for word in path.split("/"))


def test_no_documented_operation_has_lost_its_address() -> None:
    known = {*LOGS_OPERATIONS, *MONITORING_OPERATIONS}
    assert known == {place for place, _ in operations()}


def test_every_operation_says_all_that_a_caller_needs() -> None:
    for place, operation in operations():
        for name in ("operationId", "summary", "description", "tags", "security"):
            assert operation[name], f"{place} has no {name}"
        assert {"401", "403", "404", "429", "503"} <= set(operation["responses"]), place
        assert any(status < "300" for status in operation["responses"]), place
        assert operation["x-codeSamples"], f"{place} has no example"
        for parameter in operation["parameters"]:
            assert parameter["description"], f"{place}: {parameter['name']}"
            assert parameter["schema"], f"{place}: {parameter['name']}"


def test_operation_ids_are_names_of_their_own() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names)


def test_every_refusal_is_problem_json() -> None:
    for place, operation in operations():
        for status, told in operation["responses"].items():
            if status >= "400":
                assert list(told["content"]) == ["application/problem+json"], f"{place} {status}"


@pytest.mark.django_db
def test_schema_and_page_need_no_credentials() -> None:
    schema = Caller().get(f"{API}/schema/")
    assert schema.media_type == "application/vnd.oai.openapi+json"
    assert schema.json == api_docs.document()
    page = Caller().get(f"{API}/docs/")
    assert page.media_type == "text/html"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.django_db
def test_the_page_has_an_anchor_and_an_example_for_every_operation() -> None:
    page = Caller().get(f"{API}/docs/").content.decode()
    for place, operation in operations():
        assert f'id="{operation["operationId"]}"' in page, place
    assert page.count("curl &#x27;") == sum(len(op["x-codeSamples"]) for _, op in operations())


# --- codes --------------------------------------------------------------------------------------

ROOT = Path(api_docs.__file__).parents[1]
# What takes a code without its name, and in which place.
PLACES = {"problem": 1, "_error": 2, "_Refused": 0}
# Raised where no caller of the API hears of it.
UNHEARD = {
    "the root of all errors": {"error"},
    "the operator's commands and settings": {"bad_policy", "another_secret_key"},
    "imported files": {"malformed_syslog", "torn_line", "line_too_long"},
    "the channels of alerts": {"not_delivered"},
    "the vault's inbox and keys": {"bad_envelope", "vault_keys_lost"},
    "the pages of cases": {"step_impossible", "not_assignable"},
    "the pages of passkeys": {
        *("too_many_passkeys", "passkey_known", "enrolment_over", "proven_already"),
        *("own_passkey", "confirmed_already"),
    },
}


def test_the_documentation_lists_every_code_that_the_api_can_answer() -> None:
    documented = Path(api_docs.__file__)
    apps = ("logs", "monitoring", "orgo_audit")
    sources = {path for app in apps for path in (ROOT / app).rglob("*.py")}
    trees = [ast.parse(path.read_text()) for path in sources - {documented}]
    listed = {code for _, codes, _ in api_docs.ERRORS for code in codes}
    raised = {code for tree in trees for code in codes_in(tree)}
    assert raised - set().union(*UNHEARD.values()) <= listed
    assert listed <= {word for tree in trees for word in words_in(tree)}


def codes_in(tree: ast.AST) -> Iterator[str]:
    """Each `code = "..."`, `code="..."`, and the code that an answer or a refusal is made with."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name("code")]) | ast.keyword(arg="code"):
                yield from codes_of(node.value)
            case ast.Call(func=ast.Name(name)) if name in PLACES:
                for argument in node.args[PLACES[name] :][:1]:
                    yield from codes_of(argument)


def codes_of(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(str() as code):
            yield code
        case ast.IfExp(body=one, orelse=other):
            yield from (*codes_of(one), *codes_of(other))


def words_in(tree: ast.AST) -> Iterator[object]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
