"""What alerts mean, and what to do about them, in the pages' words. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable

from monitoring.alerting.vocabulary import Rule
from monitoring.delivery.models import DeliveryTry, Outcome

MEANING: dict[Rule, tuple[str, str]] = {
    Rule.ERROR_RATE: (
        "Errors are more than the policy's `error_rate` among the error and activity events of the"
        " last ten minutes.",
        "Look at the newest errors: what they have in common is usually what is broken.",
    ),
    Rule.ESCALATION_PENDING: (
        "The task has not been routed, escalated or completed for as long as the policy's"
        " `escalation_pending`.",
        "Follow the task: its last stage names the queue in which it waits.",
    ),
    Rule.ESCALATION_NEAR: (
        "The task is on the way to an escalation that nobody has answered.",
        "Nothing yet; it is told here so that somebody can look before it is late.",
    ),
    Rule.EMAIL_VOLUME: (
        "So many mails, or so few, are far off the same hours of the weeks before.",
        "High: a loop, a campaign or spam. Low: the mail server, or the parser that tells us.",
    ),
    Rule.FAILED_LOGINS: (
        "More sign-ins failed than the policy's `failed_logins` calls usual.",
        "Look at the addresses they came from: one address, or one account from many?",
    ),
    Rule.ACCESS_VIOLATIONS: (
        "More was refused than the policy's `access_violations` calls usual.",
        "Look at who was refused what: a wrong role, or somebody who tries doors.",
    ),
    Rule.HEALTH_CHECK: (
        "The last run of a health check found something wrong.",
        "Its page says what; run it again when that is mended.",
    ),
    Rule.HEARTBEAT: (
        "Something that should have run by now did not.",
        "Worker, beat or broker was away, or the work was paused in beat's table.",
    ),
    Rule.VAULT_LAG: (
        "The vault is away: sensitive events are sealed and wait, cases stand still.",
        "Start its process; /readyz and its log say why it is not at work.",
    ),
    Rule.RETENTION: (
        "The nightly run of retention did not happen: nothing was destroyed that should be.",
        "It runs as soon as the worker can; see the plan.",
    ),
    Rule.ALERTMANAGER: (
        "Alertmanager says so.",
        "Its own page and runbook know more; it resolves here when it does there.",
    ),
}


def was_anybody_told(tries: Iterable[DeliveryTry], *, is_listed_only: bool) -> str:
    """The answer to the first question that is asked afterwards."""
    every = list(tries)
    if sent := [one for one in every if one.outcome == Outcome.SENT]:
        told = {f"{one.notification.receiver} by {one.channel}": None for one in sent}
        return f"Yes: {', '.join(told)}."
    if every:
        return f"No: {every[-1].detail or every[-1].outcome}. It is tried again."
    if is_listed_only:
        return "No: information is listed here, and sent to nobody."
    return "Not yet: it is sent within a minute."
