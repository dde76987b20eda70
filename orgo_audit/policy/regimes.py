"""What a legal regime asks of retention: the least and the most, as data. Never reads a clock.

These are the defaults of a profile, so that nobody starts from nothing, and not legal advice: an
organization's counsel decides what holds for it, and an organization without a regime has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from orgo_audit.periods import Period
from orgo_audit.policy.schema import LOG_VIEWS, OrganizationPolicy, Regime, SensitiveWorkflow

# What the policy keeps for a period: a log from an event's arrival on, a case from its closure on.
Thing = Literal["activity_logs", "security_logs", "error_logs", "cases"]


@dataclass(frozen=True, slots=True)
class Bound:
    """One rule: `kept` stays at least for the floor, at most for the ceiling."""

    regime: Regime
    kept: Thing
    floor: Period | None
    ceiling: Period | None
    source: str


_LOGGING = (
    "CNIL, délibération n° 2021-122 on logging: six months to one year,"
    " up to three years where that is justified"
)
BOUNDS = (
    Bound("gdpr", "activity_logs", None, Period(1, "year"), _LOGGING),
    Bound("gdpr", "error_logs", None, Period(1, "year"), _LOGGING),
    Bound("gdpr", "security_logs", None, Period(3, "year"), _LOGGING),
    Bound(
        "hipaa",
        "security_logs",
        Period(6, "year"),
        None,
        "45 CFR 164.316(b)(2)(i), read so that logs of access to health data are records it means",
    ),
    Bound(
        "whistleblowing",
        "cases",
        None,
        Period(3, "year"),
        "HinSchG § 11(5): deleted three years after the procedure was closed",
    ),
)
# Of a closed case, where the policy says nothing: CNIL, référentiel of 2023 on alerts.
CASE_PERIOD = Period(2, "month")


@dataclass(frozen=True, slots=True)
class Kept:
    """How long something is kept: what the policy states, within what its regimes allow.

    What the policy does not state is a default, and nobody has confirmed it.

    Where the floor is above the ceiling, the two conflict: the thing is shown up to the ceiling,
    and nobody destroys it before a person has put a resolution on record.
    """

    stated: Period
    floor: Period | None = None
    ceiling: Period | None = None
    is_default: bool = field(default=False, kw_only=True)

    @property
    def in_conflict(self) -> bool:
        return bool(self.floor and self.ceiling and self.ceiling.may_be_shorter_than(self.floor))

    @property
    def period(self) -> Period:
        """What is older is shown to nobody."""
        period = self.stated
        if self.floor and period.may_be_shorter_than(self.floor):
            period = self.floor
        if self.ceiling and self.ceiling.may_be_shorter_than(period):
            period = self.ceiling
        return period


def kept_under(
    stated: Period, regimes: Iterable[Regime], kept: str, *, is_default: bool = False
) -> Kept:
    """The stated period, with the highest floor and the lowest ceiling of these regimes."""
    held = set(regimes)
    floor: Period | None = None
    ceiling: Period | None = None
    for bound in BOUNDS:
        if bound.regime not in held or bound.kept != kept:
            continue
        if bound.floor and (floor is None or floor.is_shorter_than(bound.floor)):
            floor = bound.floor
        if bound.ceiling and (ceiling is None or bound.ceiling.is_shorter_than(ceiling)):
            ceiling = bound.ceiling
    return Kept(stated, floor, ceiling, is_default=is_default)


def kept_log(rules: OrganizationPolicy, log: str) -> Kept:
    """How long the organization keeps the events of a log such as `activity_logs`."""
    return kept_under(getattr(rules.retention_policies, log), rules.regimes, log)


def kept_cases(rules: OrganizationPolicy, workflow: str) -> Kept:
    """How long the organization keeps closed cases of a sensitive workflow, listed or not."""
    stated = rules.sensitive_workflows.get(workflow, SensitiveWorkflow()).case_period
    return kept_under(stated or CASE_PERIOD, rules.regimes, "cases", is_default=stated is None)


def notes(rules: OrganizationPolicy) -> Iterator[str]:
    """Where the regimes make something else of what the policy states, in words."""
    for log in LOG_VIEWS:
        yield from _note(log, kept_log(rules, log))
    for workflow in rules.sensitive_workflows:
        yield from _note(f"closed {workflow} cases", kept_cases(rules, workflow))


def _note(what: str, kept: Kept) -> Iterator[str]:
    if kept.in_conflict:
        yield (
            f"{what}: the regimes ask for at least {kept.floor} and for at most {kept.ceiling};"
            f" what is older than {kept.period} is withheld, and destroyed only as an admin decides"
            " on the page Retention"
        )
    elif kept.period != kept.stated:
        bound = "at least" if kept.period == kept.floor else "at most"
        yield f"{what}: kept {kept.period} instead of {kept.stated}; a regime asks for {bound} that"
    if kept.is_default:
        yield f"{what}: kept {kept.stated}, a default that nobody has confirmed in the policy file"
