"""People are told: by the first channel that takes it, each try kept, nothing twice or never."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from monitoring.alerting import alerts, answers
from monitoring.alerting.models import Alert
from monitoring.alerting.rules import Condition, Verdict
from monitoring.alerting.vocabulary import Rule, Severity
from monitoring.delivery import guarded_http, sending
from monitoring.delivery.models import DeliveryTry, Notification
from orgo_audit.accounts.models import Organization, Role
from tests.builders import a_user, an_organization
from tests.monitoring.delivery.servers import (
    Receiver,
    a_free_port,
    a_mail_server,
    a_receiver,
    use_mail_server,
)
from tests.policies import in_force

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_worker")]


@pytest.fixture
def north() -> Organization:
    organization = an_organization("north")
    anna = a_user(Role.ADMIN, organization, "anna@organization.com")
    a_user(Role.ADMIN, organization, "nobody-with-an-address")
    a_user(Role.DPO, organization, "dora@organization.com")
    assert anna.is_active
    return organization


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.ORGO_WEBHOOK_SECRET = SECRET
    settings.ORGO_WEBHOOK_PRIVATE = True
    with a_receiver() as receiver:
        yield receiver


def channels(receiver: Receiver, *names: str) -> None:
    in_force(f"escalation: {{channels: {json.dumps(names)}, webhook: {json.dumps(receiver.url)}}}")


def fires(
    organization: Organization,
    *,
    task_id: str | None = "56789",
    rule: Rule = Rule.ESCALATION_PENDING,
    subject: str = "56789",
    name: str = "Task Escalation Pending",
) -> Alert:
    told = {"escalation_time": "2 hours"} if task_id else {}
    wrong = Condition(rule, name, Severity.CRITICAL, subject, task_id, told)
    alerts.reconcile(organization, {rule: Verdict((wrong,))}, timezone.now())
    return Alert.objects.get(rule=rule, subject=subject)


def deliver() -> int:
    return sending.deliver(timezone.now(), answers.described)


def trail() -> list[tuple[str, str, str]]:
    tries = DeliveryTry.objects.order_by("pk")
    return [(one.channel, one.outcome, one.detail) for one in tries]


# --- mail ---------------------------------------------------------------------------------------


def test_admins_are_told_by_mail(north: Organization, settings: Settings) -> None:
    with a_mail_server(settings) as server:
        alert = fires(north)
        assert deliver() == 1
    [(receivers, mail)] = server.mails
    assert receivers == ["anna@organization.com"]
    assert mail["Subject"] == "[critical] Task Escalation Pending: task 56789 (north): fired"
    assert "anna" not in str(mail["To"])
    text = mail.get_payload()
    assert "escalation time: 2 hours" in text
    assert f"/admin/monitoring/alert/{alert.pk}/" in text
    assert trail() == [("email", "sent", "")]


def test_nothing_is_told_twice(north: Organization, settings: Settings) -> None:
    with a_mail_server(settings) as server:
        fires(north)
        deliver()
        deliver()
    assert len(server.mails) == 1


def test_many_alerts_are_one_mail(north: Organization, settings: Settings) -> None:
    wrong = [
        Condition(Rule.ESCALATION_PENDING, "Task Escalation Pending", Severity.CRITICAL, f"{n}")
        for n in range(60)
    ]
    with a_mail_server(settings) as server:
        verdict = {Rule.ESCALATION_PENDING: Verdict(tuple(wrong))}
        alerts.reconcile(north, verdict, timezone.now())
        deliver()
    [(_, mail)] = server.mails
    assert str(mail["Subject"]).startswith("[critical] 60 alerts")
    assert "and 10 more" in mail.get_payload()


def test_no_name_of_an_alert_becomes_a_header(north: Organization, settings: Settings) -> None:
    with a_mail_server(settings) as server:
        fires(north, name="Disk Full\r\nBcc: eve@example.com\r\n\r\nhello", task_id=None)
        deliver()
    [(receivers, mail)] = server.mails
    assert (receivers, mail["Bcc"]) == (["anna@organization.com"], None)


def test_a_resolved_alert_is_told_to_those_who_knew(
    north: Organization, settings: Settings
) -> None:
    with a_mail_server(settings) as server:
        fires(north)
        deliver()
        alerts.reconcile(north, {Rule.ESCALATION_PENDING: Verdict()}, timezone.now())
        deliver()
    assert [str(mail["Subject"]).rpartition(" ")[2] for _, mail in server.mails] == [
        "fired",
        "resolved",
    ]


# --- what is refused ----------------------------------------------------------------------------


def test_without_a_mail_server_the_trail_says_so(north: Organization) -> None:
    fires(north)
    assert deliver() == 0
    assert trail() == [("email", "refused", "no mail server is set (EMAIL_URL)")]


def test_a_refused_note_is_tried_again_later_and_later(
    north: Organization, settings: Settings
) -> None:
    with (
        time_machine.travel(datetime.now(UTC), tick=False) as clock,
        a_mail_server(settings) as server,
    ):
        server.refuses = "550 no such user"
        fires(north)
        deliver()
        deliver()
        assert len(trail()) == 1
        clock.shift(timedelta(seconds=40))
        deliver()
        assert trail() == [("email", "refused", "the mail server refused it")] * 2
        clock.shift(timedelta(seconds=40))
        deliver()
        assert len(trail()) == 2
        server.refuses = ""
        clock.shift(timedelta(minutes=2))
        assert deliver() == 1


def test_a_note_is_given_up_after_a_day(north: Organization) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        fires(north)
        for _ in range(30):
            deliver()
            clock.shift(timedelta(hours=1, minutes=15))
        assert Notification.objects.get().state == "given_up"
        tried = DeliveryTry.objects.count()
        deliver()
        assert DeliveryTry.objects.count() == tried


def test_the_next_channel_takes_what_the_first_refuses(
    north: Organization, settings: Settings, receiver: Receiver
) -> None:
    channels(receiver, "email", "webhook")
    use_mail_server(settings, a_free_port())
    fires(north)
    assert deliver() == 1
    assert trail() == [
        ("email", "refused", "the mail server cannot be reached"),
        ("webhook", "sent", ""),
    ]


def test_a_dead_mail_server_is_never_reported_by_mail_alone(
    north: Organization, settings: Settings, receiver: Receiver
) -> None:
    channels(receiver, "email", "webhook")
    receiver.status = 500
    with (
        a_mail_server(settings) as server,
        time_machine.travel(datetime.now(UTC), tick=False) as clock,
    ):
        fires(north, rule=Rule.HEALTH_CHECK, subject="mail", task_id=None, name="Health Check")
        assert deliver() == 0
        assert trail() == [
            ("webhook", "refused", "the webhook answered 500"),
            ("email", "sent", ""),
        ]
        receiver.status = 200
        clock.shift(timedelta(minutes=1))
        assert deliver() == 1
        assert len(server.mails) == 1


def test_a_channel_that_does_not_answer_is_asked_once_a_pass(
    north: Organization, settings: Settings
) -> None:
    use_mail_server(settings, a_free_port())
    in_force('escalation: {ladder: [{after: "30 minutes", notify: ["admin", "dpo"]}]}')
    fires(north)
    deliver()
    assert trail() == [
        ("email", "refused", "the mail server cannot be reached"),
        ("email", "skipped", "it did not answer a moment ago"),
    ]


def test_what_is_only_listed_is_told_to_nobody(north: Organization) -> None:
    near = Condition(Rule.ESCALATION_NEAR, "Task Escalation Near", Severity.INFO, "56789", "56789")
    alerts.reconcile(north, {Rule.ESCALATION_NEAR: Verdict((near,))}, timezone.now())
    assert not Notification.objects.exists()


# --- the webhook --------------------------------------------------------------------------------


def test_a_webhook_is_signed_as_standard_webhooks_has_it(
    north: Organization, receiver: Receiver
) -> None:
    channels(receiver, "webhook")
    fires(north)
    deliver()
    [request] = receiver.requests
    told = request.headers
    assert told["webhook-id"] == str(Notification.objects.get().pk)
    assert told["webhook-signature"] == expected_signature(told, request.body)
    body = json.loads(request.body)
    assert body["type"] == "alert.fired"
    [alert] = body["data"]["alerts"]
    assert list(alert)[:3] == ["alert", "task_id", "escalation_time"]


def expected_signature(told: dict[str, str], body: bytes) -> str:
    """By the rules of the specification, in other words than ours."""
    import base64
    import hashlib
    import hmac

    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = b".".join([told["webhook-id"].encode(), told["webhook-timestamp"].encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_repeat_has_the_same_id_and_another_time(north: Organization, receiver: Receiver) -> None:
    channels(receiver, "webhook")
    receiver.status = 503
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        fires(north)
        deliver()
        clock.shift(timedelta(minutes=1))
        deliver()
    first, second = (request.headers for request in receiver.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] != second["webhook-timestamp"]


def test_redirects_are_not_followed(north: Organization, receiver: Receiver) -> None:
    channels(receiver, "webhook")
    receiver.status, receiver.location = 302, f"{receiver.url}/elsewhere"
    fires(north)
    deliver()
    assert [request.path for request in receiver.requests] == ["/"]
    assert trail() == [("webhook", "refused", "the webhook answered 302")]


def test_a_server_that_drips_its_answer_holds_nobody(
    north: Organization, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded_http, "TOTAL_SECONDS", 0.5)
    channels(receiver, "webhook")
    receiver.drips = True
    fires(north)
    deliver()
    assert trail() == [("webhook", "refused", "the webhook does not answer")]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433"])
def test_a_webhook_reaches_no_private_address(
    north: Organization, settings: Settings, receiver: Receiver, host: str
) -> None:
    settings.ORGO_WEBHOOK_PRIVATE = False
    port = receiver.url.rpartition(":")[2]
    in_force(f"escalation: {{channels: [webhook], webhook: 'http://{host}:{port}/'}}")
    fires(north)
    deliver()
    [(_, outcome, _)] = trail()
    assert (outcome, receiver.requests) == ("refused", [])


def test_without_a_secret_nothing_is_posted(
    north: Organization, settings: Settings, receiver: Receiver
) -> None:
    settings.ORGO_WEBHOOK_SECRET = ""
    channels(receiver, "webhook")
    fires(north)
    deliver()
    assert receiver.requests == []
    assert trail()[0][2] == "there is no secret to sign with (ORGO_WEBHOOK_SECRET)"
