"""Tells the portal what happened, over its public HTTP API; it never drops an event, it waits."""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import dataclass

import httpx
import tenacity

logger = logging.getLogger(__name__)

ACTIVITY = "activity-logs"
ERROR = "error-logs"
TIMEOUT_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
JITTER_SECONDS = 0.5
# Whatever else the portal answers, it may be put right without this event being at fault: it waits.
REFUSED = frozenset({207, 400, 409, 413, 415, 422})
CODE = re.compile(r"[a-z][a-z0-9_.-]{0,39}")


class Stopped(Exception):  # noqa: N818  # a request, not a fault
    """This process was asked to end before the event was delivered: it is still to be sent."""


class PortalBusy(Exception):  # noqa: N818  # a state of the portal, not a fault of ours
    """The portal did not take the event now; `pause` is how long it asked us to wait."""

    def __init__(self, pause: float = 0.0) -> None:
        super().__init__("the portal did not take the event")
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Receipt:
    """`refusal` is the portal's code, empty where the event was stored or sealed."""

    is_sealed: bool = False
    refusal: str = ""


class Reporter:
    """One connection to the portal; each thread has its own."""

    def __init__(self, portal_url: str, token: str, stopping: threading.Event) -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        # Without `trust_env` no proxy of the environment sees the events.
        self._client = httpx.Client(
            base_url=f"{portal_url}/api/v1/",
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )
        self._stopping = stopping

    def deliver(self, log: str, body: bytes, idempotency_key: str) -> Receipt:
        """Delivers one event exactly once; raises `Stopped` if this process must end first."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(PortalBusy),
            wait=_pause,
            stop=tenacity.stop_when_event_set(self._stopping),
            sleep=tenacity.sleep_using_event(self._stopping),
            before_sleep=_note_wait,
        )
        try:
            return retrying(self._post, log, body, idempotency_key)
        except tenacity.RetryError:
            raise Stopped from None

    def close(self) -> None:
        self._client.close()

    def _post(self, log: str, body: bytes, idempotency_key: str) -> Receipt:
        try:
            answer = self._client.post(
                f"{log}/", content=body, headers={"Idempotency-Key": idempotency_key}
            )
        except httpx.TransportError:
            raise PortalBusy from None
        if answer.status_code in REFUSED:
            return Receipt(refusal=_refusal(answer))
        if answer.is_success:
            return Receipt(is_sealed=answer.status_code == httpx.codes.ACCEPTED)
        raise PortalBusy(_asked_pause(answer))


def _refusal(answer: httpx.Response) -> str:
    """The code of the refused item, else of the answer; never a sentence with our data in it."""
    try:
        problem = answer.json()
        rejected = problem.get("rejected") or [problem]
        code = rejected[0].get("code")
    except (ValueError, AttributeError, LookupError, TypeError):
        code = None
    return code if isinstance(code, str) and CODE.fullmatch(code) else "refused"


def _asked_pause(answer: httpx.Response) -> float:
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else 0.0


_backoff = tenacity.wait_exponential(
    multiplier=FIRST_PAUSE_SECONDS, max=LONGEST_PAUSE_SECONDS
) + tenacity.wait_random(0, JITTER_SECONDS)


def _pause(state: tenacity.RetryCallState) -> float:
    """Backoff with jitter, but never less than the portal asked for."""
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.pause if isinstance(fault, PortalBusy) else 0.0
    return max(_backoff(state), min(asked, LONGEST_PAUSE_SECONDS * 10))


def _note_wait(state: tenacity.RetryCallState) -> None:
    if state.attempt_number == 3:  # one line for an outage, not one for each try
        logger.warning("the portal does not take events; they wait in the spool")


def is_alive(portal_url: str) -> bool:
    """Does anybody answer there?"""
    try:
        httpx.get(f"{portal_url}/healthz", timeout=5.0, trust_env=False)
    except httpx.TransportError:
        return False
    return True
