"""The OpenAPI document is whole: every address of the API is in it, with all that is promised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from logs.api.schema import OPERATIONS
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
    assert set(OPERATIONS) == {place for place, _ in operations()}


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
