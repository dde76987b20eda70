"""A mail is read or refused with a reason; it never crashes, hangs, or speaks of what it says."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.sample_workflow.mail import Mail, MailRefused, Reason, read_mail
from monitoring.sample_workflow.mail_files import SHIPPED_MAILS, find_mails
from tests.shared_data import SHARED_DATA

SHARED_MAILS = SHARED_DATA / "emails"
HEAD = b"From: Ann <Ann@Example.org>\r\nTo: maintenance@organization.com\r\n"
TIME_BOUND_SECONDS = 10.0


def reason_of(raw: bytes) -> Reason:
    with pytest.raises(MailRefused) as refusal:
        read_mail(raw)
    return refusal.value.reason


def nested(depth: int) -> bytes:
    levels = (
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
        for level in range(depth)
    )
    return HEAD + b"".join(levels)


def test_the_fields_of_a_mail_are_normalised() -> None:
    mail = read_mail(HEAD + b"Message-ID: <1@x>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nhello\r\n")
    assert mail == Mail(
        message_id="<1@x>",
        sender="ann@example.org",
        recipients=("maintenance@organization.com",),
        subject="café",
        text="hello",
        attachments=0,
        is_test=False,
    )


def test_an_encoded_line_break_in_a_subject_cannot_start_another_line() -> None:
    subject = b"Subject: =?utf-8?Q?x=0D=0ABcc:_evil=40example.org?=\r\n\r\n"
    assert read_mail(HEAD + subject).subject == "x Bcc: evil@example.org"


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: nul \0 and control \x1b[31m",
        b"Subject: =?utf-8?b?not base64!?= =?no-such-charset?q?=FF?=",
        b"Subject: raw \xff\xfe bytes",
        b"Content-Type: text/plain; charset=no-such-charset",
        b"Content-Type: multipart/mixed; boundary=open\r\n\r\n--open\r\n\r\nreadable",
        b"Content-Transfer-Encoding: no-such-encoding",
        b"From: second@example.org",
        b"this line is no header",
        b"Date: never",
    ],
)
def test_what_the_real_world_gets_wrong_still_becomes_a_mail(header: bytes) -> None:
    mail = read_mail(HEAD + header + b"\r\n\r\nbody\r\n")
    assert mail.sender == "ann@example.org"
    assert mail.subject.isprintable()


@pytest.mark.parametrize(
    "sender", [b"Postmaster <MAILER-DAEMON>", b'"Ann, R." <a@x.example>', b"a@x.example (A)"]
)
def test_odd_but_usable_senders_are_taken(sender: bytes) -> None:
    assert read_mail(b"From: " + sender + b"\r\n\r\n").sender in {"mailer-daemon", "a@x.example"}


def test_html_is_read_as_text_where_there_is_nothing_else() -> None:
    mail = read_mail(HEAD + b"Content-Type: text/html\r\n\r\n<p>4 &lt; 5</p>\r\n")
    assert mail.text == "4 < 5"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.EMPTY_MAIL),
        (b"\r\n \r\n", Reason.EMPTY_MAIL),
        (b"just text, no header at all\r\n", Reason.MALFORMED_HEADER),
        (b"Subject: x\r\nbroken here\r\nFrom: a@x.example\r\n\r\n", Reason.MALFORMED_HEADER),
        (b"From: \0a@x.example\r\n\r\n", Reason.MALFORMED_HEADER),
        (b'From: "Gate keeper <\r\n\r\n', Reason.MALFORMED_HEADER),
        (b"From: " + b"(" * 5000 + b"\r\n\r\n", Reason.MALFORMED_HEADER),
        (b"Subject: nobody\r\n\r\nbody\r\n", Reason.NO_SENDER),
        (b"From:\r\n\r\nbody\r\n", Reason.NO_SENDER),
        (HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n", Reason.BROKEN_MULTIPART),
        (HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n!!!!\r\n", Reason.UNDECODABLE_BODY),
        (HEAD + b"\r\n" + b"x" * (25 * 1024 * 1024), Reason.TOO_LARGE),
        (HEAD + b"\r\n" * 600_000, Reason.TOO_MANY_LINES),
        (HEAD + b"A: b\r\n" * 500, Reason.TOO_MANY_HEADERS),
        (HEAD + b"A: " + b"b" * 17_000 + b"\r\n\r\n", Reason.HEADER_TOO_LONG),
        (HEAD + b"A: b" + b"\r\n b" * 40_000 + b"\r\n\r\n", Reason.HEADER_TOO_LONG),
        (HEAD + b"Content-Type: text/plain" + b";" * 3_000 + b"\r\n\r\n", Reason.HEADER_TOO_LONG),
        (nested(11) + b"\r\nx", Reason.TOO_DEEPLY_NESTED),
        (nested(3000), Reason.TOO_DEEPLY_NESTED),
        (nested(1) + b"\r\nx\r\n--b0\r\n" * 101, Reason.TOO_MANY_PARTS),
    ],
)
def test_a_mail_that_cannot_be_used_is_refused_with_its_reason(raw: bytes, reason: Reason) -> None:
    assert reason_of(raw) is reason


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"Subject: " + b"=?utf-8?q?a?=\r\n " * 4_000 + b"\r\n\r\n",
        b"From: " + b"a@b.example,\r\n " * 4_000 + b"\r\n\r\n",
        nested(9) + b"\r\n" + b"--\r\n" * 400_000,
        HEAD + b"Content-Type: text/html\r\n\r\n" + b"<" * 1_000_000,
    ],
    ids=["encoded words", "addresses", "boundaries", "tags"],
)
def test_costly_mails_take_bounded_time(raw: bytes) -> None:
    started = time.monotonic()
    read_mail(raw)
    assert time.monotonic() - started < TIME_BOUND_SECONDS


header_text = st.binary(max_size=60)
mails = st.one_of(
    st.binary(max_size=2_000),
    st.builds(
        lambda fields, body: (
            b"\n".join(name + b": " + text for name, text in fields) + b"\n\n" + body
        ),
        st.lists(
            st.tuples(
                st.sampled_from(
                    [b"From", b"To", b"Subject", b"Content-Type", b"Content-Transfer-Encoding"]
                ),
                header_text
                | st.sampled_from(
                    [b"a@x.example", b"multipart/mixed; boundary=b", b"message/rfc822", b"base64"]
                ),
            ),
            max_size=8,
        ),
        st.lists(st.sampled_from([b"--b", b"--b--", b"", b"From: a"]) | header_text).map(
            b"\n".join
        ),
    ),
)


@settings(max_examples=200, deadline=2_000)
@given(mails)
def test_any_bytes_give_a_mail_or_a_refusal(raw: bytes) -> None:
    with suppress(MailRefused):
        mail = read_mail(raw)
        assert mail.sender
        for text in (mail.sender, mail.subject, mail.text, mail.message_id, *mail.recipients):
            text.encode()
            assert text.isprintable() or not any(char in text for char in "\r\n\0")


def test_the_shipped_mails_are_three_errors_and_twenty_tasks() -> None:
    outcomes = []
    for mail in find_mails([SHIPPED_MAILS]):
        try:
            read_mail(mail.raw)
            outcomes.append("task")
        except MailRefused:
            outcomes.append("error")
    assert (outcomes.count("task"), outcomes.count("error")) == (20, 3)


@pytest.mark.skipif(not SHARED_MAILS.is_dir(), reason="the shared mails are not here")
def test_most_real_mails_become_tasks_and_none_takes_long() -> None:
    tasks = 0
    for mail in find_mails([SHARED_MAILS]):
        started = time.monotonic()
        with suppress(MailRefused):
            tasks += bool(read_mail(mail.raw).sender)
        assert time.monotonic() - started < TIME_BOUND_SECONDS
    assert tasks > 450
