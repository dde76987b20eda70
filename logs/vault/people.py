"""Identities as they were sent, turned into people; pure, and never keeps what names nobody.

In doubt somebody is found: a word too many gets a label, a person overlooked would get none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from orgo_audit.folding import few_marks, fold, without

Field = Literal["identity", "name", "email", "phone", "address"]

OTHER = "other"
# Lists and objects inside one another under a role; whatever lies deeper is passed over.
MAX_DEPTH = 4

_FIELD_OF: dict[str, Field] = {
    **dict.fromkeys(("name", "fullname", "displayname"), "name"),
    **dict.fromkeys(("firstname", "givenname", "lastname", "surname", "familyname"), "name"),
    **dict.fromkeys(("email", "mail", "emailaddress"), "email"),
    **dict.fromkeys(("phone", "telephone", "mobile", "phonenumber"), "phone"),
    **dict.fromkeys(("address", "postaladdress"), "address"),
}
# Each run of signs is looked at once: it begins where no such sign stands before it.
_SIGNS = r"""[^\s@<>()\[\],;:"]"""
_ADDRESS = re.compile(rf"(?<!{_SIGNS}){_SIGNS}++@{_SIGNS}+")
_BESIDE_NAMES = " <>()[]\"',;:"
_PHONE = re.compile(r"[+(0][0-9 ()./-]{6,30}")
_LABEL = re.compile(r"Anon[0-9]{1,5}")
_WORD = re.compile(r"[^\W\d_]{3,}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Invisible, though no format character: fillers, joiners, variation selectors.
_ALSO_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_INVISIBLE = ("Cf", "Cs", "Co", "Cn")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a role: known by `key`, or already anonymized; then only `sent_label` is set."""

    role: str
    key: str
    fields: Mapping[Field, str]
    sent_label: str | None = None


def people_in(identities: object, roles: Collection[str]) -> list[Person]:
    """All people, in order of first appearance, each once in a role."""
    found: dict[tuple[str, str], Person] = {}
    for person in _Reader({fold(role): role for role in roles}).top(identities):
        place = (person.role, person.key or person.sent_label or "")
        known = found.get(place, person)
        found[place] = replace(known, fields={**person.fields, **known.fields})
    return list(found.values())


def key_of_text(text: str) -> str:
    """The comparable form of a person: the address, else the name; nothing for an empty text."""
    return next((person.key for person in _in_text(text, OTHER)), "")


def tokens_of(people: Iterable[Person]) -> frozenset[str]:
    """The words, folded, by which a text could name these people: of names and local parts."""
    return frozenset(
        word
        for person in people
        for name in ("identity", "name", "email")
        for word in _WORD.findall(_without_domains(plain(person.fields.get(name, ""))).casefold())
    )


def plain(text: str) -> str:
    """The text in its compatible form, without invisible characters."""
    text = _CONTROL.sub("", text)
    if text.isascii():
        return text
    visible = without(few_marks(text), lambda sign: unicodedata.category(sign) in _INVISIBLE)
    return _ALSO_INVISIBLE.sub("", unicodedata.normalize("NFKC", visible))


def _without_domains(text: str) -> str:
    return _ADDRESS.sub(lambda found: found[0].partition("@")[0], text)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Goes through what was sent; `roles` are the policy's, by their folded names."""

    roles: Mapping[str, str]

    def top(self, identities: object) -> Iterator[Person]:
        """Keys are roles here; one that nobody listed is the role "other"."""
        if not isinstance(identities, Mapping):
            yield from self.in_value(identities, OTHER, MAX_DEPTH)
            return
        own: dict[object, object] = {}
        for key, value in identities.items():
            found = self.in_key(str(key), value, OTHER, MAX_DEPTH)
            if found is not None:
                yield from found
            elif fold(str(key)) in _FIELD_OF:
                own[key] = value
            else:
                yield from self.in_value(value, OTHER, MAX_DEPTH)
        yield from self.described(own, OTHER)

    def in_value(self, value: object, role: str, depth: int) -> Iterator[Person]:
        if isinstance(value, str):
            yield from _in_text(value, role)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield from _in_text(str(value), role)
        elif isinstance(value, Mapping) and depth:
            yield from self.in_object(value, role, depth - 1)
        elif isinstance(value, list | tuple) and depth:
            for child in value:
                yield from self.in_value(child, role, depth - 1)

    def in_object(self, sent: Mapping[object, object], role: str, depth: int) -> Iterator[Person]:
        """One person where it has a person's fields; else whoever is found in it."""
        for key, value in sent.items():
            if fold(str(key)) == "role":
                role = self._named_by(value) or role
        if any(fold(str(key)) in _FIELD_OF for key in sent):
            yield from self.described(sent, role)
            return
        words = []
        for key, value in sent.items():
            if fold(str(key)) == "role":
                continue
            found = self.in_key(str(key), value, role, depth)
            if found is not None:
                yield from found
            elif isinstance(value, Mapping | list | tuple):
                yield from self.in_value(value, role, depth)
            else:
                words += _texts(value)
        yield from _in_text(" ".join(words), role)

    def in_key(self, key: str, value: object, role: str, depth: int) -> Iterator[Person] | None:
        """Whom a key leads to: a listed role, or a person who is named by the key itself."""
        folded = fold(key)
        if folded in self.roles:
            return self.in_value(value, self.roles[folded], depth)
        if folded in _FIELD_OF:
            return None
        named = self._named_by(value)
        if named is not None:
            return _in_text(key, named)
        return self._beside(key, value, role, depth) if "@" in plain(key) else None

    def _beside(self, key: str, value: object, role: str, depth: int) -> Iterator[Person]:
        if isinstance(value, Mapping):
            yield from self.in_object({"email": key, **value}, role, depth)
        else:
            yield from _in_text(key, role)
            yield from self.in_value(value, role, depth)

    def _named_by(self, value: object) -> str | None:
        return self.roles.get(fold(value)) if isinstance(value, str) else None

    def described(self, sent: Mapping[object, object], role: str) -> Iterator[Person]:
        """The person whom these fields describe; keys that are none are kept out."""
        texts: dict[Field, list[str]] = {}
        for key, value in sent.items():
            field = _FIELD_OF.get(fold(str(key)))
            if field is not None:
                texts.setdefault(field, []).extend(_texts(value))
        name = " ".join(texts.pop("name", []))
        rest = {field: ", ".join(found) for field, found in texts.items()}
        email = rest.pop("email", "") or _address_in(rest.get("address", ""))
        said = f"{name} <{email}>" if name and email else name or email
        person = next(_in_text(said, role), None)
        if person is None:
            yield from _reached_by(rest, role)
        else:
            yield replace(person, fields={**rest, **person.fields} if person.key else {})


def _texts(value: object, depth: int = MAX_DEPTH) -> list[str]:
    """Every text and number in it that is not empty."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [text for child in value for text in _texts(child, depth - 1)] if depth else []
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return []
    text = _as_sent(str(value))
    return [text] if text else []


def _in_text(text: str, role: str) -> Iterator[Person]:
    """A label, or a person for each address in it, or the one whom all of it names."""
    readable = plain(text).strip()
    if _LABEL.fullmatch(readable):
        yield Person(role, "", {}, readable)
        return
    addresses = list(_ADDRESS.finditer(readable))
    if len(addresses) < 2:
        yield from _one(_as_sent(text), readable, role)
        return
    start = 0
    for found in addresses:
        part = readable[start : found.end()].strip(_BESIDE_NAMES)
        yield from _one(part, part, role)
        start = found.end()


def _one(identity: str, readable: str, role: str) -> Iterator[Person]:
    fields: dict[Field, str] = {"identity": identity}
    email = _address_in(readable)
    name = _name_in(readable)
    if email:
        fields["email"] = email
    elif _is_phone(readable):
        fields["phone"], name = readable, ""
    if name:
        fields["name"] = name
    key = _folded_address(email) if email else _folded(name) or _digits(readable)
    if key:
        yield Person(role, key, fields)


def _reached_by(fields: Mapping[Field, str], role: str) -> Iterator[Person]:
    """Somebody of whom neither a name nor an e-mail address is known."""
    for name in ("phone", "address"):
        text = fields.get(name, "")
        key = (_digits(plain(text)) if name == "phone" else "") or _folded(plain(text))
        if key:
            yield Person(role, key, {"identity": text, **fields})
            return


def _address_in(readable: str) -> str:
    found = _ADDRESS.search(plain(readable))
    return found[0].strip("'.") if found else ""


def _name_in(readable: str) -> str:
    return " ".join(_ADDRESS.sub(" ", readable).strip(_BESIDE_NAMES).split())


def _folded_address(address: str) -> str:
    local, _, domain = _folded(address).rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", " ".join(text.casefold().split()))


def _is_phone(readable: str) -> bool:
    return bool(_PHONE.fullmatch(readable)) and len(_digits(readable)) >= 7


def _digits(readable: str) -> str:
    return "".join(sign for sign in readable if sign.isdigit())


def _as_sent(text: str) -> str:
    """The text itself; half a character, which nothing could store, becomes a question mark."""
    return text.encode(errors="replace").decode().strip()
