"""The mail check: a conversation with a real server, and a test mail through a real mail door."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from pytest_django import Settings

from monitoring.health_checks import mail
from monitoring.health_checks.mail import Mail
from monitoring.health_checks.models import CheckState
from monitoring.sample_workflow.mail_door import DoorSettings, MailDoor
from tests.monitoring.delivery.servers import (
    LOOPBACK,
    MailServer,
    a_free_port,
    a_mail_server,
    use_mail_server,
)
from tests.monitoring.health_checks.answers import an_http_server
from tests.monitoring.health_checks.conftest import told
from tests.monitoring.portal_fake import TOKEN, Portal, a_portal

NOW = datetime(2026, 11, 28, tzinfo=UTC)
NO_PIPELINE = "no sample workflow here: no test mail was sent"
FAILED, OK, SKIPPED = CheckState.FAILED, CheckState.OK, CheckState.SKIPPED


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, settings: Settings) -> None:
    settings.ORGO_HOME = tmp_path


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailServer]:
    with a_mail_server(settings) as server:
        yield server


# --- the conversation ---------------------------------------------------------------------------


def test_without_a_mail_server_there_is_nothing_to_check(settings: Settings) -> None:
    settings.EMAIL_URL = ""
    nobody = "no mail server is set (EMAIL_URL): nobody is told by mail"
    assert told(Mail().run(NOW)) == (SKIPPED, f"{nobody}; {NO_PIPELINE}")


def test_a_server_that_takes_mail_is_well_and_gets_none(mail_server: MailServer) -> None:
    outcome = Mail().run(NOW)
    assert told(outcome) == (OK, f"the mail server takes mail from us; {NO_PIPELINE}")
    assert outcome.facts.keys() == {"smtp_ms"}
    assert mail_server.mails == []


@pytest.mark.parametrize("answer", ["550 no such person ann@example.org", "451 come back later"])
def test_a_server_that_refuses_the_receiver_has_failed(
    mail_server: MailServer, answer: str
) -> None:
    mail_server.refuses = answer
    expected = f"the mail server refused RCPT with {answer[:3]}; {NO_PIPELINE}"
    assert told(Mail().run(NOW)) == (FAILED, expected)


def test_a_refused_login_is_told_without_the_password(settings: Settings) -> None:
    port = a_free_port()
    controller = Controller(
        MailServer(port),
        hostname=LOOPBACK,
        port=port,
        authenticator=lambda *_: AuthResult(success=False, handled=False),
        auth_require_tls=False,
    )
    controller.start()
    use_mail_server(settings, port)
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "portal", "hunter2"
    try:
        outcome = Mail().run(NOW)
    finally:
        controller.stop()
    expected = f"the mail server refused us (SMTPAuthenticationError); {NO_PIPELINE}"
    assert told(outcome) == (FAILED, expected)


@contextmanager
def a_raw_server(settings: Settings, first_words: bytes, *, hangs: bool) -> Iterator[None]:
    """It says this to whoever calls, then waits or hangs up."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        over = threading.Event()

        def serve() -> None:
            with listening.accept()[0] as caller:
                caller.sendall(first_words)
                if hangs:
                    over.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        use_mail_server(settings, listening.getsockname()[1])
        settings.EMAIL_TIMEOUT = 0.2
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("first_words", "hangs", "expected"),
    [
        (b"", True, "the mail server hangs, or hangs up"),
        (b"220 hello\r\n", True, "the mail server hangs, or hangs up"),
        (b"", False, "the mail server hangs, or hangs up"),
        (b"220 hello\r\n", False, "the mail server hangs, or hangs up"),
        (b"554 go away\r\n", False, "the mail server refused us (SMTPConnectError)"),
        (b"HTTP/1.1 400 Bad Request\r\n", False, "the mail server refused us (SMTPConnectError)"),
    ],
    ids=["says nothing", "hangs later", "closes", "closes later", "refuses", "is no mail server"],
)
def test_a_server_that_misbehaves_has_failed(
    settings: Settings, first_words: bytes, hangs: bool, expected: str
) -> None:
    with a_raw_server(settings, first_words, hangs=hangs):
        outcome = Mail().run(NOW)
    assert told(outcome) == (FAILED, f"{expected}; {NO_PIPELINE}")


def test_nobody_at_the_servers_address(settings: Settings) -> None:
    use_mail_server(settings, a_free_port())
    assert told(Mail().run(NOW)) == (FAILED, f"the mail server cannot be reached; {NO_PIPELINE}")


# --- the pipeline -------------------------------------------------------------------------------


@pytest.fixture
def portal(tmp_path: Path, settings: Settings) -> Iterator[Portal]:
    """A portal and a real mail door that runs beside it; no mail server is set."""
    a_token(tmp_path)
    with a_portal() as portal:
        door = MailDoor(DoorSettings(tmp_path / "mail", 0, portal.url, TOKEN))
        door.start()
        settings.EMAIL_URL, settings.ORGO_MAIL_PORT = "", door.port
        settings.ORGO_PUBLIC_URL = portal.url
        yield portal
        door.stop()


def a_token(home: Path) -> None:
    (home / "secrets").mkdir()
    (home / "secrets" / mail.TOKEN_FILE).write_text(TOKEN)


def test_the_test_mail_is_followed_to_its_end(portal: Portal) -> None:
    outcome = Mail().run(NOW)
    assert outcome.state == OK
    assert outcome.detail.startswith("no mail server is set")
    assert outcome.detail.endswith("; the test mail became a completed task")
    assert outcome.facts["pipeline_seconds"] >= 0
    assert {event["source"] for event in portal.events()} == {"health_check"}


def test_a_lost_stage_is_named(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    portal.refused_action = "Task Routed"
    monkeypatch.setattr(mail, "PATIENCE_SECONDS", 2.0)
    state, detail = told(Mail().run(NOW))
    assert (state, detail.partition(";")[0]) == (
        FAILED,
        "the test mail got lost: no `Task Routed`",
    )


def test_a_door_that_is_closed(tmp_path: Path, settings: Settings) -> None:
    a_token(tmp_path)
    settings.EMAIL_URL, settings.ORGO_MAIL_PORT = "", a_free_port()
    assert told(Mail().run(NOW))[0] == FAILED
    assert Mail().run(NOW).detail.startswith("the mail door does not answer")


@pytest.mark.parametrize("answer", ["550 no", "552 too large"])
def test_a_door_that_refuses(tmp_path: Path, settings: Settings, answer: str) -> None:
    a_token(tmp_path)
    with a_mail_server(settings) as server:
        settings.ORGO_MAIL_PORT, settings.EMAIL_URL = server.port, ""
        server.refuses = answer
        assert Mail().run(NOW).detail.startswith("the mail door refused the test mail")


def test_a_door_that_refuses_the_content(tmp_path: Path, settings: Settings) -> None:
    a_token(tmp_path)

    class Full(MailServer):
        async def handle_DATA(self, *_: object) -> str:  # noqa: N802
            return "554 disk full"

    port = a_free_port()
    controller = Controller(Full(port), hostname=LOOPBACK, port=port)
    controller.start()
    settings.ORGO_MAIL_PORT, settings.EMAIL_URL = port, ""
    try:
        assert Mail().run(NOW).detail.startswith("the mail door refused the test mail")
    finally:
        controller.stop()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, b"{}", "the portal does not accept the token of scope read"),
        (403, b"{}", "the portal does not accept the token of scope read"),
        (500, b"oops", "the test mail got lost: no `Email Received`"),
        (200, b"<html>sign in</html>", "the test mail got lost: no `Email Received`"),
        (200, b"[1, 2]", "the test mail got lost: no `Email Received`"),
    ],
)
def test_a_portal_that_answers_otherwise(
    portal: Portal,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: bytes,
    expected: str,
) -> None:
    monkeypatch.setattr(mail, "PATIENCE_SECONDS", 0.0)
    with an_http_server({"": (status, body)}) as server:
        settings.ORGO_PUBLIC_URL = server
        assert Mail().run(NOW).detail.startswith(expected)
