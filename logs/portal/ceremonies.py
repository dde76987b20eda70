"""What a page needs to have a passkey used, and how its answer is read. Judges no signature."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from orgo_audit import strict_json


@dataclass(frozen=True, slots=True)
class Ceremony:
    """One use of a passkey: what the browser is told, and what its answer is sent with."""

    do: str
    button: str
    options: dict[str, Any]
    makes_passkey: bool = False
    beside: dict[str, str] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """The options as the page's script reads them off its button."""
        return json.dumps(self.options)


def signed_answer(request: HttpRequest) -> Any:
    """What the browser's `toJSON()` gave; BadInput where it is no JSON."""
    return strict_json.parse(request.POST.get("answer", "").encode())


def places(request: HttpRequest) -> dict[str, str]:
    """Where passkeys work, for the script to compare with where the page is open."""
    return {"passkey_origin": settings.ORGO_PUBLIC_URL, "passkey_page": request.path}
