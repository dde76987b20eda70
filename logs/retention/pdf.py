"""A certificate as a PDF. The same certificate gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

from logs.retention.certificate_words import facts_of, notes_of, sentence_of
from logs.retention.models import DestructionCertificate

TEMPLATE = Path(__file__).with_name("certificate.typ")
# What the font inside the typst wheel has; one missing character would refuse the whole page.
SHOWN = frozenset(
    chr(code)
    for first, last in ((0x20, 0x7E), (0xA1, 0x24F), (0x391, 0x3C9), (0x400, 0x45F))
    for code in range(first, last + 1)
    if chr(code).isprintable()
)


def certificate_pdf(one: DestructionCertificate) -> bytes:
    """A page that a screen reader can read: PDF/UA-1 and PDF/A-2a, as far as typst checks that."""
    import typst  # not at the top: 80 MB that no other process of the portal needs

    made = typst.compile(
        TEMPLATE,
        format="pdf",
        root=TEMPLATE.parent,
        ignore_system_fonts=True,
        sys_inputs={"told": json.dumps(_told(one))},
        pdf_standards=["ua-1", "a-2a"],
        timestamp=int(one.destroyed_at.timestamp()),
    )
    assert isinstance(made, bytes)  # a list is for pictures, one a page  # noqa: S101
    return made


def visible(text: str) -> str:
    r"""The text with every character that the font lacks as `\u{...}`."""
    return "".join(sign if sign in SHOWN else f"\\u{{{ord(sign):x}}}" for sign in text)


def _told(one: DestructionCertificate) -> dict[str, object]:
    return {
        "title": "Certificate of destruction",
        "id": str(one.pk),
        "sentence": visible(sentence_of(one)),
        "facts": [(what, visible(value)) for what, value in facts_of(one)],
        "notes": notes_of(one),
    }
