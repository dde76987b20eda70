"""Alertmanager, both ways: the portal posts its alerts, and reads what Alertmanager posts back.

Its API version 2 and its webhook of format version 4
(https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from django.conf import settings

from logs.interface import format_instant
from monitoring.delivery.base import ChannelError, Note, ToldAlert
from orgo_audit.errors import BadInput

# What comes back with this mark is our own.
MARK, OWN = "orgo", "portal"
# They are posted each minute; one that is not repeated is over for Alertmanager.
LASTS = timedelta(minutes=4)
BATCH = 500
TIMEOUT_SECONDS = 10.0
VERSION = "4"
MAX_ALERTS, MAX_WORDS, MAX_LENGTH = 5_000, 50, 1_000


class Alertmanager:
    """The one at ALERTMANAGER_URL."""

    def send(self, note: Note, now: datetime) -> None:
        post(note.alerts, note.portal_url, now)


def post(alerts: Sequence[ToldAlert], portal_url: str, now: datetime) -> None:
    """All of them, some hundred a request; ChannelError where one was not taken."""
    if not settings.ALERTMANAGER_URL:
        raise ChannelError("no Alertmanager is set (ALERTMANAGER_URL)")
    address = f"{settings.ALERTMANAGER_URL}/api/v2/alerts"
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            for start in range(0, len(alerts), BATCH):
                batch = [_outgoing(one, portal_url, now) for one in alerts[start : start + BATCH]]
                answer = client.post(address, json=batch)
                if not answer.is_success:
                    raise ChannelError(f"Alertmanager answered {answer.status_code}")
    except httpx.HTTPError as error:
        raise ChannelError("Alertmanager does not answer", is_down=True) from error


def _outgoing(alert: ToldAlert, portal_url: str, now: datetime) -> dict[str, Any]:
    labels = {
        "alertname": "".join(word[:1].upper() + word[1:] for word in alert.name.split()),
        MARK: OWN,
        "organization": alert.organization,
        "rule": alert.rule,
        "severity": alert.severity,
    }
    if alert.task_id:
        labels["task_id"] = alert.task_id
    elif alert.subject:
        labels["subject"] = alert.subject
    ends_at = alert.resolved_at or now + LASTS
    return {
        "labels": labels,
        "annotations": {"alert": alert.name} | {k: str(v) for k, v in alert.facts.items()},
        "startsAt": format_instant(alert.fired_at),
        "endsAt": format_instant(ends_at),
        "generatorURL": alert.page(portal_url),
    }


# --- what comes in ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Incoming:
    """One alert that Alertmanager tells of."""

    fingerprint: str
    is_firing: bool
    name: str
    severity: str
    task_id: str | None
    words: dict[str, str]


@dataclass(frozen=True, slots=True)
class Webhook:
    """What one request holds; our own alerts, which came back, are only counted."""

    alerts: tuple[Incoming, ...]
    dropped: int


def parse_webhook(body: bytes) -> Webhook:
    """BadInput, with the path, for what is no webhook of version 4. Unknown keys are let be."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise BadInput("expected JSON as Alertmanager's webhook sends it") from None
    if not isinstance(told, dict):
        raise BadInput("expected an object as Alertmanager's webhook sends it")
    if told.get("version") != VERSION:
        raise BadInput(f'expected "{VERSION}"', path="version", code="unknown_version")
    alerts = _of(told, "alerts", list, "alerts")
    if len(alerts) > MAX_ALERTS:
        raise BadInput(f"at most {MAX_ALERTS:,} alerts", path="alerts", code="too_many")
    every = [_incoming(one, f"alerts[{place}]") for place, one in enumerate(alerts)]
    theirs = tuple(one for one in every if one is not None)
    return Webhook(theirs, len(every) - len(theirs))


def _incoming(told: Any, path: str) -> Incoming | None:
    """None for one of our own."""
    if not isinstance(told, dict):
        raise BadInput("expected an object", path=path, code="wrong_type")
    labels = _words(_of(told, "labels", dict, f"{path}.labels"), f"{path}.labels")
    if labels.get(MARK) == OWN:
        return None
    annotations = _words(told.get("annotations") or {}, f"{path}.annotations")
    status = _of(told, "status", str, f"{path}.status")
    if status not in ("firing", "resolved"):
        raise BadInput("expected firing or resolved", path=f"{path}.status", code="bad_status")
    fingerprint = _of(told, "fingerprint", str, f"{path}.fingerprint")
    if not 1 <= len(fingerprint) <= 100:
        raise BadInput("1 to 100 characters", path=f"{path}.fingerprint", code="bad_fingerprint")
    name = annotations.get("alert") or labels.get("alertname") or "Alert"
    severity = labels.get("severity", "")
    return Incoming(
        fingerprint=fingerprint,
        is_firing=status == "firing",
        name=name[:200],
        severity=severity if severity in ("info", "warning", "critical") else "warning",
        task_id=labels["task_id"][:500] if labels.get("task_id") else None,
        words=_bounded((*labels.items(), *annotations.items())),
    )


_KINDS: dict[type[Any], str] = {list: "a list", dict: "an object", str: "a text"}


def _of(told: dict[str, Any], name: str, kind: type[Any], path: str) -> Any:
    value = told.get(name)
    if not isinstance(value, kind) or (
        isinstance(value, str) and ("\0" in value or not _is_text(value))
    ):
        raise BadInput(f"expected {_KINDS[kind]}", path=path, code="wrong_type")
    return value


def _words(told: Any, path: str) -> dict[str, str]:
    if not isinstance(told, dict):
        raise BadInput("expected an object", path=path, code="wrong_type")
    for name, word in told.items():
        _of({name: word}, name, str, f"{path}.{name[:100]}")
        if "\0" in name or not _is_text(name + word):
            raise BadInput("NUL or half a character", path=path, code="bad_text")
    return told


def _is_text(word: str) -> bool:
    """Without lone surrogates, which no database takes."""
    return word.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in word)


def _bounded(words: Iterable[tuple[str, str]]) -> dict[str, str]:
    bounded: dict[str, str] = {}
    for name, word in words:
        if len(bounded) < MAX_WORDS:
            bounded.setdefault(name[:100], word[:MAX_LENGTH])
    return bounded
