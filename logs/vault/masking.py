"""Masks whom a text names, before a person decides what HR may read; never lets a known name pass.

In doubt it masks. It takes time in proportion to the text: each run of signs is looked at once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping

from logs.vault.people import Person, key_of_text, plain
from logs.vault.spelling import PARTICLES, bare, spellings

NAME, EMAIL, PHONE, ADDRESS, NUMBER, LINK = (
    *("[name]", "[e-mail]", "[phone]"),
    *("[address]", "[number]", "[link]"),
)

# Scripts that write words without spaces, or hang endings on them: names are found inside a run.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
)
_SIGN = r"""[^\s@<>()\[\],;:"]"""
_NEVER = "(?!)"
_PATTERN = rf"""
  (?P<link>
    (?<![a-z0-9]) (?:[a-z][a-z0-9+.\-]{{1,15}}://|www\.) [^\s<>"]++
    | (?<![\w.@\-]) (?:[a-z0-9\-]{{1,63}}\.){{1,4}}[a-z]{{2,24}} / [^\s<>"]*+ )
| (?P<email>
    (?<!{_SIGN}) {_SIGN}++ @ [^\s<>()\[\],;:"]*+ | (?<![^\s<>()\[\],;:"]) @++ {_SIGN}++
    | (?<!{_SIGN}) {_SIGN}++ \s?[\[({{]\s?(?:at|ät|@)\s?[\])}}]\s? {_SIGN}{{1,99}}
      (?:\s?[\[({{]\s?(?:dot|punkt|\.)\s?[\])}}]\s?{_SIGN}{{1,63}}){{0,5}} )
| (?P<address>
    (?<![\w:]) (?!\d\d?:\d\d:\d\d(?![:\d]))
    (?:[0-9a-f]{{0,4}}:){{2,8}} (?:\d{{1,3}}(?:\.\d{{1,3}}){{3}}|[0-9a-f]{{0,4}}) (?![0-9a-f])
    | (?<![\d.]) \d{{1,3}}(?:\.\d{{1,3}}){{3}} (?!\d) )
| (?P<iban>
    (?<![a-z0-9]) [a-z]{{2}}\d\d (?:[ \-]?[a-z]{{4}})?
    (?:[ \-]?(?=[a-z0-9]{{0,3}}\d)[a-z0-9]{{1,4}}){{2,8}} )
| (?P<number> (?<!\d) \+? (?:\((?=\d{{1,6}}\)[ \d]))? \d (?:[ \t().\-/]{{0,3}}\d){{4,}}+ )
| (?P<unspaced> %(unspaced)s )
| (?P<word> (?:(?![{_UNSPACED}])[^\W_]|[{_MARKS}])++ )
"""
_ENDS = ".,;:!?')]"
_DATE = re.compile(r"\d{1,4}[.\-/] ?\d{1,2}[.\-/] ?\d{1,4}")
_PERCENT_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_LONG_DIGITS = re.compile(r"\d{5,}")
_PARTS = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_IN_UNSPACED = re.compile(f"[{_UNSPACED}]{{2,}}")
_LABEL = r"(?:Anon\d{1,5}|\[name\])"
_TWICE = re.compile(rf"({_LABEL})(?:[ .\-_']{{1,2}}(?:\1|\[name\])(?!\d))+")
_INITIAL_BEFORE = re.compile(rf"(?<!\w)[^\W\d_]\. ?(?={_LABEL})")
_INITIAL_AFTER = re.compile(rf"({_LABEL}) [A-Z]\.")

_GENERIC_PLACES = frozenset(
    ("street", "road", "avenue", "lane", "drive", "house", "floor", "straße", "strasse", "platz")
)
_SHORTEST, _SHORTEST_FUZZY, _LONGEST_FUZZY = 3, 5, 40
_TELLING_DIGITS = 7


def masked(text: str, people: Iterable[Person], labels: Mapping[str, str] | None = None) -> str:
    """The text with a label or a placeholder for all that could lead to somebody.

    `labels` gives a person's label by their key. What is left is in its compatible form (NFKC).
    """
    names = _Names(people, labels or {})
    found = names.pattern.sub(names.replacement, _readable(text))
    found = _INITIAL_AFTER.sub(r"\1", _INITIAL_BEFORE.sub("", found))
    return _TWICE.sub(r"\1", found)


def _readable(text: str) -> str:
    """Without the dress in which a name could pass: percent signs, entities, wide signs."""
    return plain(html.unescape(_PERCENT_ENCODED.sub(_decoded, text)))


def _decoded(found: re.Match[str]) -> str:
    try:
        signs = bytes.fromhex(found[0].replace("%", "")).decode()
    except UnicodeDecodeError:
        return found[0]
    return signs if signs.isprintable() else found[0]


class _Names:
    """By which words these people could be named, and what stands for them instead."""

    def __init__(self, people: Iterable[Person], labels: Mapping[str, str]) -> None:
        self._addresses: dict[str, str] = {}
        self._phones: dict[str, str] = {}
        self._exact: dict[str, str] = {}
        self._near: dict[str, str] = {}
        self._short: dict[str, str] = {}
        self._unspaced: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        places: set[str] = set()
        for person in people:
            label = labels.get(person.key) or person.sent_label or NAME
            self._learn(person, label)
            places.update(_LETTERS.findall(plain(person.fields.get("address", ""))))
        for word in places:
            if len(word) > _SHORTEST and word.casefold() not in _GENERIC_PLACES:
                self._exact.setdefault(bare(word), ADDRESS)
        unspaced = "|".join(map(re.escape, sorted(self._unspaced, key=len, reverse=True)))
        self.pattern = re.compile(
            _PATTERN % {"unspaced": unspaced or _NEVER}, re.VERBOSE | re.IGNORECASE
        )

    def _learn(self, person: Person, label: str) -> None:
        if "@" in person.key:
            _add(self._addresses, person.key, label)
        phone = _digits(person.fields.get("phone", ""))
        if len(phone) >= _TELLING_DIGITS:
            _add(self._phones, phone[-_TELLING_DIGITS:], label)
        local = plain(person.fields.get("email", "")).partition("@")[0].partition("+")[0]
        identity = "" if "@" in person.key else person.fields.get("identity", "")
        for text in {local, plain(person.fields.get("name", "")), plain(identity)}:
            self._learn_name(text, label)

    def _learn_name(self, name: str, label: str) -> None:
        for run in _IN_UNSPACED.findall(name):
            _add(self._unspaced, run, label)
        for word in _PARTS.findall(name):
            # Li is a name, and li is not: of short words, only the same signs count.
            if len(word) == _SHORTEST - 1 and word[0].isupper():
                _add(self._short, word, label)
        for word in _words_of(name):
            self._learn_word(word, label)

    def _learn_word(self, word: str, label: str) -> None:
        for spelling in spellings(word):
            _add(self._exact, spelling, label)
            if _SHORTEST_FUZZY <= len(spelling) <= _LONGEST_FUZZY:
                for variant in _one_less(spelling):
                    _add(self._near, variant, label)

    def replacement(self, found: re.Match[str]) -> str:
        text = found[0]
        match found.lastgroup:
            case "word":
                return self._word(text)
            case "email":
                return self._email(text)
            case "number":
                return self._number(text)
            case "unspaced":
                return self._unspaced.get(text, NAME)
            case "link":
                return _but_not_the_end(text, LINK)
            case "address":
                return ADDRESS
        return NUMBER

    def _word(self, word: str) -> str:
        if word not in self._seen:
            parts = _LETTERS.findall(word) if any(map(str.isdigit, word)) else []
            labels = (label for text in (word, *parts) if (label := self._label_of(text)))
            self._seen[word] = next(labels, None) or _LONG_DIGITS.sub(NUMBER, word)
        return self._seen[word]

    def _label_of(self, word: str) -> str | None:
        """Whom the word names, though it have another case, accent, ending, or one letter wrong."""
        if len(word) < _SHORTEST:
            return self._short.get(word)
        for spelling in spellings(word):
            label = self._exact.get(spelling) or self._exact.get(spelling.removesuffix("s"))
            if label:
                return label
            if _SHORTEST < len(spelling) <= _LONGEST_FUZZY + 1:
                near = (self._near.get(variant) for variant in _one_less(spelling))
                label = next(filter(None, near), None)
                if label:
                    return label
        return None

    def _email(self, text: str) -> str:
        address = text.rstrip(_ENDS)
        local = "".join(_PARTS.findall(re.split(r"[@+\[({]", address)[0]))
        label = self._addresses.get(key_of_text(address)) or self._exact.get(bare(local))
        return _but_not_the_end(text, label or EMAIL)

    def _number(self, text: str) -> str:
        digits = _digits(text)
        known = self._phones.get(digits[-_TELLING_DIGITS:])
        if known:
            return known
        is_phone = len(digits) >= _TELLING_DIGITS and not (
            _DATE.fullmatch(text) or text.isdigit() and text[0] != "0"
        )
        return PHONE if is_phone else NUMBER


def _but_not_the_end(text: str, told: str) -> str:
    """What stands for the text, and the stops and brackets that follow it."""
    return told + text[len(text.rstrip(_ENDS)) :]


def _add(known: dict[str, str], word: str, label: str) -> None:
    """A word that two people share tells neither from the other."""
    known[word] = label if known.get(word, label) == label else NAME


def _words_of(name: str) -> Iterator[str]:
    """The name's words, and what they look like written together or with an initial."""
    words = _PARTS.findall(name)
    for word in words:
        if len(word) >= _SHORTEST and word.casefold() not in PARTICLES:
            yield word
    yield from (part for part in _LETTERS.findall(name) if len(part) > _SHORTEST)
    if len(words) > 1:
        first, last = words[0], words[-1]
        together = ("".join(words), "".join(reversed(words)), first + last, first[0] + last)
        yield from (word for word in (*together, last + first[0]) if len(word) > _SHORTEST)


def _one_less(word: str) -> Iterator[str]:
    """The word and all that has a letter less: two words a letter apart have one in common."""
    yield word
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]


def _digits(text: str) -> str:
    return "".join(sign for sign in plain(text) if sign.isdigit())
