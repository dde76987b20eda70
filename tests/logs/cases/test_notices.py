"""People are told that something happened, and nothing of what it was about."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.mail.backends import locmem
from django.utils import timezone
from pytest_django import Settings

from logs.cases import notices
from logs.cases.acts import Happening
from logs.cases.models import Notice
from orgo_audit.accounts.models import Organization, Role
from tests.builders import a_user, an_organization, setting_the_scene
from tests.vault_at_hand import the_vaults_rights

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault_at_hand")]


@pytest.fixture(autouse=True)
def mail_is_on(settings: Settings) -> None:
    settings.EMAIL_URL = "smtp://relay"


def a_notice(home: Organization, user_name: str, kind: str = "reveal_viewed") -> Any:
    user = a_user(Role.DPO, home, user_name)
    code = uuid4()
    with the_vaults_rights():
        Notice.objects.create(organization=home, user=user, kind=kind, case_code=code)
    return code


def send(**later: int) -> int:
    with setting_the_scene():
        return notices.send_waiting(timezone.now() + timedelta(**later))


def test_a_notice_is_sent_once_and_names_the_case_by_its_code() -> None:
    code = a_notice(an_organization("north"), "dpo@organization.com")
    assert send() == 1
    assert send() == 0
    (message,) = mail.outbox
    assert message.to == ["dpo@organization.com"]
    assert message.subject == notices.SUBJECT
    assert "In north, a reveal of an identity was used: a value was shown." in message.body
    assert str(code) in message.body


@pytest.mark.parametrize("act", ["reveal", "erase", "enrol"])
@pytest.mark.parametrize("happening", list(Happening))
def test_every_kind_has_its_words(act: str, happening: str) -> None:
    a_notice(an_organization(), "dpo@organization.com", f"{act}_{happening}")
    assert send() == 1


def test_who_has_no_address_is_passed_over() -> None:
    home = an_organization()
    a_notice(home, "dpo")
    a_notice(home, "other@organization.com")
    assert send() == 1


def test_what_the_server_refuses_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    a_notice(an_organization(), "dpo@organization.com")

    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        assert send() == 0
    assert send() == 1


def test_a_recipient_whom_the_server_refuses_keeps_no_other_from_being_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, backend = an_organization(), locmem.EmailBackend
    for name in ("gone@organization.com", "dpo@organization.com", "hr@organization.com"):
        a_notice(home, name)
    deliver = backend.send_messages

    def refuse_one(self: locmem.EmailBackend, messages: list[mail.EmailMessage]) -> int:
        if messages[0].to == ["gone@organization.com"]:
            raise SMTPRecipientsRefused({"gone@organization.com": (550, b"no such user")})
        return int(deliver(self, messages))

    monkeypatch.setattr(backend, "send_messages", refuse_one)
    assert (send(), send()) == (2, 0)
    assert [message.to for message in mail.outbox] == [
        ["dpo@organization.com"],
        ["hr@organization.com"],
    ]


def test_after_a_week_nobody_is_told_any_more() -> None:
    a_notice(an_organization(), "dpo@organization.com")
    assert send(days=8) == 0
    assert send() == 0


def test_without_a_mail_server_nothing_is_sent_and_nothing_fails(settings: Settings) -> None:
    settings.EMAIL_URL = ""
    a_notice(an_organization(), "dpo@organization.com")
    assert send() == 0
    assert mail.outbox == []
