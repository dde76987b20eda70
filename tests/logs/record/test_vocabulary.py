"""The words of the record: how senders' spellings become codes and outcomes."""

from __future__ import annotations

import pytest

from logs.record.vocabulary import (
    CODE_OF_ACTION,
    KNOWN,
    STAGE_OF_CODE,
    LogType,
    Outcome,
    Stage,
    code_of,
    fold_action,
    outcome_of,
)


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("Email Received", "email.received"),
        ("Email Parsed", "email.parsed"),
        ("Task Created", "task.created"),
        ("Task Routed", "task.routed"),
        ("Task Escalated", "task.escalated"),
        ("Task Completed", "task.completed"),
        ("Failed Login Attempt", "login.failed"),
        ("Email Parsing Failed", "email.parsing_failed"),
        ("Report Filed", "report.filed"),
        ("task_routed", "task.routed"),
        ("TASK.ROUTED", "task.routed"),
        ("  task   routed ", "task.routed"),
        ("Task Routed!", ""),
        ("Tasks Routed", ""),
        ("Something Else", ""),
    ],
)
def test_known_actions_have_a_code_in_any_spelling_and_unknown_ones_none(
    action: str, code: str
) -> None:
    assert code_of(action) == code


def test_every_spelling_in_the_table_is_folded_already() -> None:
    assert [name for name in CODE_OF_ACTION if fold_action(name) != name] == []


def test_no_code_and_no_spelling_stands_twice_in_the_table() -> None:
    codes = [code for code, _, _ in KNOWN]
    spellings = [name for _, _, names in KNOWN for name in names]
    assert (len(set(codes)), len(CODE_OF_ACTION)) == (len(codes), len(spellings))


def test_every_stage_has_exactly_one_code_and_each_code_an_action() -> None:
    assert list(STAGE_OF_CODE.values()) == list(Stage)
    assert STAGE_OF_CODE.keys() <= set(CODE_OF_ACTION.values())


@pytest.mark.parametrize(
    ("log_type", "code", "status", "outcome"),
    [
        (LogType.ACTIVITY, "task.routed", "Success", Outcome.SUCCESS),
        (LogType.ACTIVITY, "task.routed", " FAILED ", Outcome.FAILURE),
        (LogType.ACTIVITY, "task.routed", "Denied", Outcome.DENIED),
        (LogType.ACTIVITY, "task.routed", "half way", Outcome.UNKNOWN),
        (LogType.ACTIVITY, "task.routed", "", Outcome.UNKNOWN),
        (LogType.ACTIVITY, "", None, Outcome.UNKNOWN),
        (LogType.SECURITY, "login.failed", None, Outcome.FAILURE),
        (LogType.SECURITY, "login.succeeded", None, Outcome.SUCCESS),
        (LogType.SECURITY, "access.denied", None, Outcome.DENIED),
        (LogType.SECURITY, "login.failed", "who knows", Outcome.FAILURE),
        (LogType.ERROR, "", None, Outcome.FAILURE),
        (LogType.ERROR, "email.parsing_failed", None, Outcome.FAILURE),
        (LogType.ERROR, "", "ok", Outcome.SUCCESS),
    ],
)
def test_the_status_tells_the_outcome_else_the_action_else_the_log(
    log_type: LogType, code: str, status: str | None, outcome: Outcome
) -> None:
    assert outcome_of(log_type, code, status) is outcome


def test_a_log_type_has_the_policys_name() -> None:
    assert [kind.view for kind in LogType] == ["activity_logs", "security_logs", "error_logs"]
