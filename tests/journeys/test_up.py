"""`manage.py up`: from nothing to a portal that answers, and back. Must never leave a process."""

from __future__ import annotations

import os
import signal
import socket
import time

import pytest

from orgo_audit.embedded import paths
from tests.portal import START_LIMIT_SECONDS, Portal

pytestmark = pytest.mark.stack


def test_it_answers_prints_logins_stops_clean_and_starts_again_with_the_same_logins(
    portal: Portal,
) -> None:
    first = portal.start_until_ready()
    assert {portal.status("localhost"), portal.status("127.0.0.1")} == {200}
    roles = [line.split()[0] for line in first.logins()]
    assert {"admin", "hr_manager", "custodian", "auditor", "dpo"} <= set(roles)

    assert "already runs" in portal.start().refuse()
    assert portal.status("127.0.0.1") == 200

    for name in ("worker", "beat"):  # a line a task would be 10 MB a day
        assert " INFO " not in (paths.log_folder(portal.home) / f"{name}.log").read_text()

    assert first.end(signal.SIGTERM) == 0, first.everything()
    assert portal.processes() == []

    again = portal.start_until_ready()
    assert again.logins() == first.logins()
    assert again.end(signal.SIGINT) == 0, again.everything()
    assert portal.processes() == []


@pytest.mark.parametrize("moment", ["starting PostgreSQL", "starting Valkey", "migrating", "ready"])
def test_killed_at_any_moment_it_leaves_nothing_and_starts_again(
    portal: Portal, moment: str
) -> None:
    killed = portal.start()
    killed.wait_for(moment)
    os.kill(killed.process.pid, signal.SIGKILL)
    up = portal.start_until_ready()
    assert portal.status("127.0.0.1") == 200
    assert up.end(signal.SIGTERM) == 0
    assert portal.processes() == []


def test_after_a_kill_nothing_stays(portal: Portal) -> None:
    up = portal.start_until_ready()
    up.end(signal.SIGKILL)
    portal.wait_until_gone()


def test_a_child_that_dies_comes_back(portal: Portal) -> None:
    up = portal.start_until_ready()
    for word in ("gunicorn", "valkey-server", "-D"):
        portal.oldest_process(word).kill()
    for name in ("web", "valkey", "PostgreSQL"):
        up.wait_for(f"{name} has ended")
    limit = time.monotonic() + START_LIMIT_SECONDS
    while not portal_is_green(portal):
        assert time.monotonic() < limit, up.everything()
        time.sleep(0.2)
    assert up.end(signal.SIGTERM) == 0


def test_a_database_told_to_stop_is_started_again_and_new_logins_are_let_in(
    portal: Portal,
) -> None:
    up = portal.start_until_ready()
    portal.oldest_process("-D").terminate()
    up.wait_for("PostgreSQL was told to stop by somebody else")
    limit = time.monotonic() + START_LIMIT_SECONDS
    while "sample_workflow" not in portal_says(portal):
        assert time.monotonic() < limit, up.everything()
        time.sleep(0.2)
    assert up.end(signal.SIGTERM) == 0


def portal_says(portal: Portal) -> str:
    """What a command says that has to log in anew; nothing while it cannot."""
    try:
        return portal.run("list_tokens")
    except AssertionError:
        return ""


def portal_is_green(portal: Portal) -> bool:
    try:
        return portal.status("127.0.0.1") == 200
    except OSError:
        return False


@pytest.mark.parametrize("setting", ["ORGO_PORT", "ORGO_MAIL_PORT"])
def test_a_taken_port_is_named_with_its_setting(portal: Portal, setting: str) -> None:
    port = portal.port if setting == "ORGO_PORT" else portal.mail_port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        said = portal.start().refuse()
    assert f"Port {port} is taken" in said
    assert setting in said
