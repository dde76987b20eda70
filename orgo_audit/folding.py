"""One spelling for names that people and programs write in different ways."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

# Letters that nobody sees: Hangul fillers.
UNSEEN = "\u115f\u1160"
_NOT_WORD = re.compile(rf"[\W_{UNSEEN}]+")
_MOST_MARKS = 30
# Long texts are not kept: a sender could fill the memory with them.
_LONGEST_KEPT = 100


def fold(text: str) -> str:
    """One spelling for names that differ in case, width, hyphen or underscore."""
    return _fold_kept(text) if len(text) <= _LONGEST_KEPT else _fold(text)


def _fold(text: str) -> str:
    return _NOT_WORD.sub("", unicodedata.normalize("NFKC", few_marks(text)).casefold())


def few_marks(text: str) -> str:
    """No endless run of combining marks: putting one in order takes the square of its length."""
    if len(text) <= _MOST_MARKS or text.isascii() or not any(map(unicodedata.combining, set(text))):
        return text
    return "".join(_with_few_marks(text))


def without(text: str, is_unwanted: Callable[[str], bool]) -> str:
    """The text without these signs: each is judged once, however long the text is."""
    unwanted = [ord(sign) for sign in set(text) if is_unwanted(sign)]
    return text.translate(dict.fromkeys(unwanted)) if unwanted else text


def _with_few_marks(text: str) -> Iterator[str]:
    run = 0
    for sign in text:
        run = run + 1 if unicodedata.combining(sign) else 0
        if run <= _MOST_MARKS:
            yield sign


_fold_kept = lru_cache(maxsize=8192)(_fold)
