"""From a real e-mail to a task that people can read, through the whole portal."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orgo_audit import logins
from tests import environment
from tests.portal import PROJECT, Portal

SHIPPED_POLICY = PROJECT / "orgo_audit" / "logging_config.yaml"


@pytest.mark.stack
def test_on_embedded_servers(portal: Portal, tmp_path: Path) -> None:
    walk_through(portal, tmp_path)
    checks = portal.get("/readyz")["checks"]
    assert (checks["database"]["detail"], checks["cache"]["detail"]) == ("embedded", "embedded")


@pytest.mark.service
def test_on_postgresql_15_redis_and_rabbitmq(portal: Portal, tmp_path: Path) -> None:
    needed = ("ORGO_TEST_DATABASE_URL", "ORGO_TEST_REDIS_URL", "ORGO_TEST_BROKER_URL")
    if missing := [name for name in needed if name not in os.environ]:
        pytest.skip(f"needs the servers of .ci/services; not set: {', '.join(missing)}")
    database, redis, broker = (os.environ[name] for name in needed)
    portal.settings |= {"DATABASE_URL": database, "REDIS_URL": redis, "CELERY_BROKER_URL": broker}
    # The server's logins are this run's own: `up` must use them, and not give them new passwords.
    environment.ensure_server()
    for login in (logins.WEB, logins.WORKER, logins.VAULT):
        url = logins.database_url(login, owner_url=database, home=environment.HOME)
        portal.settings[f"ORGO_{login.upper()}_DATABASE_URL"] = url
    walk_through(portal, tmp_path)
    checks = portal.get("/readyz")["checks"]
    assert (checks["database"]["detail"], checks["cache"]["detail"]) == ("external", "external")
    assert checks["broker"]["detail"] == "amqp"
    running = " ".join(word for process in portal.processes() for word in process.cmdline())
    assert "valkey" not in running
    assert "postgres -D" not in running


def walk_through(portal: Portal, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    shutil.copy(SHIPPED_POLICY, policy)
    portal.settings["ORGO_POLICY"] = str(policy)
    portal.start_until_ready()
    every_shipped_mail_is_accounted_for(portal)
    assert "Task Completed: seen" in portal.run("validate_pipeline")
    a_changed_policy_is_picked_up(portal, policy)


def every_shipped_mail_is_accounted_for(portal: Portal) -> None:
    lines = portal.run("run_sample_workflow").splitlines()
    assert lines[-1] == "23 mails: 20 tasks, 3 errors"
    outcomes = [line.split("\t")[1] for line in lines[:-1]]
    tasks = [outcome.removeprefix("task ") for outcome in outcomes if outcome.startswith("task")]
    found = {task: portal.get(f"/api/v1/traces/{task}/") for task in tasks}
    readable = {task: trace for task, trace in found.items() if "stages" in trace}
    assert len(tasks) - len(readable) == 2, "the two sensitive mails leave no trace"
    for trace in readable.values():
        assert trace["state"] == "completed"
        assert {stage["state"] for stage in trace["stages"]} == {"done"}
    errors = portal.get("/api/v1/error-logs/")["results"]
    assert len(errors) == 3


def a_changed_policy_is_picked_up(portal: Portal, policy: Path) -> None:
    text = policy.read_text(encoding="utf-8")
    policy.write_text(f"{text}# a comment changes nothing\n", encoding="utf-8")
    wait_until(lambda: len(policy_events(portal, "Policy Accepted")) == 2)

    policy.write_text(text.replace('"6 months"', '"1 month"'), encoding="utf-8")
    wait_until(lambda: len(policy_events(portal, "Policy Loaded")) == 1)
    assert "activity_logs: 6 months" in portal.run("check_policy", str(SHIPPED_POLICY))

    policy.write_text("retention_policies: [", encoding="utf-8")
    wait_until(lambda: len(policy_events(portal, "Policy File Refused")) == 1)


def policy_events(portal: Portal, action: str) -> list[object]:
    query = action.replace(" ", "+")
    events: list[object] = portal.get(f"/api/v1/security-logs/?action={query}")["results"]
    return events


def wait_until(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.5)
