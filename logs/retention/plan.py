"""What is to be destroyed and when, as values that a person can read. No clock, no database.

A month goes as a whole at the instant at which the period of every organization with rows in it is
over, counted from the month's end. Where that cannot be, because another organization keeps it
longer or has to approve, a hold covers some of it or a conflict is not resolved, each one's rows go
by themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from logs.record.wire import format_instant
from orgo_audit.periods import Period

# Plans are made once a night: what falls due before the next one must be published by then.
NIGHT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """How long one organization keeps one log type; without a period: a conflict, not resolved."""

    period: Period | None
    notice: Period
    approval: Literal["automatic", "two_people"] = "automatic"

    @property
    def wants_two_people(self) -> bool:
        return self.approval == "two_people"


@dataclass(frozen=True, slots=True)
class Share:
    """What one organization has in a segment, and which holds cover how many rows of it."""

    organization: str
    rows: int
    holds: tuple[UUID, ...] = ()
    rows_held: int = 0
    is_all_held: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """One log type in one month. A month that is not closed yet is not planned."""

    name: str
    log_type: str
    ends: datetime
    rows: int
    bytes: int
    is_closed: bool
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """The segment goes as a whole."""

    at: datetime
    organizations: tuple[str, ...]

    @property
    def whose(self) -> None:
        """Everybody's."""


@dataclass(frozen=True, slots=True)
class Remove:
    """One organization's rows go, those apart that a hold covers."""

    at: datetime
    organization: str
    rows: int

    @property
    def organizations(self) -> tuple[str, ...]:
        return (self.organization,)

    @property
    def whose(self) -> str:
        return self.organization


@dataclass(frozen=True, slots=True)
class Held:
    """These holds keep rows of one organization: `rows`, or all of a month that nobody counted."""

    organization: str
    by: tuple[UUID, ...]
    rows: int | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is near: the next of it goes then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Conflict:
    """A floor is above a ceiling, and nobody has decided."""

    organization: str


Destruction = Drop | Remove
Fate = Destruction | Held | Wait | Conflict
Rules = Mapping[tuple[str, str], Rule]  # by organization and log type


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """What happens to one segment."""

    segment: Segment
    decisions: tuple[Fate, ...]

    @property
    def destructions(self) -> list[Destruction]:
        """What of it goes, or is near enough to be published."""
        return [step for step in self.decisions if isinstance(step, Destruction)]

    def as_json(self) -> dict[str, Any]:
        return {
            "segment": self.segment.name,
            "rows": self.segment.rows,
            "bytes": self.segment.bytes,
            "decisions": [_as_json(decision) for decision in self.decisions],
        }


def plan(
    segments: Iterable[Segment],
    rules: Rules,
    *,
    now: datetime,
    shown: Collection[str] | None = None,
) -> list[SegmentPlan]:
    """What happens to each segment, those that end first before the others.

    With `shown`, no decision tells of other organizations than these.
    """
    ordered = sorted(segments, key=lambda segment: (segment.ends, segment.name))
    return [SegmentPlan(segment, tuple(_decide(segment, rules, now, shown))) for segment in ordered]


@dataclass(frozen=True, slots=True)
class Sooner:
    """Rows that other rules would destroy earlier; `rows` is None where nobody counted them yet."""

    segment: str
    organization: str
    rows: int | None
    was: datetime | None
    becomes: datetime


def sooner(segments: Iterable[Segment], before: Rules, after: Rules) -> list[Sooner]:
    """What goes earlier by the rules `after` than by those of `before`, the oldest first."""
    ordered = sorted(segments, key=lambda segment: (segment.ends, segment.name))
    return [found for segment in ordered for found in _sooner(segment, before, after)]


def _sooner(segment: Segment, before: Rules, after: Rules) -> Iterator[Sooner]:
    for share in segment.shares:
        was, becomes = _due(segment, share, before), _due(segment, share, after)
        if becomes is None or share.is_all_held or (was is not None and was <= becomes):
            continue
        rows = share.rows - share.rows_held if segment.is_closed else None
        yield Sooner(segment.name, share.organization, rows, was, becomes)


def _decide(
    segment: Segment, rules: Rules, now: datetime, shown: Collection[str] | None
) -> Iterator[Fate]:
    dues = {share.organization: _due(segment, share, rules) for share in segment.shares}
    whole = _whole(segment, dues, rules)
    coming: list[Destruction] = [] if whole is None else [whole]
    for share in segment.shares:
        if shown is not None and share.organization not in shown:
            continue
        due = dues[share.organization]
        if due is None:
            yield Conflict(share.organization)
        if share.holds:
            yield Held(share.organization, share.holds, share.rows_held or None)
        # Less than a night is not worth a removal of its own, nor is what goes as a whole now.
        is_apart = due and (whole is None or now < whole.at >= due + NIGHT)
        if due and is_apart and not share.is_all_held:
            coming.append(Remove(due, share.organization, share.rows - share.rows_held))
    near = [one for one in coming if segment.is_closed and _is_near(one, segment, rules, now)]
    yield from (_told(one, shown) for one in near)
    if later := [one.at for one in coming if one not in near]:
        yield Wait(min(later))


def _told(one: Destruction, shown: Collection[str] | None) -> Destruction:
    if shown is None or isinstance(one, Remove):
        return one
    return Drop(one.at, tuple(name for name in one.organizations if name in shown))


def _due(segment: Segment, share: Share, rules: Rules) -> datetime | None:
    """None too for rows of an organization that nobody knows: no rule lets them go."""
    rule = rules.get((share.organization, segment.log_type))
    return None if rule is None or rule.period is None else rule.period.after(segment.ends)


def _whole(segment: Segment, dues: Mapping[str, datetime | None], rules: Rules) -> Drop | None:
    """The segment as a whole, unless something of it has to stay.

    Where several share it and some want approvals, each one's rows go by themselves: nobody waits
    for another one's admins.
    """
    own = [rules.get((name, segment.log_type)) for name in dues]
    is_approved_apart = len(own) > 1 and any(rule and rule.wants_two_people for rule in own)
    if is_approved_apart or any(share.holds for share in segment.shares):
        return None
    # An empty month goes when a full one would.
    instants = list(dues.values()) if dues else _all_dues(segment, rules)
    known = [instant for instant in instants if instant is not None]
    if not known or len(known) < len(instants):
        return None
    return Drop(max(known), tuple(sorted(dues)))


def _all_dues(segment: Segment, rules: Rules) -> list[datetime | None]:
    periods = [rule.period for (_, kind), rule in rules.items() if kind == segment.log_type]
    return [None if period is None else period.after(segment.ends) for period in periods]


def _is_near(one: Destruction, segment: Segment, rules: Rules, now: datetime) -> bool:
    """Whether it must be published now, so that its notice is over when it is due."""
    notices = [rules[name, segment.log_type].notice.after(now) for name in one.organizations]
    return one.at <= max(notices, default=now) + NIGHT


def _as_json(decision: Fate) -> dict[str, Any]:
    match decision:
        case Drop(at, organizations):
            return {"what": "drop", "at": format_instant(at), "organizations": list(organizations)}
        case Remove(at, organization, rows):
            told = {"what": "remove", "at": format_instant(at), "organization": organization}
            return told | {"rows": rows}
        case Held(organization, by, rows):
            holds = [str(hold) for hold in by]
            return {"what": "held", "organization": organization, "holds": holds, "rows": rows}
        case Wait(until):
            return {"what": "wait", "until": format_instant(until)}
        case Conflict(organization):
            return {"what": "conflict", "organization": organization}
