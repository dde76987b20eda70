"""The shipped log samples are what the portal takes: the tests load the very files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from logs.record.models import Event, SealedItem
from orgo_audit.accounts.models import Scope
from tests.builders import Vault, a_token, an_organization

SAMPLES = Path(__file__).parents[2] / "logs" / "samples"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.django_db
@pytest.mark.parametrize("log_type", ["activity", "security", "error"])
def test_every_sample_is_stored_and_read_back_as_it_was_sent(client: Client, log_type: str) -> None:
    token = a_token(an_organization(), Scope.INGEST, Scope.READ)
    headers = {"Authorization": f"Bearer {token}"}
    sent = sample(log_type)
    path = f"/api/v1/{log_type}-logs/"
    receipt = client.post(path, json.dumps(sent), content_type="application/json", headers=headers)
    assert receipt.status_code == 201
    for identifier, event in zip(receipt.json()["ids"], sent, strict=True):
        answer = client.get(f"{path}{identifier}/", headers=headers).json()
        for name, value in event.items():
            assert answer.get(name, answer["details"].get(name)) == value


@pytest.mark.django_db
def test_the_anonymized_sample_is_sealed(client: Client, vault: Vault) -> None:
    token = a_token(an_organization())
    receipt = client.post(
        "/api/v1/activity-logs/",
        json.dumps(sample("anonymized")),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert receipt.status_code == 202
    assert receipt.json()["sealed"] == 1
    assert not Event.objects.exists()
    assert SealedItem._meta.db_table == "logs_sealeditem"


def test_the_alert_sample_has_the_blueprints_shape() -> None:
    assert sample("alert").keys() == {"alert", "task_id", "escalation_time"}
