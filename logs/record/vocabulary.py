"""The closed sets of the record: log types, outcomes, stages, codes of known actions."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class LogType(StrEnum):
    """Which of the three logs an event belongs to."""

    ACTIVITY = "activity"
    SECURITY = "security"
    ERROR = "error"

    @property
    def view(self) -> str:
        """The name of this log in the policy's `view` lists."""
        return f"{self.value}_logs"


class Outcome(StrEnum):
    """How it ended, as far as the sender's words tell."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Stage(StrEnum):
    """A task's way from e-mail to completion, in order."""

    RECEIVED = "received"
    PARSED = "parsed"
    CREATED = "created"
    ROUTED = "routed"
    ESCALATED = "escalated"
    COMPLETED = "completed"


STAGE_OF_CODE = {
    "email.received": Stage.RECEIVED,
    "email.parsed": Stage.PARSED,
    "task.created": Stage.CREATED,
    "task.routed": Stage.ROUTED,
    "task.escalated": Stage.ESCALATED,
    "task.completed": Stage.COMPLETED,
}

# A code, what it says of the outcome (None: nothing), and how senders say it, folded by
# `fold_action`. Unknown actions are kept as sent and have no code.
_SUCCESS, _FAILURE, _DENIED = Outcome.SUCCESS, Outcome.FAILURE, Outcome.DENIED
KNOWN: tuple[tuple[str, Outcome | None, tuple[str, ...]], ...] = (
    ("email.received", None, ("email received",)),
    ("email.parsed", None, ("email parsed",)),
    ("email.parsing_failed", _FAILURE, ("email parsing failed",)),
    ("task.created", None, ("task created",)),
    ("task.routed", None, ("task routed",)),
    ("task.escalated", None, ("task escalated",)),
    ("task.completed", None, ("task completed",)),
    ("login.succeeded", _SUCCESS, ("login", "login succeeded", "successful login")),
    ("login.failed", _FAILURE, ("failed login attempt", "login failed")),
    ("login.attempts_exceeded", _FAILURE, ("login attempts exceeded",)),
    ("login.abandoned", _FAILURE, ("login abandoned",)),
    ("authentication.failed", _FAILURE, ("authentication failed",)),
    ("connection.not_identified", _FAILURE, ("connection not identified",)),
    ("protocol.violated", _FAILURE, ("protocol violated",)),
    ("session.opened", _SUCCESS, ("session opened",)),
    ("session.closed", _SUCCESS, ("session closed",)),
    ("command.run", _SUCCESS, ("command run",)),
    ("command.refused", _DENIED, ("command refused",)),
    ("user.switched", _SUCCESS, ("user switched",)),
    ("user.switch_failed", _FAILURE, ("user switch failed",)),
    ("logout.succeeded", _SUCCESS, ("logout",)),
    ("password.changed", _SUCCESS, ("password changed",)),
    ("login.locked", _DENIED, ("sign-in locked",)),
    ("login.unlocked", _SUCCESS, ("sign-in unlocked",)),
    ("session.ended", _SUCCESS, ("sessions ended",)),
    ("second_factor.set_up", _SUCCESS, ("second factor set up",)),
    ("second_factor.verified", _SUCCESS, ("second factor verified",)),
    ("second_factor.refused", _FAILURE, ("second factor refused",)),
    ("second_factor.removed", _SUCCESS, ("second factor removed",)),
    ("second_factor.reset", _SUCCESS, ("second factor reset",)),
    ("recovery_code.used", _SUCCESS, ("recovery code used",)),
    ("recovery_code.replaced", _SUCCESS, ("recovery codes replaced",)),
    ("access.denied", _DENIED, ("access denied", "rbac violation")),
    ("report.filed", None, ("report filed",)),
    ("logs.viewed", _SUCCESS, ("logs viewed",)),
    ("logs.exported", _SUCCESS, ("logs exported",)),
    ("quarantine.replayed", _SUCCESS, ("quarantine replayed",)),
    ("restricted_area.used", _SUCCESS, ("restricted area used",)),
    ("quarantine.discarded", _SUCCESS, ("quarantine discarded",)),
    ("quarantine.pruned", _SUCCESS, ("quarantine pruned",)),
    ("events.reclassified", _SUCCESS, ("events reclassified",)),
    ("retention.announced", _SUCCESS, ("destruction announced",)),
    ("retention.approved", _SUCCESS, ("destruction approved",)),
    ("retention.resolved", _SUCCESS, ("retention conflict resolved",)),
    ("hold.placed", _SUCCESS, ("hold placed",)),
    ("hold.release_asked", _SUCCESS, ("hold release asked",)),
    ("hold.released", _SUCCESS, ("hold released",)),
    ("policy.loaded", _SUCCESS, ("policy loaded",)),
    ("policy.accepted", _SUCCESS, ("policy accepted",)),
    ("policy.refused", _DENIED, ("policy refused",)),
    ("policy.file_refused", _FAILURE, ("policy file refused",)),
    ("organization.created", _SUCCESS, ("organization created",)),
    ("logs.imported", _SUCCESS, ("logs imported",)),
    ("user.created", _SUCCESS, ("user created",)),
    ("user.deleted", _SUCCESS, ("user deleted",)),
    ("group.created", _SUCCESS, ("group created",)),
    ("group.member_added", _SUCCESS, ("group member added",)),
    ("role.given", _SUCCESS, ("role given",)),
    ("role.taken", _SUCCESS, ("role taken",)),
    ("token.created", _SUCCESS, ("token created",)),
    ("token.rotated", _SUCCESS, ("token rotated",)),
    ("token.revoked", _SUCCESS, ("token revoked",)),
    ("token.expiry_announced", None, ("token expiring",)),
    ("alert.fired", None, ("alert fired",)),
    ("alert.acknowledged", _SUCCESS, ("alert acknowledged",)),
    ("alert.escalated", None, ("alert escalated",)),
    ("alert.silenced", _SUCCESS, ("alert silenced",)),
    ("alert.resolved", _SUCCESS, ("alert resolved",)),
    ("rate.limited", _DENIED, ("rate limited",)),
    ("secret_key.replaced", _SUCCESS, ("secret key replaced",)),
)
CODE_OF_ACTION = {action: code for code, _, actions in KNOWN for action in actions}
_OUTCOME_OF_CODE = {code: outcome for code, outcome, _ in KNOWN if outcome}

_WORKFLOW_NOUNS = frozenset({"email", "task", "report", "alert"})
_OUTCOME_OF_STATUS = {
    "success": Outcome.SUCCESS,
    "succeeded": Outcome.SUCCESS,
    "successful": Outcome.SUCCESS,
    "ok": Outcome.SUCCESS,
    "done": Outcome.SUCCESS,
    "completed": Outcome.SUCCESS,
    "failure": Outcome.FAILURE,
    "failed": Outcome.FAILURE,
    "fail": Outcome.FAILURE,
    "error": Outcome.FAILURE,
    "denied": Outcome.DENIED,
    "refused": Outcome.DENIED,
    "forbidden": Outcome.DENIED,
}


def fold_action(action: str) -> str:
    """The spelling under which actions are compared: `Task_Routed` and `task.routed` are one."""
    return " ".join(action.replace("_", " ").replace(".", " ").casefold().split())


@lru_cache(maxsize=4096)
def code_of(action: str) -> str:
    """The code `noun.past_verb` of a known action, else nothing."""
    return CODE_OF_ACTION.get(fold_action(action), "")


def is_security(code: str) -> bool:
    """Whether a known action belongs into the security log: all but those of the workflows do."""
    return bool(code) and code.partition(".")[0] not in _WORKFLOW_NOUNS


def outcome_of(log_type: LogType, code: str, status: str | None) -> Outcome:
    """What action and status say about the outcome; an error without a word is a failure."""
    if status is not None and (told := _OUTCOME_OF_STATUS.get(status.strip().casefold())):
        return told
    if known := _OUTCOME_OF_CODE.get(code):
        return known
    return Outcome.FAILURE if log_type is LogType.ERROR else Outcome.UNKNOWN
