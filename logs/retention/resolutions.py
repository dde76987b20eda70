"""How long everything is kept, and what a person decided where regimes contradict each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from logs.record import own_events
from logs.record.vocabulary import LogType
from logs.retention import facts
from logs.retention.models import Decision, RetentionResolution
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import BadInput, Conflict
from orgo_audit.periods import Period
from orgo_audit.policy import versions
from orgo_audit.policy.regimes import BOUNDS, Bound, Kept, kept_cases, kept_log
from orgo_audit.policy.schema import OrganizationPolicy

CASES = "cases"
LONGEST_BASIS = 2000


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
        return facts.destroyed_after(self.rule, decision)

    @property
    def waits(self) -> bool:
        """Whether a person has to decide."""
        return self.destroyed_after is None


def kept_by(organizations: Iterable[Organization]) -> list[KeptByPolicy]:
    """All that these organizations keep, with what was decided about conflicts."""
    own = list(organizations)
    newest = {
        (row.organization_id, row.kept): row
        for row in RetentionResolution.objects.filter(organization__in=own).order_by("pk")
    }
    policy = versions.current()
    found = []
    for organization in own:
        rules = policy.for_organization(organization.slug)
        for kept, what, rule in _rules_of(rules):
            bounds = tuple(
                one for one in BOUNDS if one.kept == kept and one.regime in rules.regimes
            )
            decided = newest.get((organization.pk, kept))
            found.append(KeptByPolicy(organization, kept, what, rule, bounds, decided))
    return found


def _rules_of(rules: OrganizationPolicy) -> list[tuple[str, str, Kept]]:
    logs = [(kind.view, f"{kind.value} events", kept_log(rules, kind.view)) for kind in LogType]
    closed = [
        (CASES, f"closed {name} cases", kept_cases(rules, name))
        for name in rules.sensitive_workflows
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
