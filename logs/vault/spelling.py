"""One word, spelt in several ways; pure."""

from __future__ import annotations

import unicodedata

# Parts of names that are ordinary words of some language.
PARTICLES = frozenset(
    ("von", "van", "der", "den", "dem", "des", "del", "della", "dos", "das", "bin", "ibn", "mac")
    + ("the", "and", "und", "los")
)
_UNLIKE_LATIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def spellings(word: str) -> set[str]:
    """Without accents, and with umlauts as two letters."""
    folded = word.casefold()
    return {bare(folded), bare(folded.translate(_UMLAUTS))}


def bare(word: str) -> str:
    """Without case and accents."""
    apart = unicodedata.normalize("NFKD", word.casefold().translate(_UNLIKE_LATIN))
    return "".join(sign for sign in apart if unicodedata.category(sign) != "Mn")
