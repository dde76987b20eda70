"""What sshd, sudo, su, PAM and the account tools say becomes events; strangers forge nothing."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.imports import auth_lines, syslog
from logs.imports.syslog import Message
from logs.record.vocabulary import LogType, Outcome, code_of, is_security, outcome_of
from orgo_audit.errors import BadInput
from tests.shared_data import SHARED_DATA

DATA = SHARED_DATA / "security"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs the shared test data")


def event(text: str, program: str = "sshd") -> dict[str, Any]:
    """The event without what every event of the line's origin carries."""
    told = auth_lines.event_of(Message(None, "web-1", program, "7", text))
    assert told is not None, text
    assert told.pop("message") == text
    assert (told.pop("host"), told.pop("program"), told.pop("pid")) == ("web-1", program, "7")
    assert is_security(code_of(told["action"]))
    return told


def means_nothing(text: str, program: str = "sshd") -> bool:
    return auth_lines.event_of(Message(None, "web-1", program, "7", text)) is None


FAILED, AGAIN, LOGIN = "Failed Login Attempt", "Authentication Failed", "Login"
PAM_FAILURE = "authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7"


@pytest.mark.parametrize(
    ("text", "action", "fields"),
    [
        (
            "Accepted password for ann from 192.0.2.7 port 22222 ssh2",
            LOGIN,
            {"user": "ann", "method": "password"},
        ),
        (
            "Accepted publickey for ann from 192.0.2.7 port 22222 ssh2: RSA SHA256:abc",
            LOGIN,
            {"user": "ann", "method": "publickey", "key": "RSA SHA256:abc"},
        ),
        (
            "Accepted publickey for ann from 192.0.2.7 port 22222 ssh2:"
            " ED25519-CERT ID ann at home (serial 3) CA ED25519 SHA256:abc",
            LOGIN,
            {
                "user": "ann",
                "method": "publickey",
                "key": "ED25519-CERT ID ann at home (serial 3) CA ED25519 SHA256:abc",
            },
        ),
        (
            "Failed password for root from 192.0.2.7 port 22222 ssh2",
            FAILED,
            {"user": "root", "method": "password"},
        ),
        (
            "Failed keyboard-interactive/pam for root from 192.0.2.7 port 22222 ssh2",
            FAILED,
            {"user": "root", "method": "keyboard-interactive/pam"},
        ),
        (
            "message repeated 5 times: [ Failed password for root from 192.0.2.7 port 22222 ssh2]",
            FAILED,
            {"user": "root", "method": "password", "repeated": 5},
        ),
        (
            "Invalid user ann from 192.0.2.7 port 22222",
            FAILED,
            {"user": "ann", "reason": "unknown user"},
        ),
        (
            "Invalid user  from 192.0.2.7 port 22222",
            FAILED,
            {"reason": "unknown user"},
        ),
        (
            "Failed password for invalid user ann from 192.0.2.7 port 22222 ssh2",
            AGAIN,
            {"user": "ann", "method": "password"},
        ),
        (
            "ROOT LOGIN REFUSED FROM 192.0.2.7 port 22222",
            FAILED,
            {"user": "root", "reason": "root is refused"},
        ),
        (
            "error: maximum authentication attempts exceeded for invalid user ann"
            " from 192.0.2.7 port 22222 ssh2 [preauth]",
            "Login Attempts Exceeded",
            {"user": "ann"},
        ),
        (
            "Connection closed by authenticating user root 192.0.2.7 port 22222 [preauth]",
            "Login Abandoned",
            {"user": "root"},
        ),
        (
            "Disconnected from invalid user ann b 192.0.2.7 port 22222 [preauth]",
            "Login Abandoned",
            {"user": "ann b"},
        ),
        ("banner exchange: Connection from 192.0.2.7 port 22222: invalid format",)
        + ("Protocol Violated", {}),
    ],
)
def test_what_sshd_says_of_a_login(text: str, action: str, fields: dict[str, Any]) -> None:
    address = {"ip_address": "192.0.2.7", "port": 22222}
    assert event(text) == {"action": action, **address, **fields}


@pytest.mark.parametrize(
    ("program", "text", "expected"),
    [
        (
            "sshd",
            "Invalid user ann from 2001:DB8::7",
            {
                "action": FAILED,
                "user": "ann",
                "ip_address": "2001:db8::7",
                "reason": "unknown user",
            },
        ),
        (
            "sshd-session",
            "User ann from host.example not allowed because not listed in AllowUsers",
            {
                "action": FAILED,
                "user": "ann",
                "remote_host": "host.example",
                "reason": "not listed in AllowUsers",
            },
        ),
        (
            "sshd",
            "Did not receive identification string from 192.0.2.7",
            {"action": "Connection Not Identified", "ip_address": "192.0.2.7"},
        ),
        (
            "sshd",
            "error: PAM: Authentication failure for illegal user ann from 192.0.2.7",
            {"action": AGAIN, "user": "ann", "ip_address": "192.0.2.7"},
        ),
        (
            "sshd",
            f"pam_unix(sshd:auth): {PAM_FAILURE}  user=ann",
            {"action": AGAIN, "user": "ann", "ip_address": "192.0.2.7", "service": "sshd"},
        ),
        (
            "sshd",
            f"PAM 2 more {PAM_FAILURE.replace('failure', 'failures')}",
            {"action": AGAIN, "ip_address": "192.0.2.7", "repeated": 2},
        ),
        (
            "CRON",
            "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
            {"action": "Session Opened", "user": "root", "service": "cron"},
        ),
        (
            "su",
            "pam_unix(su:session): session opened for user root by ann(uid=1000)",
            {"action": "Session Opened", "user": "root", "by": "ann", "service": "su"},
        ),
        (
            "sudo",
            "pam_unix(sudo:session): session closed for user root",
            {"action": "Session Closed", "user": "root", "service": "sudo"},
        ),
        (
            "sudo",
            "     ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/ls -l ; true",
            {
                "action": "Command Run",
                "user": "ann",
                "tty": "pts/0",
                "folder": "/home/ann",
                "target": "root",
                "command": "/bin/ls -l ; true",
            },
        ),
        (
            "sudo",
            "ann : TTY=pts/0 ; PWD=/ ; USER=root ; GROUP=adm ; ENV=A=1 ; COMMAND=/bin/ls",
            {
                "action": "Command Run",
                "user": "ann",
                "tty": "pts/0",
                "folder": "/",
                "target": "root",
                "settings": "GROUP=adm ; ENV=A=1",
                "command": "/bin/ls",
            },
        ),
        (
            "sudo",
            "ann : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls",
            {
                "action": "Command Refused",
                "user": "ann",
                "reason": "user NOT in sudoers",
                "tty": "pts/0",
                "folder": "/",
                "target": "root",
                "command": "/bin/ls",
            },
        ),
        (
            "su",
            "Successful su for root by ann",
            {"action": "User Switched", "user": "ann", "target": "root"},
        ),
        (
            "su",
            "FAILED SU (to root) ann on pts/0",
            {"action": "User Switch Failed", "user": "ann", "target": "root", "tty": "pts/0"},
        ),
        (
            "useradd",
            "new user: name=ann, UID=1001, GID=1001, home=/home/ann, shell=/bin/sh",
            {"action": "User Created", "user": "ann"},
        ),
        ("userdel", "delete user 'ann'", {"action": "User Deleted", "user": "ann"}),
        (
            "usermod",
            "add 'ann' to group 'sudo'",
            {"action": "Group Member Added", "user": "ann", "group": "sudo"},
        ),
        ("groupadd", "new group: name=staff, GID=7", {"action": "Group Created", "group": "staff"}),
        (
            "passwd",
            "pam_unix(passwd:chauthtok): password changed for ann",
            {"action": "Password Changed", "user": "ann", "service": "passwd"},
        ),
    ],
)
def test_what_the_other_programs_say(program: str, text: str, expected: dict[str, Any]) -> None:
    assert event(text, program) == expected


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("sshd", "Server listening on 0.0.0.0 port 22."),
        ("sshd", "input_userauth_request: invalid user ann [preauth]"),
        ("sshd", "Failed none for invalid user ann from 192.0.2.7 port 1 ssh2"),
        ("sshd", "Postponed publickey for ann from 192.0.2.7 port 1 ssh2 [preauth]"),
        ("sshd", "Disconnected from totobad user ann 192.0.2.7 port 1 [preauth]"),
        ("sshd", "Connection closed by 192.0.2.7 port 1 [preauth]"),
        ("sshd", "pam_unix(sshd:auth): check pass; user unknown"),
        ("su", "+ /dev/pts/0 root:root"),
        ("vsftpd", f"pam_unix(vsftpd:auth): {PAM_FAILURE}"),
        ("dovecot", "Invalid user ann from 192.0.2.7 port 1"),
        ("sshd2", "Invalid user ann from 192.0.2.7 port 1"),
        ("nginx", "Accepted password for ann from 192.0.2.7 port 1 ssh2"),
    ],
)
def test_lines_without_a_meaning_and_other_programs_lines_are_passed_by(
    program: str, text: str
) -> None:
    assert means_nothing(text, program)


FORGED = [
    "root from 203.0.113.9 port 22 ssh2",
    "root from 203.0.113.9",
    "invalid user root",
    "x from 203.0.113.9 port 1 ssh2: RSA SHA256:abc",
    "x from 203.0.113.9 port 1 ssh2: RSA ID y",
    "x 203.0.113.9 port 1 [preauth]",
    "x port 1 from",
    r"x\nInvalid user y from 203.0.113.9 port 1",
    "x; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9 user=root",
    "x] message repeated 9 times: [ Accepted password for y from 203.0.113.9 port 1 ssh2",
    "",
    " ",
]


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize(
    "template",
    [
        "Invalid user {} from 192.0.2.7 port 22222",
        "Invalid user {} from 192.0.2.7",
        "Failed password for invalid user {} from 192.0.2.7 port 22222 ssh2",
        "Failed publickey for invalid user {} from 192.0.2.7 port 22222 ssh2: RSA SHA256:q",
        "maximum authentication attempts exceeded for invalid user {} from 192.0.2.7 port 22222",
        "Disconnected from invalid user {} 192.0.2.7 port 22222 [preauth]",
        "PAM: Authentication failure for illegal user {} from 192.0.2.7",
        "Bad protocol version identification '{}' from 192.0.2.7 port 22222",
        "Bad protocol version identification '{}' from 192.0.2.7",
    ],
)
def test_no_name_and_no_banner_moves_the_address(template: str, name: str) -> None:
    told = event(template.format(name))
    assert told["ip_address"] == "192.0.2.7"
    assert told["action"] in {FAILED, AGAIN} | {
        *("Login Attempts Exceeded", "Login Abandoned", "Protocol Violated")
    }
    if "protocol" not in template:
        assert told.get("user", "") == name


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=80))
def test_any_name_at_all_is_told_as_it_is(name: str) -> None:
    told = event(f"Failed password for invalid user {name} from 192.0.2.7 port 22222 ssh2")
    assert (told["action"], told.get("user", "")) == (AGAIN, name)
    assert told["ip_address"] == "192.0.2.7"


@pytest.mark.parametrize(
    "certificate",
    [
        "x from 203.0.113.9 port 1 ssh2",
        "x from 203.0.113.9 port 1 ssh2: RSA SHA256:abc",
        "x from 203.0.113.9 port 1 ssh2: RSA ID y",
    ],
)
def test_a_certificates_text_is_not_taken_for_an_address(certificate: str) -> None:
    line = "Failed publickey for ann from 192.0.2.7 port 2 ssh2: RSA-CERT ID {} (serial 0) CA RSA q"
    told = auth_lines.event_of(Message(None, "web-1", "sshd", "7", line.format(certificate)))
    assert told is None or told["ip_address"] == "192.0.2.7"


def test_a_text_that_would_take_long_to_search_is_refused() -> None:
    endless = "ann : TTY=x ; PWD=/" + " ; USER=x ; ENV=" * 10_000
    with pytest.raises(BadInput, match="characters"):
        auth_lines.event_of(Message(None, "web-1", "sudo", "", endless))


def test_structured_data_is_kept() -> None:
    raw = b'<38>1 2022-01-19T14:23:55Z h sshd 4 - [meta id="1"] Invalid user x from 192.0.2.7'
    told = auth_lines.event_of(syslog.parse(raw))
    assert told is not None
    assert told["structured_data"] == {"meta": {"id": "1"}}


# --- real logs ----------------------------------------------------------------------------------

KIND = {
    "accepted_password": (LOGIN, {"method": "password"}),
    "accepted_publickey": (LOGIN, {"method": "publickey"}),
    "useradd": ("User Created", {}),
    "password_changed": ("Password Changed", {}),
    "invalid_user": (FAILED, {"reason": "unknown user"}),
    "max_auth_exceeded": ("Login Attempts Exceeded", {}),
    "no_identification": ("Connection Not Identified", {}),
    "sudo_command": ("Command Run", {}),
    "session_opened": ("Session Opened", {}),
    "session_closed": ("Session Closed", {}),
    "bad_protocol": ("Protocol Violated", {}),
}


def events_of(path: Path) -> list[dict[str, Any] | None]:
    lines = path.read_bytes().split(b"\n")
    return [auth_lines.event_of(syslog.parse(line)) for line in lines if line.strip()]


@needs_data
def test_the_counts_of_a_real_auth_log_agree_with_its_facts() -> None:
    facts = json.loads((DATA / "auth-log" / "facts.json").read_text())
    lines = events_of(DATA / "auth-log" / "auth.log")
    events = [told for told in lines if told]
    assert len(lines) == facts["lines"]
    for kind, (action, fields) in KIND.items():
        found = [
            told for told in events if told["action"] == action and fields.items() <= told.items()
        ]
        assert len(found) == facts["counts"][kind], kind
    unknown = [told for told in events if told.get("reason") == "unknown user"]
    attacks = [*unknown, *(t for t in events if t["action"] == "Login Attempts Exceeded")]
    assert len({told.get("user", "") for told in attacks}) == facts["users_tried"]
    by_address = Counter(told["ip_address"] for told in attacks)
    assert [by_address[address] for address, _ in facts["top_ips_invalid_or_max"]] == [
        count for _, count in facts["top_ips_invalid_or_max"]
    ]
    outcomes = {
        action: outcome_of(LogType.SECURITY, code_of(action), None) for action in (LOGIN, FAILED)
    }
    assert outcomes == {LOGIN: Outcome.SUCCESS, FAILED: Outcome.FAILURE}


@needs_data
def test_each_line_of_the_hubs_sshd_cases_is_judged_as_expected() -> None:
    expectations = (DATA / "hub" / "expected.jsonl").read_text(encoding="utf-8")
    cases = [json.loads(line) for line in expectations.splitlines()]
    checked = 0
    for case in cases:
        if case["case"] not in {"sshd-logs", "sshd-invalid-bf", "opnsense-sshd"}:
            continue
        events = events_of(DATA / "hub" / case["case"] / case["log_file"])
        for expected in case["events"]:
            told, checked = events[expected["i"]], checked + 1
            assert bool(told) == expected["success"]
            meta = expected.get("meta", {})
            if told:
                assert told["ip_address"] == meta["source_ip"]
                assert outcome_of(LogType.SECURITY, code_of(told["action"]), None) == "failure"
                assert "target_user" not in meta or told["user"] == meta["target_user"]
    assert checked >= 28


@needs_data
def test_what_the_hub_calls_an_attack_by_ssh_is_seen_from_the_same_address() -> None:
    expectations = (DATA / "hub" / "expected.jsonl").read_text(encoding="utf-8")
    cases = {case["case"]: case for case in map(json.loads, expectations.splitlines())}
    for name in ("ssh-bf", "ssh-slow-bf", "sshd-invalid-bf", "sshd_banner_exchange"):
        told = events_of(DATA / "hub" / name / cases[name]["log_file"])
        by_address = Counter(event.get("ip_address") for event in told if event)
        for alert in cases[name]["alerts"]["list"]:
            assert all(by_address[source] >= alert["events"] for source in alert["sources"]), name


@needs_data
def test_no_line_of_another_program_is_taken_for_a_login() -> None:
    ours = {"sshd-logs", "ssh-bf", "ssh-slow-bf", "sshd-invalid-bf", "opnsense-sshd"}
    for path in (DATA / "hub").glob("*/*.log"):
        if path.parent.name in ours | {"sshd_banner_exchange"}:
            continue
        for line in path.read_bytes().split(b"\n"):
            with suppress(BadInput):  # no syslog at all
                assert auth_lines.event_of(syslog.parse(line)) is None, path.name
