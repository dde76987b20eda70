"""The two commands, through real SMTP, a real door and the portal's contract."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from monitoring.sample_workflow.mail_door import DoorSettings, MailDoor
from monitoring.sample_workflow.mail_files import addressing_of, find_mails
from tests.monitoring.portal_fake import TOKEN, Portal, a_portal

RAW = b"From: ann@example.org\nTo: maintenance@organization.com\nSubject: x\n\nbody\n"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """A portal and a door that runs beside it."""
    (tmp_path / "secrets").mkdir()
    for name in ("sample_ingest_token", "sample_read_token"):
        (tmp_path / "secrets" / name).write_text(TOKEN)
    with a_portal() as portal:
        door = MailDoor(DoorSettings(tmp_path / "mail", 0, portal.url, TOKEN))
        door.start()
        with override_settings(
            ORGO_HOME=tmp_path, ORGO_PUBLIC_URL=portal.url, ORGO_MAIL_PORT=door.port
        ):
            yield portal
        door.stop()


def run(*places: object, **options: object) -> list[str]:
    out = io.StringIO()
    call_command("run_sample_workflow", *map(str, places), stdout=out, **options)
    return out.getvalue().splitlines()


def test_the_shipped_mails_end_in_twenty_tasks_and_three_errors(portal: Portal) -> None:
    *lines, counts = run()
    assert counts == "23 mails: 20 tasks, 3 errors"
    assert len(lines) == 23
    assert all("\ttask task-" in line or "\terror " in line for line in lines)
    assert len(portal.events("error-logs")) == 3
    assert len({event["task_id"] for event in portal.events() if "task_id" in event}) == 20
    sensitive = {
        event["email_id"] for event in portal.events() if event.get("action") == "Report Filed"
    }
    assert len(sensitive) == 2


def test_files_folders_and_mbox_files_are_read(portal: Portal, tmp_path: Path) -> None:
    folder = tmp_path / "some mails"
    folder.mkdir()
    (folder / "one.eml").write_bytes(RAW)
    (folder / "expected.json").write_text("{}")
    (folder / "two.mbox").write_bytes(b"From - \n" + RAW + b"\nFrom a@b.example\n" + RAW)
    (tmp_path / "odd.json").write_bytes(RAW)
    *lines, counts = run(folder, tmp_path / "odd.json")
    assert counts == "4 mails: 4 tasks, 0 errors"
    names = [Path(line.partition("\t")[0]).name for line in lines]
    assert names == ["one.eml", "two.mbox#1", "two.mbox#2", "odd.json"]


def test_a_mail_that_smtp_refuses_has_its_one_error_event(portal: Portal, tmp_path: Path) -> None:
    (tmp_path / "big.eml").write_bytes(RAW + b"x" * (33 * 1024 * 1024))
    line, _ = run(tmp_path / "big.eml")
    assert line.endswith("\terror Too Large")
    (error,) = portal.events("error-logs")
    assert error["reason"] == "Too Large"


def test_a_mail_without_an_outcome_is_named(portal: Portal, tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(RAW)
    portal.sick = [(503, {})] * 1000
    with pytest.raises(CommandError):
        run(tmp_path / "one.eml", timeout=0.5)


@pytest.mark.usefixtures("portal")
@pytest.mark.parametrize(
    ("unset", "place", "words"),
    [
        ({}, "nowhere", "no such file"),
        ({"ORGO_MAIL_PORT": 1}, ".", r"mail door.*make up.*ORGO_HOME"),
        ({"ORGO_PUBLIC_URL": "http://127.0.0.1:1"}, ".", r"portal.*make up.*ORGO_HOME"),
    ],
)
def test_what_is_not_there_is_said_plainly(
    unset: dict[str, object], place: str, words: str
) -> None:
    with override_settings(**unset), pytest.raises(CommandError, match=words):
        run(place)


def test_a_whole_pipeline_is_seen_stage_by_stage(portal: Portal) -> None:
    out = io.StringIO()
    call_command("validate_pipeline", stdout=out)
    assert out.getvalue().splitlines() == [
        "Email Received: seen",
        "Email Parsed: seen",
        "Task Created: seen",
        "Task Routed: seen",
        "Task Escalated: seen",
        "Task Completed: seen",
    ]
    assert {event["source"] for event in portal.events()} == {"health_check"}


def test_a_broken_pipeline_names_the_missing_stage(portal: Portal) -> None:
    portal.refused_action = "Task Routed"
    with pytest.raises(CommandError, match="Task Routed"):
        call_command("validate_pipeline", timeout=2.0, stdout=io.StringIO())


def test_the_envelope_names_our_mailboxes_or_the_general_one() -> None:
    ours = addressing_of(
        b"From: A <a@x.example>\nTo: b@x.example,\n IT-Support@organization.com\n\n"
    )
    assert (ours.sender, ours.recipients) == ("a@x.example", ("IT-Support@organization.com",))
    assert addressing_of(b"broken").recipients == ("general@organization.com",)


def test_hidden_files_are_no_mails(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_bytes(RAW)
    (tmp_path / "00001.7c53336b").write_bytes(RAW)
    assert len(list(find_mails([tmp_path]))) == 1
