"""What a page is made of, so that two can be compared: a hostile text must add nothing to it."""

from __future__ import annotations

from html.parser import HTMLParser

Element = tuple[str, tuple[str, ...]]
ADDRESSES = ("href", "src", "action", "formaction")
OWN = ("/", "?", "#", "export/", "data:image/")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[Element] = set()
        self.strangers: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, tuple(sorted({name for name, _ in attrs}))))
        for name, value in attrs:
            if name in ADDRESSES and value and not _is_own(value):
                self.strangers.add(value)

    def handle_comment(self, data: str) -> None:
        self.elements.add(("comment", ()))

    def handle_pi(self, data: str) -> None:
        self.elements.add(("instruction", ()))


def _is_own(address: str) -> bool:
    return address.startswith(OWN) and not address.replace("\\", "/").startswith("//")


def elements_of(page: bytes) -> set[Element]:
    """Every element with the names of its attributes; an address of elsewhere fails."""
    reader = _Reader()
    reader.feed(page.decode())
    reader.close()
    assert not reader.strangers, reader.strangers
    return reader.elements
