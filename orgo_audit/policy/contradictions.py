"""Finds what no single value of a policy shows, and says what would do; never reads the file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from zoneinfo import available_timezones

from orgo_audit.folding import fold
from orgo_audit.periods import Period
from orgo_audit.policy.schema import LOG_VIEWS, ROLES, Policy, Rules, known_views

# Whatever is over its period is gone three days after its month's end and period: a plan that is
# published the night after must be over its notice by then.
LONGEST_NOTICE = Period(2, "day")

# What the portal says of itself, and what every event may carry: as signs of a sensitive workflow
# these would seal the ordinary events of everybody.
OWN_ACTIONS = (
    *("Access Denied", "Failed Login Attempt", "Login", "Logout", "Password Changed"),
    *("Second Factor Set Up", "Second Factor Verified", "Second Factor Refused"),
    *("Second Factor Removed", "Second Factor Reset", "Recovery Code Used"),
    *("Recovery Codes Replaced", "Sessions Ended", "Sign-in Locked", "Sign-in Unlocked"),
    *("Organization Created", "User Created", "Role Given", "Role Taken", "Rate Limited"),
    *("Token Created", "Token Rotated", "Token Revoked", "Token Expiring", "Logs Imported"),
    *("Logs Viewed", "Logs Exported", "Restricted Area Used", "Events Reclassified"),
    *("Quarantine Replayed", "Quarantine Discarded", "Quarantine Pruned"),
    *("Policy Loaded", "Policy Accepted", "Policy Refused", "Policy File Refused"),
    *("Hold Placed", "Hold Release Asked", "Hold Released", "Retention Conflict Resolved"),
    *("Destruction Announced", "Destruction Approved", "Secret Key Replaced"),
    *("Alert Fired", "Alert Acknowledged", "Alert Escalated", "Alert Silenced", "Alert Resolved"),
)
WIRE_FIELDS = (
    *("timestamp", "log_type", "action", "error", "status", "user", "task_id", "email_id"),
    *("from", "to", "reason", "ip_address", "workflow", "details"),
)


def suggestion(found: str, known: Iterable[str]) -> str:
    """What would be accepted instead of `found`, as the end of a sentence."""
    choices = list(known)
    near = difflib.get_close_matches(found[:80], choices, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"known: {', '.join(choices) or 'none'}{hint}"


def contradictions(policy: Policy) -> Iterator[tuple[str, str]]:
    """What no single value shows: the dotted path and a sentence for each contradiction."""
    yield from _contradictions(policy, "")
    for slug, rules in policy.organizations.items():
        yield from _contradictions(rules, f"organizations.{slug}.")


def _contradictions(rules: Rules, prefix: str) -> Iterator[tuple[str, str]]:
    for name in rules.workflows:
        if name in rules.sensitive_workflows:
            yield (
                f"{prefix}workflows.{name}",
                "listed under sensitive_workflows too; it can only be one of them",
            )
    for problem in (
        _impossible_views,
        _shared_mailboxes,
        _signs_of_everybody,
        _ladder_out_of_order,
        _webhook_to_nowhere,
        _impossible_hours,
        _too_long_a_notice,
    ):
        for path, sentence in problem(rules):
            yield prefix + path, sentence


def _impossible_views(rules: Rules) -> Iterator[tuple[str, str]]:
    known = known_views(rules)
    for role in ROLES:
        for index, view in enumerate(rules.views_of(role)):
            path = f"access_control.roles.{role}.view[{index}]"
            if view not in known:
                yield path, f"unknown view {view}; {suggestion(view, known)}"
            elif view not in LOG_VIEWS and role != "hr_manager":
                yield path, f"only hr_manager reads {view}; {role} may: {', '.join(LOG_VIEWS)}"


def _shared_mailboxes(rules: Rules) -> Iterator[tuple[str, str]]:
    owners: dict[str, str] = {}
    for name, workflow in rules.sensitive_workflows.items():
        for index, mailbox in enumerate(workflow.mailboxes):
            owner = owners.setdefault(mailbox.casefold(), name)
            if owner != name:
                path = f"sensitive_workflows.{name}.mailboxes[{index}]"
                yield path, f"{mailbox} already belongs to {owner}; a mailbox leads to one workflow"


def _signs_of_everybody(rules: Rules) -> Iterator[tuple[str, str]]:
    for name, workflow in rules.sensitive_workflows.items():
        for block, signs, taken, what in (
            ("actions", workflow.actions, OWN_ACTIONS, "what the portal says of itself"),
            ("identity_fields", workflow.identity_fields, WIRE_FIELDS, "a field of every event"),
        ):
            known = set(map(fold, taken))
            for index, sign in enumerate(signs):
                if fold(sign) in known:
                    path = f"sensitive_workflows.{name}.{block}[{index}]"
                    yield path, f"{sign} is {what}; it cannot mark a sensitive workflow"


def _ladder_out_of_order(rules: Rules) -> Iterator[tuple[str, str]]:
    ladder = rules.escalation.ladder
    for index, (lower, upper) in enumerate(zip(ladder, ladder[1:], strict=False), start=1):
        if not lower.after.is_shorter_than(upper.after):
            path = f"escalation.ladder[{index}].after"
            yield path, f"{upper.after} is not later than the step before it ({lower.after})"


def _webhook_to_nowhere(rules: Rules) -> Iterator[tuple[str, str]]:
    if "webhook" in rules.escalation.channels and rules.escalation.webhook is None:
        yield (
            "escalation.channels",
            "the channel webhook needs escalation.webhook, the address to post to",
        )


def _impossible_hours(rules: Rules) -> Iterator[tuple[str, str]]:
    hours = rules.escalation.business_hours
    if hours is None:
        return
    if hours.opens >= hours.closes:
        yield (
            "escalation.business_hours.closes",
            f"{hours.closes} is not later than opens ({hours.opens})",
        )
    if hours.time_zone not in available_timezones():
        near = difflib.get_close_matches(hours.time_zone, available_timezones(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        yield "escalation.business_hours.time_zone", f"unknown time zone {hours.time_zone}{hint}"


def _too_long_a_notice(rules: Rules) -> Iterator[tuple[str, str]]:
    notice = rules.retention.notice
    if LONGEST_NOTICE.is_shorter_than(notice):
        yield (
            "retention.notice",
            f"{notice} is too long: at most {LONGEST_NOTICE}, so that what is over its period is"
            " gone within three days",
        )
