"""The certificate as a page that prints: whatever a name holds, always the same bytes."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from logs.retention import pdf
from logs.retention.certificate_words import facts_of, sentence_of
from logs.retention.models import DestructionCertificate, Means
from orgo_audit.accounts.models import Organization

AT = datetime(2026, 11, 26, 1, 2, 3, tzinfo=UTC)


def a_certificate(**told: Any) -> DestructionCertificate:
    known: dict[str, Any] = {
        "id": UUID(int=1),
        "organization": Organization(pk=1, slug="north"),
        "segment": "activity-2026-01",
        "kind": Means.DROP,
        "first_recorded_at": AT,
        "last_recorded_at": AT,
        "rows_at_closing": 1200,
        "rows_destroyed": 1200,
        "rows_held": 0,
        "digest_at_closing": "5f" * 32,
        "policy_version": 3,
        "period": "6 months",
        "announcement": UUID(int=2),
        "destroyed_at": AT,
    }
    return DestructionCertificate(**(known | told))


def test_the_same_certificate_gives_the_same_bytes() -> None:
    made = pdf.certificate_pdf(a_certificate())
    assert made.startswith(b"%PDF-")
    assert made == pdf.certificate_pdf(a_certificate())
    assert made != pdf.certificate_pdf(a_certificate(rows_destroyed=1199))


@pytest.mark.parametrize(
    "name", ["漢字", "\x07\0", "\ue000", "🙂", "\u202e", "\u00ad", '#panic("x")', "]$*_`<a>\\", ""]
)
def test_no_name_breaks_the_page(name: str) -> None:
    assert pdf.certificate_pdf(a_certificate(approved_by=[name, "anna"]))


def test_the_font_has_whatever_is_shown_as_it_is() -> None:
    every = "".join(sorted(pdf.SHOWN))
    assert pdf.certificate_pdf(a_certificate(approved_by=[every]))
    assert {unicodedata.category(sign) for sign in every} & {"Cc", "Cf", "Co", "Cs"} == set()


def test_what_the_font_lacks_stays_visible() -> None:
    assert pdf.visible("Jürgen Λ Ж 漢\x07") == "Jürgen Λ Ж \\u{6f22}\\u{7}"


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            {},
            "At 2026-11-26T01:02:03Z, 1,200 events of north in the segment activity-2026-01 were"
            " destroyed because their period was over.",
        ),
        (
            {"kind": Means.ERASE, "rows_destroyed": 1, "segment": ""},
            "At 2026-11-26T01:02:03Z, 1 event of north was destroyed on request.",
        ),
        (
            {"kind": Means.CASE, "case_code": UUID(int=5), "segment": ""},
            "The case 00000000-0000-0000-0000-000000000005 of north was destroyed at"
            " 2026-11-26T01:02:03Z: its period was over.",
        ),
    ],
)
def test_what_happened_is_one_sentence(told: dict[str, Any], sentence: str) -> None:
    one = a_certificate(**told)
    assert sentence_of(one) == sentence
    assert pdf.certificate_pdf(one)


def test_of_a_case_only_its_code_is_told() -> None:
    one = a_certificate(kind=Means.CASE, case_code=UUID(int=5), segment="", announcement=None)
    assert [what for what, _ in facts_of(one)] == [
        "Organization",
        "What went",
        "Case",
        "Kept for",
        "Policy version",
        "Destroyed at",
        "Certificate",
    ]
