"""Tells people by mail that something happened in the restricted area: never what it was about.

The text is fixed; a case is named by its random code, and the address leads to the sign-in form.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from logs.cases.acts import Act, Happening
from logs.cases.models import Notice
from orgo_audit.accounts.models import User

logger = logging.getLogger(__name__)
KEPT_FOR = timedelta(days=7)
BATCH = 100
SUBJECT = "Orgo Audit: a note from the restricted area"
_ACTS = {
    Act.REVEAL: "a reveal of an identity",
    Act.ERASE: "an erasure",
    Act.ENROL: "a passkey",
}
_HAPPENINGS = {
    Happening.ASKED: "was asked for",
    Happening.APPROVED: "was approved by two custodians",
    Happening.DENIED: "was denied",
    Happening.VIEWED: "was used: a value was shown",
    Happening.EXPIRED: "has expired",
    Happening.ADDED: "was added",
    Happening.CONFIRMED: "was confirmed",
    Happening.REVOKED: "was revoked",
}


def send_waiting(now: datetime) -> int:
    """Sends what waits, each once; how many. What a server refuses is tried again for a week.

    What was refused before comes last, and keeps none behind it.
    """
    Notice.objects.filter(made_at__lt=now - KEPT_FOR).delete()
    if not settings.EMAIL_URL:
        return 0
    sent = 0
    with get_connection() as mail:
        for notice in Notice.objects.filter(sent_at=None).order_by("tries", "made_at")[:BATCH]:
            message = _message(notice)
            try:
                if message is not None:
                    mail.send_messages([message])
                    sent += 1
            except (SMTPException, OSError) as error:
                logger.warning("a notice was not taken by the mail server; it is tried again")
                Notice.objects.filter(pk=notice.pk).update(tries=notice.tries + 1)
                if isinstance(error, SMTPRecipientsRefused):
                    continue
                break
            Notice.objects.filter(pk=notice.pk).update(sent_at=now)
    return sent


def _message(notice: Notice) -> EmailMessage | None:
    """The mail; None where the person has no address."""
    user = User.objects.filter(pk=notice.user_id, is_active=True).first()
    address = (user.email or user.username) if user else ""
    if "@" not in address:
        return None
    return EmailMessage(SUBJECT, "\n".join(_lines(notice)), to=[address])


def _lines(notice: Notice) -> Iterator[str]:
    act, _, happening = notice.kind.partition("_")
    told = f"{_ACTS[Act(act)]} {_HAPPENINGS[Happening(happening)]}"
    yield f"In {notice.organization.slug}, {told}."
    if notice.case_code:
        yield f"Case: {notice.case_code}"
    yield f"Day: {notice.made_at.date().isoformat()}"
    yield ""
    yield f"If this surprises you, look at {settings.ORGO_PUBLIC_URL}/cases/reveals/ and ask"
    yield "your data protection officer."
