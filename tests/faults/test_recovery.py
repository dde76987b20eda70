"""What comes back by itself after a fault: the database's server, and the periodic work."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orgo_audit.api_bodies import MAX_BODY_BYTES
from tests.faults.accounting import Answer, Service
from tests.faults.audit import rows
from tests.portal import START_LIMIT_SECONDS, Portal

pytestmark = pytest.mark.stack

PERIODIC = ("celery -A orgo_audit.celery worker", "celery -A orgo_audit.celery beat")


@pytest.fixture
def no_configuration(portal: Portal) -> Iterator[Path]:
    """PostgreSQL cannot start while its file lies elsewhere."""
    file = portal.home / "postgres" / "data" / "postgresql.conf"
    elsewhere = file.with_suffix(".away")
    file.rename(elsewhere)
    yield elsewhere
    if elsewhere.exists():
        elsewhere.rename(file)


def test_a_database_that_cannot_start_is_tried_again_and_everybody_is_told(
    portal: Portal, no_configuration: Path
) -> None:
    up = portal.ups[-1]
    portal.oldest_process("-D").kill()
    up.wait_for("server configuration file")
    answers = {path: told(portal, path) for path in ("/healthz", "/readyz", "/sign-in/", "/admin/")}
    assert {path: answer.status for path, answer in answers.items()} == {
        "/healthz": 200,
        "/readyz": 503,
        "/sign-in/": 503,
        "/admin/": 503,
    }
    assert b"OperationalError" in answers["/readyz"].body
    assert answers["/admin/"].retry_after is not None
    # Refused before it is read: the sender must learn why all the same.
    large = told(portal, "/api/v1/logs/", b" " * MAX_BODY_BYTES)
    assert (large.status, large.retry_after) == (503, 5.0)
    no_configuration.rename(no_configuration.with_suffix(".conf"))
    portal.wait_until_green()


def told(portal: Portal, path: str, body: bytes = b"") -> Answer:
    """What somebody with a session, and a token that nobody knows, is told."""
    headers = {"Cookie": f"orgo_session={'x' * 32}", "Content-Type": "application/json"}
    stranger = Service(portal.port, "orgo_unknown")
    answer = stranger.send(path, body, headers)
    stranger.hang_up()
    assert answer is not None, path
    return answer


@pytest.mark.parametrize(
    "victims",
    [PERIODIC, ("valkey-server",), ("-D",), (*PERIODIC, "valkey-server", "-D")],
    ids=["worker and beat", "Valkey", "PostgreSQL", "all of them"],
)
def test_periodic_work_goes_on_after_a_kill(victims: tuple[str, ...], portal: Portal) -> None:
    before = policy_version(portal)
    for victim in victims:
        portal.oldest_process(victim).kill()
    # Looking at this file is periodic work.
    policy = Path(portal.settings["ORGO_POLICY"])
    policy.write_text(re.sub('">.*%"', f'">{before + 5}%"', policy.read_text()))
    limit = time.monotonic() + START_LIMIT_SECONDS
    while not portal.is_green() or policy_version(portal) == before:
        assert time.monotonic() < limit, portal.ups[-1].everything()
        time.sleep(0.2)


def policy_version(portal: Portal) -> int:
    return int(rows(portal, "SELECT max(id) FROM policy_policyversion")[0][0])
