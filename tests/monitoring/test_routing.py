"""Where a mail's task goes depends on its mailboxes first, its subject second, its text never."""

from __future__ import annotations

import pytest

from monitoring.sample_workflow.mail import Mail
from monitoring.sample_workflow.routing import route, route_unread


def a_mail(
    subject: str = "", *, to: str = "someone@example.org", sender: str = "a@example.org"
) -> Mail:
    return Mail("", sender, (to,), subject, "urgent harassment broken", 0, is_test=False)


@pytest.mark.parametrize(
    ("envelope", "subject", "workflow"),
    [
        ("maintenance@organization.com", "", "maintenance"),
        ("IT-Support@Organization.com", "the boiler", "it_support"),
        ("facilities+keys@organization.com", "", "facilities"),
        ("general@organization.com", "New VPN password", "it_support"),
        ("general@organization.com", "A leak!", "maintenance"),
        ("general@organization.com", "good morning", "general"),
        ("maintenance@elsewhere.example", "", "general"),
    ],
)
def test_mailboxes_come_before_words(envelope: str, subject: str, workflow: str) -> None:
    where = route(a_mail(subject), [envelope])
    assert (where.workflow, where.queue) == (workflow, f"{workflow}_queue")


def test_urgent_words_escalate_to_the_supervisor() -> None:
    where = route(a_mail("URGENT: no light"), ["maintenance@organization.com"])
    assert (where.mailbox, where.escalates_to) == (
        "maintenance@organization.com",
        "supervisor@organization.com",
    )
    assert not route(a_mail("insurgents"), ["maintenance@organization.com"]).escalates_to


@pytest.mark.parametrize(
    "mail",
    [
        a_mail(to="harassment@organization.com"),
        a_mail(to="Harassment+private@ORGANIZATION.com"),
        a_mail(sender="harassment@organization.com"),
    ],
)
def test_a_sensitive_mailbox_anywhere_makes_the_mail_sensitive(mail: Mail) -> None:
    where = route(mail, ["general@organization.com"])
    assert where.is_sensitive
    assert (where.workflow, where.queue, where.escalates_to) == ("harassment", "hr_queue", "")


def test_a_mail_that_cannot_be_read_is_sensitive_if_its_header_names_the_mailbox() -> None:
    raw = b"Subject: x\nCC: (hr) <Harassment@organization.com>\n\nbody"
    assert route_unread(raw, ["general@organization.com"]).is_sensitive
    assert route_unread(b"no header", ["harassment@organization.com"]).is_sensitive
    assert not route_unread(b"Subject: x\n\nharassment@organization.com", []).is_sensitive
