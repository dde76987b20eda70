"""HR reads ordinary workflow words and the policy's actions, and nobody's name."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.vault.ordinary_words import ORDINARY_WORDS, shown

LISTED = ("Report Filed", "Vertrauensperson benannt")
# The commonest given names and surnames of English, German, French and Spanish speakers, and the
# names among ordinary words.
_NAMES = """
    james mary robert patricia john jennifer michael linda david elizabeth william barbara richard
    susan joseph jessica thomas sarah charles karen christopher lisa daniel nancy matthew betty
    anthony sandra margaret donald ashley steven kimberly andrew emily paul donna joshua michelle
    kenneth carol kevin amanda brian melissa george deborah anna maria peter hans klaus jan lena
    ben tom max tim eva ida ada leo noah emma mia finn paula marie pierre jean luc jose juan carlos
    ana luis lucia jane anne alice bob eve trudy mallory grace mark bill will may june april august
    rose lily violet daisy ivy iris ruby pearl amber crystal jasmine olive ginger heather holly
    hope faith joy charity patience prudence constance verity mercy felicity dawn summer autumn
    art rich frank earnest ernest victor guy drew chase grant lance miles chuck rob nick jack jimmy
    dean duke earl king prince pat sue drew skip wade ray gene dale glen cliff rusty sunny sky star
    smith jones taylor brown williams wilson johnson davies robinson wright thompson evans walker
    white roberts green hall wood jackson clarke clark harris lewis baker cook carter cooper mason
    turner hill moore lee long short young old strong good best noble self sharp wise little small
    black gray grey gold silver stone field fields park parks banks rivers lake ford bridge church
    bishop pope abbot monk judge major marshal sergeant page price cash bond bell law laws case's
    day weeks winter frost snow rain fox wolf bird fish lamb bull head hand foot love power close
    read reade job ward wells waters west east north south lord knight steward chambers court roe
    doe poe muller müller schmidt schneider fischer weber meyer wagner becker schulz hoffmann koch
    richter klein wolf neumann schwarz zimmermann krüger hofmann lange werner krause garcia
    martinez lopez gonzalez perez sanchez martin bernard dubois durand moreau laurent simon michel
    nguyen tran le pham huynh vo dang bui do ho an so no kim park choi jung kang li wang zhang liu
    chen yang huang zhao wu zhou xu sun ma zhu hu guo lin he gao luo ali ahmed khan hussain singh
    kaur patel sharma kumar ivanov petrov
"""
NAMES = _NAMES.split()


def test_there_is_no_name_among_the_words() -> None:
    assert ORDINARY_WORDS.isdisjoint(NAMES)
    assert ORDINARY_WORDS.isdisjoint("abcdefghijklmnopqrstuvwxyz")
    assert all(word.isascii() and word.isalpha() and word.islower() for word in ORDINARY_WORDS)


@pytest.mark.parametrize(
    "text",
    [
        "Report Filed",
        "report.filed",
        "REPORT_FILED",
        "ReportFiled",
        "VERTRAUENSPERSON BENANNT",
        "Interview scheduled",
        "Evidence collected and reviewed",
        "in progress",
        "In-Progress",
        "success",
        "Ｃａｓｅ closed",
        "Case reopened: appeal received",
    ],
)
def test_ordinary_words_and_listed_actions_are_shown_as_sent(text: str) -> None:
    assert shown(text, LISTED) == text


@pytest.mark.parametrize(
    "text",
    [
        "Interview Jane",
        "Interview with Anna Roe held",
        "Report Filed by jane.roe@organization.com",
        "Report\u200bFiled",
        "Report Filed 2",
        "Case 12345 opened",
        "Case opened!",
        "Report Filed\n",
        "report\tfiled",
        "Report Fil\u0435d",  # a Cyrillic letter
        "+49 171 1234567",
        "",
        "   ",
        "...",
        None,
    ],
)
def test_whatever_could_name_somebody_is_not_shown(text: str | None) -> None:
    assert shown(text, LISTED) is None


def test_what_the_policy_does_not_list_is_not_shown() -> None:
    assert shown("Vertrauensperson benannt", ()) is None


def test_eight_words_are_shown_and_nine_are_not() -> None:
    assert shown("case opened " * 4, ()) is not None
    assert shown("case opened " * 4 + "again", ()) is None


def test_eighty_characters_are_shown_and_one_more_is_not() -> None:
    longest = "case" + " " * 70 + "opened"
    assert shown(longest, ()) == longest
    assert shown(longest + " ", ()) is None
    assert shown("Listed " * 12, ("Listed " * 12,)) is None


pieces = st.sampled_from(
    [*sorted(ORDINARY_WORDS)[:9], *NAMES[:9], " ", "-", "_", "/", "4", "\u200d"]
)


@given(st.text(max_size=90) | st.lists(pieces, max_size=12).map(" ".join))
def test_what_is_shown_has_nothing_but_ordinary_words(text: str) -> None:
    shows = shown(text, ())
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = re.findall(r"[^ \-_./:,]+", folded)
    is_ordinary = bool(words) and ORDINARY_WORDS.issuperset(words) and len(words) <= 8
    assert shows == (text if is_ordinary and len(text) <= 80 else None)


@given(st.lists(st.sampled_from(sorted(ORDINARY_WORDS)), min_size=1, max_size=5))
def test_any_few_ordinary_words_are_shown_in_any_case(words: list[str]) -> None:
    text = " ".join(words)
    if len(text) <= 80:
        assert shown(text.title(), ()) == text.title()


@given(st.sampled_from(NAMES), st.lists(st.sampled_from(sorted(ORDINARY_WORDS)), max_size=3))
def test_a_name_among_ordinary_words_hides_them(name: str, words: list[str]) -> None:
    assert shown(" ".join([*words, name.title()]), LISTED) is None
