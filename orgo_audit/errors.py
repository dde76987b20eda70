"""What can go wrong, as types: a stable code, a sentence for people, an HTTP status."""

from __future__ import annotations


class OrgoError(Exception):
    """The root of all errors that a caller can understand.

    `code` is stable and machine-readable, the sentence is for people, `status` is the HTTP answer,
    `path` names the offending field where there is one.
    """

    code = "error"
    status = 400

    def __init__(self, sentence: str, *, path: str = "", code: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.path = path
        if code:
            self.code = code

    @property
    def full_sentence(self) -> str:
        """The sentence as it stands by itself on a page."""
        return f"{self.sentence[:1].upper()}{self.sentence[1:]}."

    @property
    def placed_sentence(self) -> str:
        """The sentence behind the field that it is about, for whoever typed a command."""
        return f"{self.path}: {self.sentence}" if self.path else self.sentence


class BadInput(OrgoError):
    """The request itself cannot be used; the sentence says where and what would be accepted."""

    code = "bad_input"


class PolicyError(OrgoError):
    """The policy cannot be used. `line` and `column` count from 1; 0 means the whole file."""

    code = "bad_policy"

    def __init__(self, sentence: str, *, path: str = "", line: int = 0, column: int = 0) -> None:
        super().__init__(sentence, path=path)
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}: " if self.line else ""
        return f"{place}{self.placed_sentence}"


class Conflict(OrgoError):
    """What was asked contradicts what is already recorded."""

    code = "conflict"
    status = 409


class NotAllowed(OrgoError):
    """The caller may see the thing and may not act on it."""

    code = "not_allowed"
    status = 403


class NotFound(OrgoError):
    """There is no such thing, or none for this caller: the two are never told apart."""

    code = "not_found"
    status = 404

    def __init__(self, sentence: str = "there is nothing here") -> None:
        super().__init__(sentence)


class Unavailable(OrgoError):
    """Something that this needs is not there now; the same request may succeed later."""

    code = "unavailable"
    status = 503
