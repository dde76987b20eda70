"""Alertmanager's webhook is read strictly where it matters, and our own alerts are dropped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.delivery.alertmanager import Incoming, parse_webhook
from orgo_audit.errors import BadInput
from tests.shared_data import SHARED_DATA

SAMPLES = SHARED_DATA.parent / "observability" / "data" / "alertmanager-webhook-v4-samples.json"


def an_alert(**changed: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "DiskFull", "severity": "critical", "instance": "db-1"},
        "annotations": {"summary": "the disk is full"},
        "startsAt": "2026-11-24T10:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "c0ffee",
    } | changed


def a_webhook(*alerts: Any, **changed: Any) -> bytes:
    return json.dumps(
        {"version": "4", "status": "firing", "alerts": list(alerts)} | changed
    ).encode()


def test_an_alert_is_read() -> None:
    words = {
        "alertname": "DiskFull",
        "severity": "critical",
        "instance": "db-1",
        "summary": "the disk is full",
    }
    [read] = parse_webhook(a_webhook(an_alert())).alerts
    assert read == Incoming("c0ffee", True, "DiskFull", "critical", None, words)


def test_our_own_alerts_are_dropped() -> None:
    own = an_alert(labels={"alertname": "TaskEscalationPending", "orgo": "portal"})
    read = parse_webhook(a_webhook(own, an_alert()))
    assert (len(read.alerts), read.dropped) == (1, 1)


def test_an_unknown_severity_is_a_warning() -> None:
    [read] = parse_webhook(a_webhook(an_alert(labels={"severity": "page"}))).alerts
    assert (read.name, read.severity) == ("Alert", "warning")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", ""),
        (b"[]", ""),
        (b"{", ""),
        (b"[" * 100_000, ""),
        (a_webhook(version="3"), "version"),
        (a_webhook(alerts={}), "alerts"),
        (a_webhook(5), "alerts[0]"),
        (a_webhook(an_alert(), an_alert(status="maybe")), "alerts[1].status"),
        (a_webhook(an_alert(labels=[])), "alerts[0].labels"),
        (a_webhook(an_alert(labels={"a": 5})), "alerts[0].labels.a"),
        (a_webhook(an_alert(labels={"a": "\0"})), "alerts[0].labels.a"),
        (a_webhook(an_alert(annotations={"a": "\ud800"})), "alerts[0].annotations.a"),
        (a_webhook(an_alert(fingerprint="")), "alerts[0].fingerprint"),
        (a_webhook(an_alert(fingerprint="a\ud800")), "alerts[0].fingerprint"),
        (a_webhook(*[an_alert()] * 5001), "alerts"),
    ],
)
def test_what_is_no_webhook_is_refused_with_its_place(body: bytes, path: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_webhook(body)
    assert refused.value.path == path


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_alert_is_too_odd_to_be_refused_in_words(told: Any) -> None:
    with pytest.raises(BadInput) as refused:
        parse_webhook(a_webhook(told))
    assert refused.value.path.startswith("alerts[0]")


@pytest.mark.skipif(not SAMPLES.is_file(), reason="the samples of ../shared are not here")
def test_real_bodies_are_read() -> None:
    samples = json.loads(SAMPLES.read_text())
    read = [parse_webhook(json.dumps(one["body"]).encode()) for one in samples]
    assert [(one.name, one.is_firing, one.task_id) for each in read for one in each.alerts] != []
