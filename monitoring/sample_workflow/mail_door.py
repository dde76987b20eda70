"""Takes mails by SMTP and has them worked on; never says `250` before a mail is on the disk.

It relays nothing: whatever it takes ends here, in a task or in an error event.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from monitoring.sample_workflow.parsing import TIME_LIMIT_SECONDS, ParserProcess
from monitoring.sample_workflow.reporter import Reporter, Stopped
from monitoring.sample_workflow.service import (
    WORKFLOW_FAILED,
    SampleWorkflow,
    utc_now,
    wire_time,
)
from monitoring.sample_workflow.spool import Envelope, Outcome, Spool

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
# More than the parser takes, so that a mail a little too big still gets its error event.
SIZE_LIMIT_BYTES = 32 * 1024 * 1024
# RFC 5321 says 1,000; real HTML mails come in one line, and the parser bounds header lines.
LINE_LIMIT_BYTES = 1024 * 1024
RECIPIENT_LIMIT = 100
BACKLOG_LIMIT = 20_000
IDLE_SECONDS = 60
WORKERS = 4
PAUSE_AFTER_FAULT_SECONDS = 5.0
TIDY_SECONDS = 3600.0
JOIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """All that the door is told; it asks nobody else. Port 0 takes a free one."""

    folder: Path
    port: int
    portal_url: str
    token: str
    parse_limit_seconds: float = TIME_LIMIT_SECONDS


class _LongLineServer(SMTP):
    line_length_limit = LINE_LIMIT_BYTES


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _LongLineServer(self.handler, **self.SMTP_kwargs)

    async def _create_server(self) -> asyncio.AbstractServer:
        server = await super()._create_server()
        if isinstance(server, asyncio.Server):
            self.port = server.sockets[0].getsockname()[1]
        return server


class MailDoor:
    """The SMTP server and its workers. `start` resumes what an earlier process left behind."""

    def __init__(self, settings: DoorSettings) -> None:
        # aiosmtpd names senders and recipients in its log lines.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        self.spool = Spool(settings.folder)
        self._settings = settings
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._workers = [
            threading.Thread(target=self._work, name="mail worker", daemon=True)
            for _ in range(WORKERS)
        ]
        self._controller = _Controller(
            self,
            hostname=HOST,
            port=settings.port,
            server_hostname="localhost",
            ident="Orgo mail door",
            data_size_limit=SIZE_LIMIT_BYTES,
            timeout=IDLE_SECONDS,
        )

    @property
    def port(self) -> int:
        """The port that is really open."""
        return int(self._controller.port)

    def start(self) -> None:
        for email_id in self.spool.waiting():
            self._waiting.put(email_id)
        try:
            self._controller.start()
        except OSError:
            self._controller.loop.close()
            raise
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Takes no more mails and lets go of the ones in work; the next start goes on with them."""
        self._controller.stop()
        self._stopping.set()
        for _ in self._workers:
            self._waiting.put(None)
        for worker in self._workers:
            worker.join(JOIN_SECONDS)

    def serve_until(self, stopping: threading.Event) -> None:
        """Serves, and keeps the folder of outcomes bounded, until told to stop."""
        self.start()
        try:
            self.spool.forget_old_outcomes()
            while not stopping.wait(TIDY_SECONDS):
                self.spool.forget_old_outcomes()
        finally:
            self.stop()

    # --- SMTP: aiosmtpd finds these by name ------------------------------------------------------

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: SmtpEnvelope,
        address: str,
        options: list[str],
    ) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENT_LIMIT:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: SmtpEnvelope) -> str:  # noqa: N802
        if self._waiting.qsize() > BACKLOG_LIMIT:
            return "452 4.3.1 Too many mails are waiting"
        kept = Envelope(envelope.mail_from or "", tuple(envelope.rcpt_tos), wire_time(utc_now()))
        try:
            email_id = await asyncio.to_thread(
                self.spool.keep, kept, envelope.original_content or b""
            )
        except OSError:
            logger.exception("a mail could not be stored")
            return "451 4.3.0 The mail could not be stored"
        self._waiting.put(email_id)
        return f"250 2.0.0 OK: queued as {email_id}"

    # --- the workers -----------------------------------------------------------------------------

    def _work(self) -> None:
        parser = ParserProcess(self._settings.parse_limit_seconds)
        reporter = Reporter(self._settings.portal_url, self._settings.token, self._stopping)
        workflow = SampleWorkflow(self.spool, parser, reporter)
        try:
            while (email_id := self._waiting.get()) and not self._stopping.is_set():
                self._process(workflow, email_id)
        except Stopped:
            logger.info("a mail in work stays in the spool")
        finally:
            reporter.close()
            parser.stop()

    def _process(self, workflow: SampleWorkflow, email_id: str) -> None:
        try:
            workflow.process(email_id)
        except Stopped:
            raise
        except FileNotFoundError:
            logger.error("a waiting mail is gone from the spool")  # somebody removed it by hand
        except OSError:
            logger.exception("a mail waits for the disk or for a parser")
            self._waiting.put(email_id)
            self._stopping.wait(PAUSE_AFTER_FAULT_SECONDS)
        except Exception as fault:  # noqa: BLE001  # one mail's fault must not stop the mails behind it
            logger.error("a mail could not be processed", extra={"fault": type(fault).__name__})
            self._give_up(workflow, email_id)

    def _give_up(self, workflow: SampleWorkflow, email_id: str) -> None:
        try:
            workflow.give_up(email_id)
        except Stopped:
            raise
        except Exception as fault:  # noqa: BLE001  # its files may be spoilt; the others must go on
            logger.error("a mail is set aside unread", extra={"fault": type(fault).__name__})
            self.spool.set_aside(email_id, Outcome(error=WORKFLOW_FAILED))
