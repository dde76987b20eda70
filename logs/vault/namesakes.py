"""Whether two names may be one person's; pure. In doubt they are.

Overlooked are nicknames, slips, and names in different scripts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from logs.vault.people import people_in, plain
from logs.vault.spelling import PARTICLES, bare, spellings
from orgo_audit.policy.schema import ROLES

_LETTERS = re.compile(r"[^\W\d_]+")
_SHORTEST = 3
_MOST_INITIALS = 2
_ROLE_WORDS = frozenset("_".join(ROLES).split("_"))
_TELL_NOBODY = PARTICLES.union(
    ("dr", "mr", "ms", "mx", "mrs", "miss", "mister", "herr", "herrn", "frau", "prof", "professor")
    + ("doctor", "doktor", "madame", "monsieur", "senor", "senora")
)
_TWO_FOR_ONE = re.compile("(?<=[aou])e|(?<=a)a")


@dataclass(frozen=True, slots=True)
class Name:
    """A name or the local part of an address, by its words."""

    words: frozenset[str]
    # All of them in every spelling: what the other name's words may be made of.
    parts: frozenset[str]
    initials: frozenset[str]
    # Each word that could tell who it is, in every spelling.
    telling: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, text: str) -> Name:
        words = {bare(word): _every_spelling(word) for word in _LETTERS.findall(plain(text))}
        own = [word for word in words if len(word) > 1 and word not in _ROLE_WORDS]
        named = [word for word in own if word not in _TELL_NOBODY] or own
        telling = [word for word in named if len(word) >= _SHORTEST] or named
        parts = frozenset(part for spelt in words.values() for part in spelt)
        return cls(
            words=frozenset(words),
            parts=parts,
            initials=frozenset(part[0] for part in parts),
            telling=tuple(words[word] for word in telling),
        )

    def may_be(self, other: Name) -> bool:
        """Whether they have the same words, or two telling ones in common, or one has no more.

        So a first name alone is everybody's who bears it. Words may be in any order, and written
        together or with initials (`jdoe`); a role's name, as in `hr_manager`, tells nobody.
        """
        is_same = bool(self.words) and self.words == other.words
        return is_same or self._is_told_by(other) or other._is_told_by(self)

    def _is_told_by(self, other: Name) -> bool:
        common = sum(other._has(word) for word in self.telling)
        return 0 < min(2, len(self.telling)) <= common

    def _has(self, word: frozenset[str]) -> bool:
        return any(
            _is_made_of(rest, self.parts)
            for spelt in word
            if spelt[0] in self.initials
            for rest in _without_initials(spelt, self.initials)
        )


def _every_spelling(word: str) -> frozenset[str]:
    """Also with one letter for two: Muller for Mueller."""
    usual = spellings(word)
    return frozenset({*usual, *(_TWO_FOR_ONE.sub("", spelt) for spelt in usual)})


def _without_initials(word: str, initials: frozenset[str]) -> Iterator[str]:
    """The word, and what is left of it where it begins or ends with somebody's initials."""
    yield word
    for count in range(1, _MOST_INITIALS + 1):
        if initials.issuperset(word[:count]):
            yield word[count:]
        if initials.issuperset(word[-count:]):
            yield word[:-count]


def _is_made_of(word: str, parts: Iterable[str]) -> bool:
    """Whether it is one of the parts of two letters or more, or several written together."""
    ends = {0}
    for start in range(len(word)):
        if start in ends:
            ends.update(
                start + len(part)
                for part in parts
                if len(part) > 1 and word.startswith(part, start)
            )
    return len(word) > 1 and len(word) in ends


@dataclass(frozen=True, slots=True)
class Known:
    """By what names and addresses lets somebody be known again."""

    keys: frozenset[str]
    names: frozenset[Name]

    @classmethod
    def by(cls, texts: Iterable[str]) -> Known:
        people = [person for text in texts for person in people_in(text, ()) if person.key]
        addressed = {person.key for person in people if "email" in person.fields}
        own_parts = {address.rpartition("@")[0] for address in addressed}
        names = {person.fields["name"] for person in people if "name" in person.fields}
        found = (Name.of(text) for text in own_parts | names)
        return cls(
            frozenset(own_parts.union(person.key for person in people)),
            frozenset(name for name in found if name.words),
        )

    def may_be(self, other: Known) -> bool:
        """Whether they may be one person: by address, its local part at any domain, or name."""
        return not self.keys.isdisjoint(other.keys) or any(
            one.may_be(another) for one in self.names for another in other.names
        )
