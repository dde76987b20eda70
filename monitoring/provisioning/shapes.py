"""The shapes of Prometheus's rules. Knows none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that Prometheus computes and keeps under a name of ours."""

    name: str
    expr: str


@dataclass(frozen=True, slots=True)
class Alerting:
    """Fires where `expr` has values for as long as `lasts`; `alert` is its name in plain words."""

    name: str
    expr: str
    lasts: str
    severity: Literal["warning", "critical"]
    alert: str
    summary: str


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are judged together; `about` says whose trouble its alerts are."""

    name: str
    rules: tuple[Recording | Alerting, ...]
    about: Literal["portal", "platform"] = "platform"
