"""Two workers never tell the same twice; what a killed one had claimed is told later."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from monitoring.alerting import answers
from monitoring.delivery import sending
from monitoring.delivery.models import Kind, Notification
from orgo_audit.accounts.models import Role
from tests.builders import a_user, an_organization
from tests.monitoring.delivery.servers import a_mail_server
from tests.monitoring.delivery.test_sending import fires

pytestmark = pytest.mark.usefixtures("as_worker", "committed")


def test_workers_at_the_same_time_tell_each_note_once(settings: Settings) -> None:
    north = an_organization("north")
    a_user(Role.ADMIN, north, "anna@organization.com")
    alert = fires(north)
    Notification.objects.all().delete()
    for _ in range(20):
        sending.enqueue(north, Kind.FIRED, ["admin"], [alert.pk], timezone.now())
    with a_mail_server(settings) as server:
        run_at_once(lambda: sending.deliver(timezone.now(), answers.described))
    assert len(server.mails) == 20


def test_what_a_killed_worker_had_claimed_is_told_when_the_claim_is_over(
    settings: Settings,
) -> None:
    north = an_organization("north")
    a_user(Role.ADMIN, north, "anna@organization.com")
    fires(north)
    now = timezone.now()
    Notification.objects.update(claimed_until=now + sending.CLAIMED_FOR)
    with a_mail_server(settings) as server:
        assert sending.deliver(now + timedelta(minutes=1), answers.described) == 0
        assert sending.deliver(now + timedelta(minutes=6), answers.described) == 1
    assert len(server.mails) == 1


def run_at_once(work: Any, workers: int = 4) -> None:
    def once() -> None:
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=once) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
