"""Who may be meant by a name is known again, in whatever way it is written; nobody else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.vault.namesakes import Known

UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "ß": "ss"})
NO_ACCENTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "å": "a", "ø": "o", "ß": "ss", "é": "e"})


def may_be_one(first: str, second: str) -> bool:
    """Asked both ways round, which makes no difference."""
    one, other = Known.by([first]), Known.by([second])
    told = one.may_be(other)
    assert other.may_be(one) is told
    return told


@pytest.mark.parametrize(
    ("account", "named"),
    [
        ("john.doe@organization.com", "John Doe"),
        ("john.doe@organization.com", "DOE, John"),
        ("john.doe", "Mr. John Doe"),
        ("john.doe2@organization.com", "John Doe"),
        ("doe_john@organization.com", "John Doe"),
        ("john.doe@organization.com", "john.doe@gmail.com"),
        ("john.doe@organization.com", "John.Doe+private@gmail.com"),
        ("john.doe@organization.com", "Johnny <john.doe@gmail.com>"),
        ("john.doe@organization.com", "A. Roe <a.roe@gmail.com>, John <john.doe@gmail.com>"),
        ("john.doe@organization.com", "the caretaker, John Doe, of the second floor"),
    ],
)
def test_an_account_is_known_by_name_and_at_any_domain(account: str, named: str) -> None:
    assert may_be_one(account, named)


@pytest.mark.parametrize(
    ("account", "named"),
    [
        ("hans.mueller@organization.com", "Hans Müller"),
        ("hans.muller@organization.com", "Hans Müller"),
        ("hans.müller@organization.com", "Hans Mueller"),
        ("hans.mueller@organization.com", "Hans Muller"),
        ("hans.mueller@organization.com", "Herr Müller"),
        ("bjoern.strasse@organization.com", "Björn Straße"),
        ("soren.lukasz@organization.com", "Søren Łukasz"),
        ("jose.nunez@organization.com", "José Nu\u0301n\u0303ez"),
        ("maria.elena.roe@organization.com", "mariaelena roe"),
    ],
)
def test_accents_and_umlauts_make_no_difference(account: str, named: str) -> None:
    assert may_be_one(account, named)


@pytest.mark.parametrize(
    ("account", "named"),
    [
        ("anna.schmidt@organization.com", "Anna Maria Schmidt"),
        ("anna.maria.schmidt@organization.com", "Schmidt, Anna"),
        ("anna.maria.schmidt@organization.com", "Anna Schmidt (Accounting)"),
        ("annamaria.schmidt@organization.com", "Anna-Maria Schmidt"),
        ("anna-maria.schmidt@organization.com", "Annamaria Schmidt"),
        ("anna.schmidt-huber@organization.com", "Anna Schmidt"),
        ("anna@organization.com", "Anna Schmidt"),
        ("hr.anna@organization.com", "Anna Schmidt"),
        ("sean.oneill@organization.com", "Seán O'Neill"),
        ("u.vonderleyen@organization.com", "Ursula von der Leyen"),
        ("leyen@organization.com", "Ursula von der Leyen"),
        ("amit.das@organization.com", "Das"),
        ("王小明", "王小明"),
    ],
)
def test_hyphens_middle_names_and_particles_make_no_difference(account: str, named: str) -> None:
    assert may_be_one(account, named)


@pytest.mark.parametrize(
    ("account", "named"),
    [
        ("john.doe@organization.com", "J. Doe"),
        ("john.doe@organization.com", "John D."),
        ("j.doe@organization.com", "John Doe"),
        ("jdoe@organization.com", "John Doe"),
        ("doej@organization.com", "John Doe"),
        ("johnd@organization.com", "John Doe"),
        ("johndoe@organization.com", "Doe, John"),
        ("jmdoe@organization.com", "John Michael Doe"),
        ("john.doe@organization.com", "jdoe@gmail.com"),
        ("li.wu@organization.com", "Wu Li"),
        ("liwu@organization.com", "Li Wu"),
        ("bo.berg@organization.com", "Bo"),
    ],
)
def test_initials_and_short_names_are_understood(account: str, named: str) -> None:
    assert may_be_one(account, named)


@pytest.mark.parametrize("named", ["Anna", "anna", "Frau Schmidt", "Maria S.", "anna@gmail.com"])
def test_in_doubt_a_single_name_is_everybodys_who_bears_it(named: str) -> None:
    assert may_be_one("anna.maria.schmidt@organization.com", named)


@pytest.mark.parametrize(
    ("account", "named"),
    [
        ("john.doe@organization.com", "Jane Roe <jane.roe@organization.com>"),
        ("john.doe@organization.com", "John Smith"),
        ("john.doe@organization.com", "john.smith@organization.com"),
        ("john.doe@organization.com", "doe.organization@gmail.com"),
        ("john.doe@organization.com", "J. Smith"),
        ("john.doe@organization.com", "Johnson Doering"),
        ("jdoe@organization.com", "Karl Doe"),
        ("jan.van.der.berg@organization.com", "Piet van der Meer"),
        ("herr.berg@organization.com", "Herr Meer"),
        ("john.doe@organization.com", "+49 170 1234567"),
        ("@john", "@jane"),
        ("4711@organization.com", "4712@organization.com"),
        ("john.doe@organization.com", ""),
        ("", ""),
    ],
)
def test_others_are_others(account: str, named: str) -> None:
    assert not may_be_one(account, named)


@pytest.mark.parametrize(
    "account", ["hr_manager", "hr_manager@organization.com", "custodian2", "hr"]
)
@pytest.mark.parametrize(
    "named", ["John Doe", "the sales manager", "Hanna Roth", "Anna, custodian", "HR user Roe"]
)
def test_a_roles_name_is_nobodys(account: str, named: str) -> None:
    assert not may_be_one(account, named)


def test_who_is_named_by_a_role_alone_is_the_account_of_that_name() -> None:
    assert may_be_one("hr_manager@organization.com", "HR Manager")
    assert not may_be_one("hr_manager@organization.com", "Manager")


def test_a_name_is_found_in_a_long_text() -> None:
    others = " ".join(f"{one}{other}x" for one in "bcdfghklmn" for other in "bcdfghklmn")
    assert may_be_one("john.doe@organization.com", f"{others} Doe, John {others}")
    assert not may_be_one("john.doe@organization.com", f"{others} John {others}")


words = st.text("abcdefghijklmnopqrstuvwxyzäöüßé", min_size=3, max_size=9)
dresses = st.sampled_from([str.upper, str.title, str.lower])


@given(words, words, words, st.permutations(range(3)), dresses, st.sampled_from([" ", "-", ", "]))
def test_a_full_name_is_known_in_any_order_and_dress(
    first: str, middle: str, last: str, order: list[int], dress: object, between: str
) -> None:
    assert callable(dress)
    names = (first, middle, last)
    named = dress(between.join(names[place] for place in order))
    for account in (f"{first}.{last}", f"{last}_{first}", f"{first}.{middle}.{last}"):
        for spelt in (account, account.translate(UMLAUTS), account.translate(NO_ACCENTS)):
            assert may_be_one(f"{spelt}@organization.com", named)


@given(words, words)
def test_the_usual_short_forms_of_a_name_are_known(first: str, last: str) -> None:
    for account in (
        f"{first[0]}{last}",
        f"{last}{first[0]}",
        f"{first}{last}",
        f"{first[0]}.{last}",
    ):
        assert may_be_one(f"{account}@organization.com", f"{first} {last}".title())


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_texts_are_compared_alike_both_ways(first: str, second: str) -> None:
    may_be_one(first, second)
