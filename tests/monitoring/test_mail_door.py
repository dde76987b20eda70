"""The door takes mails by real SMTP, loses none, and no mail can stop the ones behind it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

import pytest

from monitoring.sample_workflow import parsing
from monitoring.sample_workflow.mail import Mail, Reason, read_mail
from monitoring.sample_workflow.mail_door import HOST, DoorSettings, MailDoor
from monitoring.sample_workflow.parsing import ParserProcess
from monitoring.sample_workflow.sending import DoorClosed, MailSender
from monitoring.sample_workflow.spool import Outcome
from tests.monitoring.portal_fake import TOKEN, Portal, a_portal

PATIENCE_SECONDS = 30.0
RAW = b"From: ann@example.org\nTo: maintenance@organization.com\nSubject: %s\n\nbody\n.dot\n"


def door_settings(folder: Path, portal: Portal, token: str = TOKEN) -> DoorSettings:
    return DoorSettings(folder=folder, port=0, portal_url=portal.url, token=token)


@contextmanager
def a_door(settings: DoorSettings) -> Iterator[MailDoor]:
    door = MailDoor(settings)
    door.start()
    try:
        yield door
    finally:
        door.stop()


def send(door: MailDoor, raw: bytes) -> str:
    with MailSender(HOST, door.port) as sender:
        return sender.send(raw).email_id


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_mail_sent_by_smtp_becomes_a_task(tmp_path: Path) -> None:
    with a_portal() as portal, a_door(door_settings(tmp_path, portal)) as door:
        email_id = send(door, RAW % b"hello")
        wait_for(lambda: door.spool.outcome(email_id))
        wait_for(lambda: not door.spool.waiting())
    assert portal.actions()[0] == "Email Received"
    assert portal.actions()[-1] == "Task Completed"


def test_what_is_kept_is_what_was_sent(tmp_path: Path) -> None:
    with a_portal() as portal, a_door(door_settings(tmp_path, portal, "bad token")) as door:
        spooled = door.spool.load(send(door, RAW % b"\xff \0"))
    assert spooled.raw == (RAW % b"\xff \0").replace(b"\n", b"\r\n")
    assert spooled.envelope.recipients == ("maintenance@organization.com",)


def test_mails_wait_for_the_portal_and_for_the_next_start(tmp_path: Path) -> None:
    with a_portal() as portal:
        pass
    with a_door(door_settings(tmp_path, portal)) as door:
        ids = [send(door, RAW % b"one") for _ in range(6)]
        wait_for(lambda: list((tmp_path / "stages").iterdir()))
        assert sorted(door.spool.waiting()) == sorted(ids)
    with (
        a_portal(port=int(portal.url.rpartition(":")[2]), portal=portal),
        a_door(door_settings(tmp_path, portal)) as door,
    ):
        wait_for(lambda: not door.spool.waiting())
        assert all(door.spool.outcome(email_id) for email_id in ids)
    assert portal.actions().count("Email Received") == 6
    assert portal.actions().count("Task Completed") == 6


def _door_process(settings: DoorSettings, folder: Path) -> None:
    with a_door(settings) as door:
        (folder / "port").write_text(str(door.port))
        time.sleep(PATIENCE_SECONDS)


@pytest.mark.long
def test_a_killed_door_resumes_with_exactly_one_task_a_mail(tmp_path: Path) -> None:
    with a_portal() as portal:
        portal.sick = [(503, {})] * 3
        arguments = (door_settings(tmp_path, portal), tmp_path)
        process = multiprocessing.get_context("spawn").Process(target=_door_process, args=arguments)
        process.start()
        assert process.pid
        wait_for(lambda: (tmp_path / "port").exists() and (tmp_path / "port").read_text())
        with MailSender(HOST, int((tmp_path / "port").read_text())) as sender:
            ids = [sender.send(RAW % b"x").email_id for _ in range(20)]
        wait_for(lambda: len(portal.stored) > 30)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        with a_door(door_settings(tmp_path, portal)) as door:
            wait_for(lambda: not door.spool.waiting())
            assert all(door.spool.outcome(email_id) for email_id in ids)
    for stage in ("Email Received", "Task Created", "Task Completed"):
        assert portal.actions().count(stage) == 20


def _slow_on_bombs(raw: bytes) -> Mail:
    if b"bomb" in raw:
        time.sleep(PATIENCE_SECONDS * 2)
    if b"crash" in raw:
        os._exit(1)
    return read_mail(raw)


def _serve_slowly(pipe: Connection) -> None:
    # In the child, where monkeypatch does not reach.
    with patch.object(parsing, "read_mail", _slow_on_bombs):
        parsing.serve(pipe)


@pytest.mark.long
def test_a_bomb_ends_in_an_error_and_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "serve", _serve_slowly)
    with a_portal() as portal:
        settings = DoorSettings(tmp_path, 0, portal.url, TOKEN, parse_limit_seconds=8.0)
        with a_door(settings) as door:
            bomb, crash = send(door, RAW % b"bomb"), send(door, RAW % b"crash")
            others = [send(door, RAW % b"x") for _ in range(10)]
            wait_for(lambda: all(map(door.spool.outcome, others)))
            assert door.spool.outcome(bomb) is None
            wait_for(lambda: not door.spool.waiting())
            assert door.spool.outcome(bomb) == Outcome(error=Reason.TOOK_TOO_LONG)
            assert door.spool.outcome(crash) == Outcome(error=Reason.UNREADABLE_MAIL)
    assert len(portal.events("error-logs")) == 2


def test_spoilt_files_are_set_aside_and_the_mails_behind_them_go_on(tmp_path: Path) -> None:
    with a_portal() as portal:
        with a_door(door_settings(tmp_path, portal)):
            pass
        for number in range(6):  # more than there are workers
            (tmp_path / "new" / f"mail-spoilt{number}").write_bytes(b"no envelope\nmail")
        (tmp_path / "stages" / "mail-torn").write_bytes(b"no json\n")
        with a_door(door_settings(tmp_path, portal)) as door:
            email_id = send(door, RAW % b"behind")
            wait_for(lambda: door.spool.outcome(email_id))
            wait_for(lambda: not door.spool.waiting())
            assert door.spool.outcome("mail-spoilt0") == Outcome(error="Workflow Failed")
            assert len(list((tmp_path / "aside").iterdir())) == 6
            assert door.spool.stages("mail-torn").event("Email Received") is None


def test_a_mail_beyond_the_parsers_memory_is_too_large() -> None:
    parser = ParserProcess()
    try:
        assert isinstance(parser.read(RAW.replace(b"%s", b"x")), Mail)
        assert parser.read(b"x" * (200 * 1024 * 1024)) is Reason.TOO_LARGE
    finally:
        parser.stop()


def test_a_mail_beyond_the_doors_size_is_refused_by_smtp(tmp_path: Path) -> None:
    with (
        a_portal() as portal,
        a_door(door_settings(tmp_path, portal)) as door,
        MailSender(HOST, door.port) as sender,
    ):
        assert sender.send(RAW + b"x" * (33 * 1024 * 1024)).refusal == "Too Large"
        assert sender.send(RAW % b"next").email_id


def test_the_door_says_no_address_in_its_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with a_portal() as portal, a_door(door_settings(tmp_path, portal)) as door:
        email_id = send(door, RAW % b"hello")
        wait_for(lambda: door.spool.outcome(email_id))
    assert "ann@example.org" not in caplog.text
    assert "maintenance@" not in caplog.text


def test_outcomes_are_forgotten_after_a_week(tmp_path: Path) -> None:
    with a_portal() as portal, a_door(door_settings(tmp_path, portal)) as door:
        email_id = send(door, RAW % b"hello")
        wait_for(lambda: not door.spool.waiting())
        file = tmp_path / "done" / f"{email_id}.json"
        door.spool.forget_old_outcomes()
        assert file.exists()
        os.utime(file, (0, 0))
        door.spool.forget_old_outcomes()
        assert not file.exists()


def test_nobody_at_the_door_is_said_plainly(tmp_path: Path) -> None:
    with a_portal() as portal, a_door(door_settings(tmp_path, portal)) as door:
        port = door.port
    with pytest.raises(DoorClosed), MailSender(HOST, port):
        pass


def test_a_full_recipient_list_is_cut_off(tmp_path: Path) -> None:
    with (
        a_portal() as portal,
        a_door(door_settings(tmp_path, portal)) as door,
        smtplib.SMTP(HOST, door.port, local_hostname="localhost") as session,
    ):
        session.ehlo()
        session.mail("ann@example.org")
        codes = {session.rcpt(f"a{number}@organization.com")[0] for number in range(101)}
    assert codes == {250, 452}
