"""Tells people by mail: one mail a note, blind copies, so that no receiver learns of the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from smtplib import SMTPConnectError, SMTPException, SMTPServerDisconnected

from django.conf import settings
from django.core.mail import EmailMessage

from monitoring.delivery.base import ChannelError, Note, ToldAlert

LISTED_AT_MOST = 50
LONGEST_SUBJECT = 150
_SEVERITIES = ("info", "warning", "critical")
_HEADS = {
    "fired": "These alerts have fired:",
    "escalated": "Nobody has acknowledged these alerts:",
    "resolved": "These alerts are over:",
}


class Email:
    """The mail server of EMAIL_URL."""

    def send(self, note: Note, now: datetime) -> None:
        if not settings.EMAIL_URL:
            raise ChannelError("no mail server is set (EMAIL_URL)")
        if not note.addresses:
            raise ChannelError("nobody of this role has an e-mail address")
        message = EmailMessage(_subject(note), "\n".join(_lines(note)), bcc=list(note.addresses))
        try:
            message.send()
        except (SMTPConnectError, SMTPServerDisconnected) as error:
            raise ChannelError("the mail server does not answer", is_down=True) from error
        except SMTPException as error:
            raise ChannelError("the mail server refused it") from error
        except OSError as error:
            raise ChannelError("the mail server cannot be reached", is_down=True) from error


def _subject(note: Note) -> str:
    gravest = max((one.severity for one in note.alerts), key=_SEVERITIES.index)
    what = f"{len(note.alerts)} alerts" if len(note.alerts) > 1 else _named(note.alerts[0])
    # Other systems name alerts, too, and no line of theirs may become a header of ours.
    subject = " ".join(f"[{gravest}] {what} ({note.organization}): {note.kind}".split())
    return "".join(sign for sign in subject if sign.isprintable())[:LONGEST_SUBJECT]


def _named(alert: ToldAlert) -> str:
    return f"{alert.name}: task {alert.task_id}" if alert.task_id else alert.name


def _lines(note: Note) -> Iterator[str]:
    yield _HEADS[note.kind]
    yield ""
    for alert in note.alerts[:LISTED_AT_MOST]:
        yield f"* {_named(alert)} [{alert.severity}], since {alert.fired_at:%Y-%m-%d %H:%M} UTC"
        if note.kind != "resolved" and alert.state == "resolved":
            yield "  It is over by now."
        yield from (f"  {name.replace('_', ' ')}: {fact}" for name, fact in alert.facts.items())
        yield f"  {alert.page(note.portal_url)}"
    if len(note.alerts) > LISTED_AT_MOST:
        more = len(note.alerts) - LISTED_AT_MOST
        yield f"and {more} more: {note.portal_url}/admin/monitoring/alert/"
    yield ""
    if note.kind != "resolved":
        yield "Open the page to acknowledge it: then nobody else is told."
