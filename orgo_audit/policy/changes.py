"""Says what a new policy would destroy, open or expose compared with the old; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

from orgo_audit.policy.regimes import Kept, kept_cases, kept_log
from orgo_audit.policy.schema import (
    LOG_VIEWS,
    ROLES,
    SECOND_FACTOR_ROLES,
    OrganizationPolicy,
    Policy,
    Retention,
    SensitiveWorkflow,
)

Kind = Literal["shortens_retention", "widens_access", "weakens_sign_in", "lifts_sensitivity"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SIGNS = {"mailboxes": "mailbox", "actions": "action", "identity_fields": "identity field"}

_NO_SECOND_FACTOR = (
    f"{', '.join(SECOND_FACTOR_ROLES)} would sign in with a password alone;"
    " until now they need a second factor"
)


@dataclass(frozen=True, slots=True)
class Consequence:
    """One thing that somebody must agree to; `organization` is empty for the common rules."""

    kind: Kind
    sentence: str
    organization: str = ""

    def __str__(self) -> str:
        return f"{self.organization}: {self.sentence}" if self.organization else self.sentence

    def as_json(self) -> dict[str, str]:
        return {
            "kind": self.kind,
            "organization": self.organization,
            "sentence": self.sentence,
        }


def consequences(old: Policy, new: Policy) -> tuple[Consequence, ...]:
    """What the change means for the common rules, and for each organization where it differs."""
    # An organization without a block of its own has the common rules, and no slug is empty.
    common = tuple(_compared(old.for_organization(""), new.for_organization("")))
    own: list[Consequence] = []
    for slug in sorted({*old.organizations, *new.organizations}):
        compared = _compared(old.for_organization(slug), new.for_organization(slug))
        own += [replace(found, organization=slug) for found in compared if found not in common]
    return (*common, *own)


def _compared(old: OrganizationPolicy, new: OrganizationPolicy) -> Iterator[Consequence]:
    for sentence in _shortened(old, new):
        yield Consequence("shortens_retention", sentence)
    for sentence in _widened(old, new):
        yield Consequence("widens_access", sentence)
    if old.access_control.second_factor and not new.access_control.second_factor:
        yield Consequence("weakens_sign_in", _NO_SECOND_FACTOR)
    for sentence in (*_lifted_workflows(old, new), *_lifted_signs(old, new)):
        yield Consequence("lifts_sensitivity", sentence)


def _shortened(old: OrganizationPolicy, new: OrganizationPolicy) -> Iterator[str]:
    """With what the regimes make of the stated periods: another regime can destroy too."""
    for log in LOG_VIEWS:
        yield from _shorter(log, kept_log(old, log), kept_log(new, log))
    for name in old.sensitive_workflows:  # one that is listed no more has the default period
        yield from _shorter_cases(name, kept_cases(old, name), kept_cases(new, name), new.retention)
    yield from _sooner(old.retention, new.retention)


def _shorter(what: str, before: Kept, after: Kept) -> Iterator[str]:
    if after.period.may_be_shorter_than(before.period):
        yield f"{what} would be kept {after.period} instead of {before.period}"
    if before.in_conflict and not after.in_conflict:
        yield (
            f"{what} older than {after.period} would be destroyed; until now regimes ask for at"
            f" least {before.floor} and at most {before.ceiling}, and only a resolution lets them"
        )


def _shorter_cases(name: str, before: Kept, after: Kept, new: Retention) -> Iterator[str]:
    """Not how many: whoever accepts a policy learns nothing of cases."""
    for sentence in _shorter(f"closed {name} cases", before, after):
        yield (
            f"{sentence}; those that were closed longer ago would be destroyed {new.notice} after"
            " the acceptance"
        )


def _sooner(before: Retention, after: Retention) -> Iterator[str]:
    if (before.approval, after.approval) == ("two_people", "automatic"):
        yield "nobody would approve what is destroyed; until now two people do"
    if after.notice.may_be_shorter_than(before.notice):
        yield (
            f"a plan of what is destroyed would be published {after.notice} ahead"
            f" instead of {before.notice}"
        )


def _widened(old: OrganizationPolicy, new: OrganizationPolicy) -> Iterator[str]:
    for role in ROLES:
        before = old.views_of(role)
        had = ", ".join(before) or "nothing"
        for view in dict.fromkeys(new.views_of(role)):
            if view not in before:
                yield f"{role} would read {view} too; until now: {had}"
    for name, was, becomes in _kept_sensitive(old, new):
        yield from _more_assignees(name, was.assignees, becomes.assignees)


def _more_assignees(name: str, before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[str]:
    """No assignees means all HR managers, so that the first one listed narrows."""
    until_now = f"until now: {', '.join(before)}"
    if before and not after:
        yield f"new {name} cases would go to all HR managers; {until_now}"
    for user in dict.fromkeys(after):
        if before and user not in before:
            yield f"new {name} cases would go to {user} too; {until_now}"


def _lifted_workflows(old: OrganizationPolicy, new: OrganizationPolicy) -> Iterator[str]:
    for name in old.sensitive_workflows:
        if name in new.workflows:
            yield f"{name} would become an ordinary workflow; until now it is sensitive"
        elif name not in new.sensitive_workflows:
            yield f"{name} would no longer be listed as sensitive; its signs would mean nothing"
    for name in new.workflows:
        if name not in old.workflows and name not in old.sensitive_workflows:
            yield f"{name} would be ordinary; until now it is listed nowhere and so sensitive"


def _lifted_signs(old: OrganizationPolicy, new: OrganizationPolicy) -> Iterator[str]:
    for name, was, becomes in _kept_sensitive(old, new):
        for block, word in _SIGNS.items():
            kept = getattr(becomes, block)
            for sign in dict.fromkeys(getattr(was, block)):
                if sign not in kept:
                    now = ", ".join(kept) or "none"
                    yield f"the {word} {sign} would no longer mark {name}; remaining: {now}"
        if (was.time_grain, becomes.time_grain) == ("day", "hour"):
            yield f"{name} would show the hour of an event instead of the day"


def _kept_sensitive(
    old: OrganizationPolicy, new: OrganizationPolicy
) -> Iterator[tuple[str, SensitiveWorkflow, SensitiveWorkflow]]:
    for name, was in old.sensitive_workflows.items():
        becomes = new.sensitive_workflows.get(name)
        if becomes is not None:
            yield name, was, becomes
