"""Sends mails through the mail door by SMTP, as any program would, and in no other way."""

from __future__ import annotations

import re
import smtplib
import time
from dataclasses import dataclass
from types import TracebackType

from monitoring.sample_workflow.mail_files import addressing_of, as_sent

QUEUED = re.compile(rb"queued as (\S+)")
TOO_LARGE = 552
TIMEOUT_SECONDS = 60.0
TRIES = 10
PAUSE_SECONDS = 2.0
HOW_TO_START = "start it with `make up`, or set ORGO_HOME to the folder of the one that runs"


class DoorClosed(Exception):  # noqa: N818  # a state of the door, not a fault of ours
    """Nobody answers at the mail door."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the door said: the mail's id, or why it did not take it."""

    email_id: str = ""
    refusal: str = ""
    is_temporary: bool = False


class MailSender:
    """One SMTP session, opened again where the door has closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._session: smtplib.SMTP | None = None

    def __enter__(self) -> MailSender:
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def send(self, raw: bytes) -> Sent:
        """Sends one mail; a door that says "later" is asked again for a while."""
        for _ in range(TRIES):
            sent = self._try(raw)
            if not sent.is_temporary:
                return sent
            time.sleep(PAUSE_SECONDS)
        return sent

    def _try(self, raw: bytes) -> Sent:
        session = self._session or self._open()
        try:
            return _send(session, raw)
        except (smtplib.SMTPServerDisconnected, ConnectionError, TimeoutError):
            self._close()
            return Sent(refusal="Mail Door Lost", is_temporary=True)

    def _open(self) -> smtplib.SMTP:
        try:
            self._session = smtplib.SMTP(
                *self._address, local_hostname="localhost", timeout=TIMEOUT_SECONDS
            )
            self._session.ehlo()
        except (OSError, smtplib.SMTPException) as fault:
            self._close()
            raise DoorClosed from fault
        return self._session

    def _close(self) -> None:
        if self._session:
            self._session.close()
        self._session = None


def _send(session: smtplib.SMTP, raw: bytes) -> Sent:
    content, envelope = as_sent(raw), addressing_of(raw)
    code, _ = session.mail(envelope.sender, [f"size={len(content)}"])
    for recipient in envelope.recipients:
        code = max(code, session.rcpt(recipient)[0])
    if code >= 400:
        session.rset()
        return _refused(code)
    code, answer = session.data(content)
    queued = QUEUED.search(answer)
    return Sent(email_id=queued[1].decode()) if code == 250 and queued else _refused(code)


def _refused(code: int) -> Sent:
    reason = "Too Large" if code == TOO_LARGE else "Refused By Mail Door"
    return Sent(refusal=reason, is_temporary=400 <= code < 500)
