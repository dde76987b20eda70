"""Mails made to hurt: each ends in one task or one error event, and the mails behind it go on."""

from __future__ import annotations

import base64
import contextlib
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.sample_workflow.mail_door import HOST, IDLE_SECONDS, MailDoor
from tests.hostile import samples
from tests.monitoring.portal_fake import Portal, a_portal
from tests.monitoring.test_mail_door import RAW, a_door, door_settings, send

pytestmark = pytest.mark.long

PATIENCE_SECONDS = 600
MIB = 1024 * 1024
FROM = b"From: ann@example.org\nTo: maintenance@organization.com\n"
PLAIN = FROM + b"Content-Type: text/plain; charset=%s\n\nbody\n"


def multipart(boundary: str, inner: bytes, kind: str = "mixed") -> bytes:
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n--{boundary}\n'.encode()
    return head + inner + f"\n--{boundary}--\n".encode()


def nested(depth: int, inner: bytes = b"\nx") -> bytes:
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth)
    )
    return opened + inner


def continuations(number: int) -> bytes:
    words = b"".join(b'; name*%d="x"' % n for n in range(number))
    return b"Content-Type: text/plain" + words + b"\n\nbody\n"


SMALL = {
    "nested a thousand times": FROM + nested(1000),
    "a thousand messages in messages": FROM + b"Content-Type: message/rfc822\n\n" * 1000 + b"\nx",
    "names in continuations": FROM + continuations(60),
    "folded continuations": FROM + continuations(1000).replace(b"; ", b";\n "),
    "continuations that run backwards": FROM
    + b'Content-Type: text/plain; name*2="c"; name*1="b"; name*0*=utf-8\'\'%ff%00; name*x=y\n\nx',
    "a charset that does not exist": PLAIN % b"x-nosuch-charset",
    "a charset that is no text": PLAIN % b"rot13",
    "a charset that never decodes": PLAIN % b"undefined",
    "a charset with NUL": PLAIN % b"utf-8\0",
    "a charset as a path": PLAIN % b'"../../etc/passwd"',
    "a charset of 1,500 letters": PLAIN % (b"x" * 1500),
    "an encoded word of no charset": b"Subject: =?rot13?B?eA==?= =?undefined?Q?=FF?=\n"
    + FROM
    + b"\n",
    "an encoded word that never ends": b"Subject: " + b"=?utf-8?B?" * 300 + b"\n" + FROM + b"\n",
    "an encoded line break": b"Subject: =?utf-8?Q?a=0D=0ABcc:_x@y?=\n" + FROM + b"\n",
    "a date far out": FROM + b"Date: Mon, 99 Foo 99999999999999999999 99:99:99 +999999\n\nx",
    "a date before all": FROM + b"Date: Thu, 01 Jan 0000 00:00:00 -0000\n\nx",
    "NUL everywhere": b"\0From: a\0nn@example.org\n\0To: \0x\nSubject: \0\n\n\0",
    "only NUL": b"\0" * 5000,
    "bytes of all values": bytes(range(256)) * 40,
    "a quoted-printable that breaks off": FROM
    + b"Content-Transfer-Encoding: quoted-printable\n\n"
    + b"=" * 5000,
    "quoted-printable soft breaks": FROM
    + b"Content-Transfer-Encoding: quoted-printable\n\n"
    + b"=\n" * 50_000,
    "base64 of one letter": FROM + b"Content-Transfer-Encoding: base64\n\nA",
    "an encoding that does not exist": FROM + b"Content-Transfer-Encoding: pl4nted\n\nx",
    "uuencode without an end": FROM + b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\nM",
    "a boundary of nothing": FROM
    + b'Content-Type: multipart/mixed; boundary=""\n\n--\n\nx\n----\n',
    "a boundary that is a pattern": FROM + multipart("(a+)+$", b"\n" + b"a" * 5000),
    "the same boundary inside": FROM + multipart("b", multipart("b", b"\nx")),
    "comments in comments": b"From: " + b"(" * 3000 + b"\nTo: maintenance@organization.com\n\nx",
    "an address of quotes": b'From: "' + b'\\"' * 1500 + b'"@x\n\nx',
    "a group of groups": b"From: " + b"a:" * 1500 + b";\n\nx",
    "a thousand senders": b"From: " + b"a@b.c, " * 2000 + b"\n\nx",
    "a route of addresses": b"From: <" + b"@a," * 1500 + b":x@y>\n\nx",
    "markup": b"From: <script>@example.org\nSubject: <script>alert(1)</script>\n\n<script>",
    "an open tag of 20,000 letters": FROM + b"Content-Type: text/html\n\n" + b"<" * 20_000,
    "entities": FROM + b"Content-Type: text/html\n\n" + b"&#99999999999999999999;&#0;&amp" * 500,
    "an external body": FROM
    + b'Content-Type: message/external-body; access-type=URL; url="http://evil.example/"\n\nx',
    "a part of a mail": FROM + b"Content-Type: message/partial; id=x; number=1; total=999\n\nx",
    "a delivery report of nothing": FROM + b"Content-Type: message/delivery-status\n\n\n\n\n\n",
}


def bombs() -> dict[str, bytes]:
    """Made when they are needed: together they are 200 MiB."""
    zeros = base64.encodebytes(b"\0" * (18 * MIB))
    return {
        "100,000 nested parts": FROM + nested(100_000),
        "100,000 parts side by side": FROM + multipart("b", b"\nx\n--b\n" * 100_000),
        "1,000,000 header lines": FROM + b"X: y\n" * 1_000_000 + b"\nx",
        "1,000,000 lines of one header": FROM + b"X: y\n" + b" z\n" * 1_000_000 + b"\nx",
        "base64 of zeros": FROM + b"Content-Transfer-Encoding: base64\n\n" + zeros,
        "a header of 10 MiB": FROM + b"X: " + (b"y" * 900_000 + b"\n ") * 11 + b"\n\nx",
        "a header of 10 MiB, folded": FROM + b"X: " + (b"y" * 900 + b"\n ") * 11_000 + b"\n\nx",
        "a subject of 10 MiB": FROM + b"Subject: " + b"=?utf-8?Q?=41?=\n " * 650_000 + b"\n\nx",
        "continuations by the thousand": FROM + continuations(5000),
        "soft breaks by the million": FROM
        + b"Content-Transfer-Encoding: quoted-printable\n\n"
        + b"=\n" * 900_000,
        "10,000 messages in messages": FROM + b"Content-Type: message/rfc822\n\n" * 10_000,
        "24 MiB of bytes": FROM + b"\n" + bytes(range(1, 256)) * (95 * 1024),
    }


@pytest.fixture
def portal() -> Iterator[Portal]:
    with a_portal() as portal:
        yield portal


@pytest.fixture
def door(tmp_path: Path, portal: Portal) -> Iterator[MailDoor]:
    with a_door(door_settings(tmp_path, portal)) as door:
        yield door


def wait_for(door: MailDoor) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while door.spool.waiting():
        assert time.monotonic() < limit
        time.sleep(0.02)


def ends(portal: Portal) -> Counter[object]:
    """How many ends each mail has: a completed task, or an error event."""
    errors = (event["email_id"] for event in portal.events("error-logs"))
    done = (
        str(event["task_id"]).replace("task-", "mail-")
        for event in portal.events()
        if event["action"] == "Task Completed"
    )
    return Counter([*errors, *done])


def assert_each_ends_once(door: MailDoor, portal: Portal, mails: dict[str, bytes]) -> None:
    ids = {}
    for name, raw in mails.items():
        ids[name] = send(door, raw)
        assert ids[name], name
    behind = send(door, RAW % b"behind")
    wait_for(door)
    assert {name for name, one in ids.items() if not door.spool.outcome(one)} == set()
    assert ends(portal) == dict.fromkeys([*ids.values(), behind], 1)
    assert door.spool.outcome(behind).task_id  # type: ignore[union-attr]  # an outcome by now
    told = "".join(map(str, portal.stored))
    assert "script>" not in told.replace("<script>@example.org", "")
    assert "pl4nted" not in told


def test_every_hostile_mail_ends_in_one_task_or_one_error(door: MailDoor, portal: Portal) -> None:
    files = {path.name: path.read_bytes() for path in samples.files("emails/extremes", "*.eml")}
    assert_each_ends_once(door, portal, SMALL | files)


def test_every_mail_bomb_ends_in_one_task_or_one_error(door: MailDoor, portal: Portal) -> None:
    assert_each_ends_once(door, portal, bombs())


def test_a_mail_larger_than_the_door_is_refused_while_others_go_on(
    door: MailDoor, portal: Portal
) -> None:
    with contextlib.suppress(ConnectionError), a_talk(door) as talk:
        talk.say(b"EHLO x", b"MAIL FROM:<a@b.c>", b"RCPT TO:<x@organization.com>", b"DATA")
        for _ in range(50):
            talk.connection.sendall(b"x" * 75 + b"\r\n" + b"y" * (MIB - 79) + b"\r\n")
    assert send(door, RAW % b"behind")
    wait_for(door)
    assert sum(ends(portal).values()) == 1


# --- the protocol -------------------------------------------------------------------------------


class Talk:
    """One SMTP session, byte by byte."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.lines = connection.makefile("rb")

    def hear(self) -> int:
        """The code of the next answer; 0 where the door has hung up."""
        while line := self.lines.readline():
            if line[3:4] != b"-":
                return int(line[:3])
        return 0

    def say(self, *lines: bytes) -> list[int]:
        codes = []
        for line in lines:
            self.connection.sendall(line + b"\r\n")
            codes.append(self.hear())
        return codes


@contextlib.contextmanager
def a_talk(door: MailDoor) -> Iterator[Talk]:
    with socket.create_connection((HOST, door.port), timeout=PATIENCE_SECONDS) as connection:
        talk = Talk(connection)
        assert talk.hear() == 220
        yield talk
        talk.lines.close()


def test_whoever_does_not_follow_the_protocol_is_told_so(door: MailDoor, portal: Portal) -> None:
    with a_talk(door) as talk:
        codes = talk.say(
            b"MAIL FROM:<a@b.c>",  # no greeting
            b"DATA",
            b"RCPT TO:<x@organization.com>",
            b"HELO",
            b"EHLO \0\xff",
            b"\0\0\0",
            b"\xff\xfe",
            b"",
            b"VRFY root",
            b"EXPN root",
            b"AUTH PLAIN AGEAYg==",
            b"STARTTLS",
            b"MAIL FROM:<" + b"a" * 5000 + b"@b.c>",
        )
    assert all(code == 0 or 250 <= code < 600 for code in codes), codes
    assert codes[0] >= 500
    assert send(door, RAW % b"next")
    wait_for(door)
    assert sum(ends(portal).values()) == 1


def test_10_000_recipients_are_cut_off_and_the_mail_ends_once(
    door: MailDoor, portal: Portal
) -> None:
    with a_talk(door) as talk:
        talk.say(b"EHLO x", b"MAIL FROM:<a@b.c>")
        sent = b"".join(b"RCPT TO:<x%d@organization.com>\r\n" % n for n in range(2_000))
        for _ in range(5):
            talk.connection.sendall(sent)
            codes = {talk.hear() for _ in range(2_000)}
        assert codes == {452}
        assert talk.say(b"DATA", FROM.replace(b"\n", b"\r\n") + b"\r\nx\r\n.") == [354, 250]
    wait_for(door)
    assert sum(ends(portal).values()) == 1


def test_a_line_without_an_end_does_not_fill_the_memory(door: MailDoor) -> None:
    with a_talk(door) as talk, contextlib.suppress(ConnectionError):
        talk.say(b"EHLO x")
        for _ in range(64):
            talk.connection.sendall(b"x" * MIB)
        talk.connection.sendall(b"\r\n")
        assert talk.hear() in (0, 500)
    assert send(door, RAW % b"next")


@pytest.mark.parametrize("end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r"])
def test_a_dot_between_other_line_ends_smuggles_no_second_mail(
    end: bytes, door: MailDoor, portal: Portal
) -> None:
    second = (
        b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<x@organization.com>\r\nDATA\r\nFrom: e@x\r\n"
    )
    with a_talk(door) as talk:
        talk.say(b"EHLO x", b"MAIL FROM:<a@b.c>", b"RCPT TO:<x@organization.com>", b"DATA")
        body = FROM.replace(b"\n", b"\r\n") + b"\r\nx" + end + second + b"\r\nx\r\n."
        assert talk.say(body) == [250]
        assert talk.say(b"NOOP") == [250]
    wait_for(door)
    assert sum(ends(portal).values()) == 1


def test_connections_that_are_only_held_open_block_nobody(door: MailDoor, portal: Portal) -> None:
    assert IDLE_SECONDS <= 60
    with contextlib.ExitStack() as held:
        for number in range(200):
            talk = held.enter_context(a_talk(door))
            if number % 2:
                talk.say(b"EHLO x", b"MAIL FROM:<a@b.c>", b"RCPT TO:<x@y>", b"DATA")
                talk.connection.sendall(b"Subject: half a ma")
        assert send(door, RAW % b"others")
        wait_for(door)
    assert sum(ends(portal).values()) == 1
