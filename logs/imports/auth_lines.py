"""What sshd, sudo, su, PAM and the account tools say in an auth log, in the record's words.

Names and banners in these lines were chosen by strangers. So each pattern takes the whole line and
reads the address where the program itself wrote it: behind everything that a stranger could say.

One attempt is one "Failed Login Attempt": sshd's word on an unknown or forbidden user, or its word
on a failed try of a known one. What other lines say of the same attempt (PAM; tries under a name
that was already found unknown) is "Authentication Failed".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from logs.imports.syslog import Message
from logs.record.drafts import plain_address
from orgo_audit.errors import BadInput

# rsyslog and sudo write less; to search more could take as long as a stranger likes.
MAX_TEXT_CHARACTERS = 16 * 1024

_PLACE = r"(?P<address>\S+) port (?P<port>\d{1,5})"
_FROM = rf" from {_PLACE}"
_FROM_OLD = r" from (?P<address>\S+)(?: port (?P<port>\d{1,5}))?"
_USER = r"(?P<user>.*)"
_METHOD = r"(?!none )(?P<method>[\w.,/-]+)"
_PREAUTH = r"(?: \[preauth\])?"
# A certificate's text is its sender's. Where it could be a second address, nothing is believed.
_ONE_ADDRESS = r"(?!.* port \d+ ssh2.* port \d+ ssh2)"
_PROVED = (
    rf"{_USER}{_FROM}(?: ssh\d?)?(?:: (?P<key>\S+(?: \S+)?))?",
    rf"{_ONE_ADDRESS}(?P<user>\S+){_FROM} ssh2: (?P<key>\S+ ID .*)",
)
_UNKNOWN = r"(?:invalid|illegal) user "
_PAM_FAILURE = (
    r"logname=\S* uid=\d* euid=\d* tty=\S* ruser=\S* rhost=(?P<address>\S*)(?: +user=(?P<user>.*))?"
)
_PAM = r"pam_\w+\((?P<service>[\w.@-]+)"
_SUDO = (
    r"TTY=(?P<tty>\S+) ; PWD=(?P<folder>.*?) ; USER=(?P<target>\S+) ;"
    r"(?: (?P<settings>(?:GROUP|TSID|ENV)=.*?) ;)? COMMAND=(?P<command>.*)"
)
_REPEATED = re.compile(r"message repeated (?P<repeated>\d{1,9}) times: \[ (?P<text>.*)\]")


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    action: str
    told: dict[str, str] = field(default_factory=dict)


def _rule(pattern: str, action: str, **told: str) -> _Rule:
    return _Rule(re.compile(pattern), action, told)


_FAILED = "Failed Login Attempt"
_AGAIN = "Authentication Failed"
_SESSIONS = (
    _rule(
        rf"{_PAM}:session\): session opened for user (?P<user>[^\s(]+)(?:\(uid=\d+\))?"
        r"(?: by (?P<by>[^\s(]*)\(uid=\d+\))?",
        "Session Opened",
    ),
    _rule(rf"{_PAM}:session\): session closed for user (?P<user>\S+)", "Session Closed"),
)
_PASSWORDS = (
    _rule(rf"{_PAM}:auth\): authentication failure; {_PAM_FAILURE}", _AGAIN),
    _rule(
        rf"PAM (?P<repeated>\d{{1,9}}) more authentication failures?; {_PAM_FAILURE}",
        _AGAIN,
    ),
)
_SSHD = (
    *(_rule(rf"Accepted {_METHOD} for {proved}", "Login") for proved in _PROVED),
    *(_rule(rf"Failed {_METHOD} for {_UNKNOWN}{proved}", _AGAIN) for proved in _PROVED),
    *(_rule(rf"Failed {_METHOD} for (?!{_UNKNOWN}){proved}", _FAILED) for proved in _PROVED),
    _rule(rf"(?:Invalid|Illegal) user {_USER}{_FROM_OLD}", _FAILED, reason="unknown user"),
    _rule(r"User (?P<user>\S+) from (?P<address>\S+) not allowed because (?P<reason>.+)", _FAILED),
    _rule(rf"ROOT LOGIN REFUSED FROM {_PLACE}", _FAILED, user="root", reason="root is refused"),
    _rule(
        rf"(?:error: )?maximum authentication attempts exceeded for (?:{_UNKNOWN})?"
        rf"{_USER}{_FROM}(?: ssh\d?)?{_PREAUTH}",
        "Login Attempts Exceeded",
    ),
    _rule(
        r"(?:Connection (?:closed|reset) by|Disconnected from) (?:authenticating|invalid) user"
        rf" {_USER} {_PLACE}{_PREAUTH}",
        "Login Abandoned",
    ),
    _rule(
        rf"(?:error: )?PAM: Authentication failure for (?:{_UNKNOWN})?{_USER}"
        r" from (?P<address>\S+)",
        _AGAIN,
    ),
    _rule(
        rf"Did not receive identification string{_FROM_OLD}{_PREAUTH}", "Connection Not Identified"
    ),
    _rule(rf"Bad protocol version identification '.*'{_FROM_OLD}", "Protocol Violated"),
    _rule(rf"banner exchange: Connection{_FROM}: [\w ]+", "Protocol Violated"),
    _rule(rf"Magic value check failed \(\d+\) on obfuscated handshake{_FROM}", "Protocol Violated"),
    *_PASSWORDS,
    *_SESSIONS,
)
_SU = (
    _rule(r"Successful su for (?P<target>\S+) by (?P<user>\S+)", "User Switched"),
    _rule(r"\(to (?P<target>\S+)\) (?P<user>\S+) on (?P<tty>\S+)", "User Switched"),
    _rule(r"FAILED su for (?P<target>\S+) by (?P<user>\S+)", "User Switch Failed"),
    _rule(r"FAILED SU \(to (?P<target>\S+)\) (?P<user>\S+) on (?P<tty>\S+)", "User Switch Failed"),
    *_PASSWORDS,
    *_SESSIONS,
)
_SUDO_RULES = (
    _rule(rf" *(?P<user>\S+) : {_SUDO}", "Command Run"),
    _rule(rf" *(?P<user>\S+) : (?P<reason>(?!TTY=)[^;=]+) ; {_SUDO}", "Command Refused"),
    *_PASSWORDS,
    *_SESSIONS,
)
_NEW_GROUP = _rule(r"new group: name=(?P<group>[^,\s]+), GID=\d+", "Group Created")
_NEW_PASSWORD = (
    _rule(rf"{_PAM}:chauthtok\): password changed for (?P<user>\S+)", "Password Changed"),
    _rule(r"password for '(?P<user>[^']+)' changed by '(?P<by>[^']+)'", "Password Changed"),
)
_RULES: dict[str, tuple[_Rule, ...]] = {
    **dict.fromkeys(("sshd", "sshd-session", "sshd-auth"), _SSHD),
    "sudo": _SUDO_RULES,
    **dict.fromkeys(("su", "su-l"), _SU),
    "login": (*_PASSWORDS, *_SESSIONS),
    **dict.fromkeys(("CRON", "cron", "crond", "systemd", "(systemd)"), _SESSIONS),
    "useradd": (
        _rule(r"new user: name=(?P<user>[^,\s]+), UID=\d+,.*", "User Created"),
        _NEW_GROUP,
    ),
    "groupadd": (_NEW_GROUP,),
    "userdel": (_rule(r"delete user '(?P<user>[^']+)'", "User Deleted"),),
    "usermod": (_rule(r"add '(?P<user>[^']+)' to group '(?P<group>[^']+)'", "Group Member Added"),),
    **dict.fromkeys(("passwd", "chpasswd"), _NEW_PASSWORD),
}


def event_of(message: Message) -> dict[str, Any] | None:
    """The event in the wire's words, without its time; None for a line without a meaning.

    `user` is the account that the line speaks of; for sudo and su, who asked. The text is kept: it
    is the evidence, and says no more than the fields do. BadInput for a text that is too long to
    be searched.
    """
    rules = _RULES.get(message.program)
    if rules is None:
        return None
    if len(message.text) > MAX_TEXT_CHARACTERS:
        raise BadInput(f"a text of more than {MAX_TEXT_CHARACTERS} characters", code="too_large")
    text, told = message.text.removeprefix("\ufeff").rstrip(), {}
    if repeated := _REPEATED.fullmatch(text):
        # One line is one event, whatever number a line claims.
        text, told = repeated["text"], {"repeated": repeated["repeated"]}
    if (said := _said(rules, text)) is None:
        return None
    origin = {"host": message.host, "program": message.program, "pid": message.pid}
    event = _given({**said, **told, **origin, "message": message.text})
    event.update(_ietf_fields(message))
    return event


def _said(rules: Iterable[_Rule], text: str) -> dict[str, Any] | None:
    for rule in rules:
        if found := rule.pattern.fullmatch(text):
            return {"action": rule.action, **rule.told, **found.groupdict()}
    return None


def _given(told: dict[str, Any]) -> dict[str, Any]:
    event = {name: value for name, value in told.items() if value}
    for number in ("port", "repeated"):
        if number in event:
            event[number] = int(event[number])
    if address := event.pop("address", None):
        try:
            event["ip_address"] = plain_address(address)
        except BadInput:
            event["remote_host"] = address
    return event


def _ietf_fields(message: Message) -> dict[str, Any]:
    if message.version is None:
        return {}
    fields = {"message_id": message.message_id, "structured_data": message.structured_data}
    return {name: value for name, value in fields.items() if value}
