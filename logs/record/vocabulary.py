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

# As senders say it, folded by `fold_action`. Unknown actions are kept as sent and have no code.
CODE_OF_ACTION = {
    "email received": "email.received",
    "email parsed": "email.parsed",
    "email parsing failed": "email.parsing_failed",
    "task created": "task.created",
    "task routed": "task.routed",
    "task escalated": "task.escalated",
    "task completed": "task.completed",
    "login": "login.succeeded",
    "login succeeded": "login.succeeded",
    "successful login": "login.succeeded",
    "failed login attempt": "login.failed",
    "login failed": "login.failed",
    "login attempts exceeded": "login.attempts_exceeded",
    "login abandoned": "login.abandoned",
    "authentication failed": "authentication.failed",
    "connection not identified": "connection.not_identified",
    "protocol violated": "protocol.violated",
    "session opened": "session.opened",
    "session closed": "session.closed",
    "command run": "command.run",
    "command refused": "command.refused",
    "user switched": "user.switched",
    "user switch failed": "user.switch_failed",
    "logout": "logout.succeeded",
    "password changed": "password.changed",
    "sign-in locked": "login.locked",
    "sign-in unlocked": "login.unlocked",
    "sessions ended": "session.ended",
    "second factor set up": "second_factor.set_up",
    "second factor verified": "second_factor.verified",
    "second factor refused": "second_factor.refused",
    "second factor removed": "second_factor.removed",
    "second factor reset": "second_factor.reset",
    "recovery code used": "recovery_code.used",
    "recovery codes replaced": "recovery_code.replaced",
    "access denied": "access.denied",
    "rbac violation": "access.denied",
    "report filed": "report.filed",
    "logs viewed": "logs.viewed",
    "logs exported": "logs.exported",
    "quarantine replayed": "quarantine.replayed",
    "restricted area used": "restricted_area.used",
    "quarantine discarded": "quarantine.discarded",
    "quarantine pruned": "quarantine.pruned",
    "events reclassified": "events.reclassified",
    "destruction announced": "retention.announced",
    "destruction approved": "retention.approved",
    "retention conflict resolved": "retention.resolved",
    "hold placed": "hold.placed",
    "hold release asked": "hold.release_asked",
    "hold released": "hold.released",
    "policy loaded": "policy.loaded",
    "policy accepted": "policy.accepted",
    "policy refused": "policy.refused",
    "policy file refused": "policy.file_refused",
    "organization created": "organization.created",
    "logs imported": "logs.imported",
    "user created": "user.created",
    "user deleted": "user.deleted",
    "group created": "group.created",
    "group member added": "group.member_added",
    "role given": "role.given",
    "role taken": "role.taken",
    "token created": "token.created",
    "token rotated": "token.rotated",
    "token revoked": "token.revoked",
    "token expiring": "token.expiry_announced",
    "rate limited": "rate.limited",
}

_WORKFLOW_NOUNS = frozenset({"email", "task", "report"})
_OUTCOME_OF_CODE = {
    "login.succeeded": Outcome.SUCCESS,
    "login.failed": Outcome.FAILURE,
    "login.attempts_exceeded": Outcome.FAILURE,
    "login.abandoned": Outcome.FAILURE,
    "authentication.failed": Outcome.FAILURE,
    "connection.not_identified": Outcome.FAILURE,
    "protocol.violated": Outcome.FAILURE,
    "session.opened": Outcome.SUCCESS,
    "session.closed": Outcome.SUCCESS,
    "command.run": Outcome.SUCCESS,
    "command.refused": Outcome.DENIED,
    "user.switched": Outcome.SUCCESS,
    "user.switch_failed": Outcome.FAILURE,
    "logout.succeeded": Outcome.SUCCESS,
    "password.changed": Outcome.SUCCESS,
    "second_factor.set_up": Outcome.SUCCESS,
    "second_factor.verified": Outcome.SUCCESS,
    "second_factor.refused": Outcome.FAILURE,
    "second_factor.removed": Outcome.SUCCESS,
    "second_factor.reset": Outcome.SUCCESS,
    "recovery_code.used": Outcome.SUCCESS,
    "recovery_code.replaced": Outcome.SUCCESS,
    "access.denied": Outcome.DENIED,
    "login.locked": Outcome.DENIED,
    "login.unlocked": Outcome.SUCCESS,
    "session.ended": Outcome.SUCCESS,
    "logs.viewed": Outcome.SUCCESS,
    "logs.exported": Outcome.SUCCESS,
    "quarantine.replayed": Outcome.SUCCESS,
    "restricted_area.used": Outcome.SUCCESS,
    "quarantine.discarded": Outcome.SUCCESS,
    "quarantine.pruned": Outcome.SUCCESS,
    "events.reclassified": Outcome.SUCCESS,
    "retention.announced": Outcome.SUCCESS,
    "retention.approved": Outcome.SUCCESS,
    "retention.resolved": Outcome.SUCCESS,
    "hold.placed": Outcome.SUCCESS,
    "hold.release_asked": Outcome.SUCCESS,
    "hold.released": Outcome.SUCCESS,
    "policy.loaded": Outcome.SUCCESS,
    "policy.accepted": Outcome.SUCCESS,
    "policy.refused": Outcome.DENIED,
    "policy.file_refused": Outcome.FAILURE,
    "organization.created": Outcome.SUCCESS,
    "logs.imported": Outcome.SUCCESS,
    "user.created": Outcome.SUCCESS,
    "user.deleted": Outcome.SUCCESS,
    "group.created": Outcome.SUCCESS,
    "group.member_added": Outcome.SUCCESS,
    "role.given": Outcome.SUCCESS,
    "role.taken": Outcome.SUCCESS,
    "token.created": Outcome.SUCCESS,
    "token.rotated": Outcome.SUCCESS,
    "token.revoked": Outcome.SUCCESS,
    "rate.limited": Outcome.DENIED,
    "email.parsing_failed": Outcome.FAILURE,
}
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
