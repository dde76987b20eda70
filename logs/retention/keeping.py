"""How long everything is kept: by the policy, and by what a person decided about a conflict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from logs.record import own_events
from logs.record.vocabulary import LogType
from logs.retention import plan
from logs.retention.models import Decision, RetentionResolution
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput, Conflict
from orgo_audit.periods import REFERENCE, Period
from orgo_audit.policy import versions
from orgo_audit.policy.regimes import BOUNDS, Bound, Kept, kept_cases, kept_log
from orgo_audit.policy.schema import OrganizationPolicy, Policy

CASES = "cases"
LONGEST_BASIS = 2000


def rules(policy: Policy | None = None) -> dict[tuple[str, str], plan.Rule]:
    """What the policy and what was decided about conflicts say of logs.

    Without one: the strictest of what is heeded, the policy in force and those just before it.
    """
    policies = versions.heeded() if policy is None else [policy]
    decided = decisions()
    found = {}
    for organization in Organization.objects.order_by("pk"):
        own = [one.for_organization(organization.slug) for one in policies]
        for kind in LogType:
            decision = decided.get((organization.pk, kind.view))
            of_each = [_rule(one, kind, decision) for one in own]
            found[organization.slug, kind.value] = _strictest(of_each)
    return found


def _rule(own: OrganizationPolicy, kind: LogType, decision: str | None) -> plan.Rule:
    period = destroyed_after(kept_log(own, kind.view), decision)
    return plan.Rule(period, own.retention.notice, own.retention.approval)


def _strictest(found: list[plan.Rule]) -> plan.Rule:
    periods = [rule.period for rule in found]
    known = [period for period in periods if period is not None]
    return plan.Rule(
        _longest(known) if len(known) == len(periods) else None,
        _longest(rule.notice for rule in found),
        "two_people" if any(rule.wants_two_people for rule in found) else "automatic",
    )


def _longest(periods: Iterable[Period]) -> Period:
    return max(periods, key=lambda period: period.after(REFERENCE))


def destroyed_after(kept: Kept, decision: str | None) -> Period | None:
    """After which period it may be destroyed; None where regimes conflict and nobody decided."""
    if not kept.in_conflict:
        return kept.period
    if decision == Decision.KEEP_TO_FLOOR:
        return kept.floor
    return kept.ceiling if decision == Decision.DESTROY_AT_CEILING else None


def decisions() -> dict[tuple[int, str], str]:
    """The newest decision about each conflict, by organization and what is kept."""
    newest = _newest(RetentionResolution.objects.all())
    return {place: resolution.decision for place, resolution in newest.items()}


def _newest(rows: QuerySet[RetentionResolution]) -> dict[tuple[int, str], RetentionResolution]:
    return {(row.organization_id, row.kept): row for row in rows.order_by("pk")}


@dataclass(frozen=True, slots=True)
class KeptByPolicy:
    """One kind of thing that an organization keeps; `kept` is the name that a resolution takes."""

    organization: Organization
    kept: str
    what: str
    rule: Kept
    bounds: tuple[Bound, ...]
    resolution: RetentionResolution | None

    @property
    def destroyed_after(self) -> Period | None:
        """None: regimes contradict each other, and nobody has decided."""
        decision = self.resolution.decision if self.resolution else None
        return destroyed_after(self.rule, decision)

    @property
    def waits(self) -> bool:
        """Whether a person has to decide."""
        return self.destroyed_after is None


def kept_by(organizations: Iterable[Organization]) -> list[KeptByPolicy]:
    """All that these organizations keep, with what was decided about conflicts."""
    own = list(organizations)
    newest = _newest(RetentionResolution.objects.filter(organization__in=own))
    policy = versions.current()
    found = []
    for organization in own:
        says = policy.for_organization(organization.slug)
        for kept, what, rule in _rules_of(says):
            bounds = tuple(one for one in BOUNDS if one.kept == kept and one.regime in says.regimes)
            decided = newest.get((organization.pk, kept))
            found.append(KeptByPolicy(organization, kept, what, rule, bounds, decided))
    return found


def _rules_of(says: OrganizationPolicy) -> list[tuple[str, str, Kept]]:
    logs = [(kind.view, f"{kind.value} events", kept_log(says, kind.view)) for kind in LogType]
    closed = [
        (CASES, f"closed {name} cases", kept_cases(says, name)) for name in says.sensitive_workflows
    ]
    return logs + closed


def resolve(organization: Organization, *, kept: str, decision: str, basis: str, by: str) -> None:
    """Records what a person decided, and on which ground; the next plan goes by it.

    BadInput says what is missing; Conflict where the regimes do not contradict each other there.
    """
    if decision not in Decision.values:
        raise BadInput(f"expected one of {', '.join(Decision.values)}", path="decision")
    if not basis.strip() or len(basis) > LONGEST_BASIS or "\0" in basis:
        raise BadInput(f"expected a text of 1 to {LONGEST_BASIS} characters", path="basis")
    in_conflict = {one.kept for one in kept_by([organization]) if one.rule.in_conflict}
    if kept not in in_conflict:
        raise Conflict("the regimes do not contradict each other here: there is nothing to resolve")
    with transaction.atomic():
        RetentionResolution.objects.create(
            organization=organization,
            kept=kept,
            decision=decision,
            basis=basis.strip(),
            decided_by=by,
        )
        told = {"kept": kept, "decision": decision}
        own_events.report_administration("Retention Conflict Resolved", organization, by, told)
