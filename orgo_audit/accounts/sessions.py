"""People's sessions: whose they are, from where, how long they live. Never who may do what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils.crypto import salted_hmac

from orgo_audit.accounts.models import Session, User

LONGEST = timedelta(hours=12)
# A session that is used is written once in this time, not with each request.
SEEN_STEP = timedelta(minutes=1)
_SIGNED_IN, _SEEN, _ADDRESS, _AGENT = "signed_in_at", "seen_at", "address", "agent"
MAX_AGENT = 300


class SessionStore(DatabaseStore):
    """Django's store in the database, with a table that can be asked whose a session is."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session = cast("Session", super().create_model_instance(data))
        session.user_id = data.get(SESSION_KEY)
        session.address = data.get(_ADDRESS, "")
        session.agent = data.get(_AGENT, "")
        if _SIGNED_IN in data:
            session.created_at = datetime.fromisoformat(data[_SIGNED_IN])
            session.seen_at = datetime.fromisoformat(data[_SEEN])
        return session


def begin(session: SessionBase, *, address: str, agent: str, now: datetime) -> None:
    """Notes in a new session where it comes from."""
    session[_SIGNED_IN] = session[_SEEN] = now.isoformat()
    session[_ADDRESS] = address
    session[_AGENT] = agent[:MAX_AGENT]


def is_over(session: SessionBase, *, now: datetime) -> bool:
    """It has lived for the longest time, whether it was used or not."""
    told = session.get(_SIGNED_IN)
    return told is None or now - datetime.fromisoformat(told) >= LONGEST


def keep(session: SessionBase, *, now: datetime) -> None:
    """A session that is used begins its idle time again."""
    if now - datetime.fromisoformat(session[_SEEN]) >= SEEN_STEP:
        session[_SEEN] = now.isoformat()


def sessions_of(user: User, *, now: datetime) -> list[Session]:
    """Those that still open something, the last used first."""
    return list(Session.objects.filter(user=user, expire_date__gt=now).order_by("-seen_at"))


def name_of(session_key: str) -> str:
    """What a page calls a session: the key itself would open it."""
    return salted_hmac("session name", session_key).hexdigest()[:32]


def end(sessions: Iterable[Session]) -> int:
    """Ends these; how many there still were."""
    keys = [session.session_key for session in sessions]
    return Session.objects.filter(session_key__in=keys).delete()[0]


_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome"}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Macintosh": "macOS",
    "Linux": "Linux",
}


def browser_of(agent: str) -> str:
    """`Firefox on Linux`, as far as the browser says what it is."""
    others = "Safari" if "Safari" in agent else "Another browser"
    browser = next((name for sign, name in _BROWSERS.items() if f"{sign}/" in agent), others)
    system = next((name for sign, name in _SYSTEMS.items() if sign in agent), "")
    return f"{browser} on {system}" if system else browser
