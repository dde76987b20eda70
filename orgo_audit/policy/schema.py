"""The policy's types and their defaults; never reads a file or a database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, get_args

from msgspec import Meta, Struct, field
from msgspec.structs import fields

from orgo_audit.errors import BadInput
from orgo_audit.periods import PERIOD_PATTERN, Period, parse_period

Plain: TypeAlias = "str | bool | None | list[Plain] | dict[str, Plain]"

LOG_VIEWS = ("activity_logs", "security_logs", "error_logs")
ROLES = ("admin", "hr_manager", "custodian", "auditor", "dpo", "user")
# Whom `second_factor` asks for one: all who may ever be let read.
SECOND_FACTOR_ROLES = ("admin", "hr_manager", "custodian", "auditor", "dpo")
Stage = Literal["received", "parsed", "created", "routed", "escalated", "completed"]
STAGES: tuple[Stage, ...] = get_args(Stage)
CaseStep = Literal["acknowledged", "answered"]
CASE_STEPS: tuple[CaseStep, ...] = get_args(CaseStep)
ANONYMIZED_PATTERN = "^anonymized_[a-z][a-z0-9_]{0,39}_logs$"
TimeGrain = Literal["day", "hour"]
Frequency = Literal["daily", "weekly", "monthly"]
Regime = Literal["gdpr", "hipaa", "whistleblowing"]
REGIMES: tuple[Regime, ...] = get_args(Regime)
Approval = Literal["automatic", "two_people"]
Channel = Literal["email", "webhook", "alertmanager"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WORKING_DAYS: tuple[Weekday, ...] = get_args(Weekday)[:5]

# Descriptions serve twice: editors show them, and a refusal says them as what would be accepted.
WorkflowName = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z0-9_]{0,39}$",
        description="a name of small letters, digits and underscores such as it_support",
    ),
]
SLUG_PATTERN = "^[a-z0-9][a-z0-9_-]{0,62}$"
Slug = Annotated[
    str,
    Meta(
        pattern=SLUG_PATTERN,
        description="an organization's slug of small letters, digits, hyphens and underscores",
    ),
]
View = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z0-9_]{0,63}$",
        description="activity_logs, security_logs, error_logs or, say, anonymized_harassment_logs",
    ),
]
Mailbox = Annotated[
    str,
    Meta(
        pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$",
        description="an e-mail address such as harassment@organization.com",
    ),
]
Action = Annotated[
    str,
    Meta(
        pattern=r"^\S(.{0,198}\S)?$",
        description="an action as the sender says it, such as Report Filed",
    ),
]
FieldName = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z_][A-Za-z0-9_.-]{0,63}$",
        description="the name of a field such as reported_user",
    ),
]
UserName = Annotated[
    str, Meta(pattern=r"^[\w.@+-]{1,150}$", description="the user name of an account such as anna")
]
MetricSource = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){1,4}$",
        description="a source and its metric such as rabbitmq.queue_length",
    ),
]
Receiver = Annotated[
    str,
    Meta(
        pattern=rf"^({'|'.join(ROLES)}|[^@\s]{{1,64}}@[^@\s]{{1,190}})$",
        description=f"a role ({', '.join(ROLES)}) or an e-mail address",
    ),
]
WebhookAddress = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s@/?#]{1,253}([/?][^\s]*)?$",
        max_length=2000,
        description="an http or https address such as https://pager.example/hooks/orgo",
    ),
]
ClockTime = Annotated[
    str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="a time of day such as 08:30")
]
TimeZone = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_+/-]{1,64}$", description="a time zone such as Europe/Berlin")
]

THRESHOLD_PATTERN = r"^>[0-9]{1,2}(\.[0-9]{1,2})?%$"
ACCEPTED_THRESHOLDS = 'a share in quotes such as ">5%" or ">0.5%", below 100%'


@dataclass(frozen=True, slots=True)
class Threshold:
    """A share of all events, in percent, that must not be exceeded."""

    percent: float

    def as_text(self) -> str:
        return f">{self.percent:g}%"

    def __str__(self) -> str:
        return self.as_text()


def parse_threshold(text: str) -> Threshold:
    if not re.fullmatch(THRESHOLD_PATTERN, text):
        raise BadInput(f"{text[:40]!r} is not a threshold; accepted: {ACCEPTED_THRESHOLDS}")
    return Threshold(float(text[1:-1]))


LONGEST_BURST = Period(1, "day")
BURST_PATTERN = rf"^>[1-9][0-9]{{0,5}} in {PERIOD_PATTERN[1:]}"
ACCEPTED_BURSTS = 'a number and a period in quotes such as ">20 in 10 minutes", at most 1 day'


@dataclass(frozen=True, slots=True)
class Burst:
    """So many within so long a time that must not be exceeded."""

    count: int
    period: Period

    def as_text(self) -> str:
        return f">{self.count} in {self.period}"

    def __str__(self) -> str:
        return self.as_text()


def parse_burst(text: str) -> Burst:
    if not re.fullmatch(BURST_PATTERN, text):
        raise BadInput(f"{text[:40]!r} is not a burst; accepted: {ACCEPTED_BURSTS}")
    count, period = text[1:].split(" in ")
    burst = Burst(int(count), parse_period(period))
    if LONGEST_BURST.is_shorter_than(burst.period):
        raise BadInput(f"{text!r} looks too far back; accepted: {ACCEPTED_BURSTS}")
    return burst


class RetentionPolicies(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long each log type is kept, by our clock."""

    activity_logs: Period = Period(6, "month")
    error_logs: Period = Period(1, "year")
    security_logs: Period = Period(2, "year")


class Retention(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How what is over its period is destroyed: a plan is published, and waits for its notice.

    With `two_people`, it also waits until two people have approved it.
    """

    approval: Approval = "automatic"
    notice: Period = Period(1, "day")


class RoleAccess(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one role may read; an empty list is nothing at all."""

    view: tuple[View, ...] = ()


class Roles(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The roles; one that is left out sees no log."""

    admin: RoleAccess = RoleAccess()
    hr_manager: RoleAccess = RoleAccess()
    custodian: RoleAccess = RoleAccess()
    auditor: RoleAccess = RoleAccess()
    dpo: RoleAccess = RoleAccess()
    user: RoleAccess = RoleAccess()


class AccessControl(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who may read which logs, and whether a password alone lets them in."""

    second_factor: bool = False
    roles: Roles = Roles(
        admin=RoleAccess(view=LOG_VIEWS),
        hr_manager=RoleAccess(view=("anonymized_harassment_logs",)),
    )


class AlertThresholds(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When an alert fires.

    `error_rate` is of the error and activity events that came in within ten minutes;
    `escalation_pending` counts from a task's last routing, escalation or creation.
    """

    error_rate: Threshold = Threshold(5.0)
    escalation_pending: Period = Period(2, "hour")
    failed_logins: Burst = Burst(20, Period(10, "minute"))
    access_violations: Burst = Burst(20, Period(10, "minute"))
    vault_lag: Period = Period(5, "minute")


class Metrics(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the platform's figures come from."""

    queue_length: MetricSource = "rabbitmq.queue_length"
    cache_hits: MetricSource = "redis.cache_hits"


class Workflow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An ordinary workflow. One that is listed nowhere counts as sensitive.

    `stages` are those a task must reach, each with its deadline after the task's creation (after
    its first event where no creation is known).
    """

    stages: Mapping[Stage, Period] = field(default_factory=dict)


def _lawful_deadlines() -> Mapping[CaseStep, Period]:
    """Those of EU Directive 2019/1937, Art. 9(1)(b) and (f)."""
    return {"acknowledged": Period(1, "week"), "answered": Period(3, "month")}


class SensitiveWorkflow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A workflow whose events are sealed, how they are recognised, and how HR works its cases.

    `case_period` counts from a case's closure; left out, it is a default (`regimes.CASE_PERIOD`)
    that pages call unconfirmed. `assignees` are the HR managers to whom new cases go; empty: all
    who take no part in the case.
    """

    mailboxes: tuple[Mailbox, ...] = ()
    actions: tuple[Action, ...] = ("Report Filed",)
    identity_fields: tuple[FieldName, ...] = (
        "reporter",
        "reported_user",
        "witness",
        "victim",
        "accused",
    )
    case_period: Period | None = None
    time_grain: TimeGrain = "day"
    deadlines: Mapping[CaseStep, Period] = field(default_factory=_lawful_deadlines)
    assignees: tuple[UserName, ...] = ()


class LadderStep(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom an unanswered alert reaches, and when."""

    after: Period
    notify: Annotated[tuple[Receiver, ...], Meta(min_length=1)]


class BusinessHours(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The hours in which escalation clocks run."""

    days: Annotated[tuple[Weekday, ...], Meta(min_length=1)] = WORKING_DAYS
    opens: ClockTime = "09:00"
    closes: ClockTime = "17:00"
    time_zone: TimeZone = "UTC"


class Escalation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is told about an alert; the next channel steps in where one is refused.

    The first step's receivers are told at once; each step's again when its time has passed and
    nobody has acknowledged. `webhook` is where the channel of that name posts to.
    """

    ladder: tuple[LadderStep, ...] = (
        LadderStep(after=Period(30, "minute"), notify=("admin",)),
        LadderStep(after=Period(4, "hour"), notify=("admin", "dpo")),
    )
    channels: Annotated[tuple[Channel, ...], Meta(min_length=1)] = ("email",)
    webhook: WebhookAddress | None = None
    business_hours: BusinessHours | None = None


class HealthChecks(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often each part of the platform is examined."""

    mail: Frequency = "daily"
    queue: Frequency = "daily"
    cache: Frequency = "weekly"
    database: Frequency = "monthly"
    broker: Frequency = "daily"
    disk: Frequency = "daily"
    clock: Frequency = "daily"
    beat: Frequency = "daily"


def _shipped_workflows() -> Mapping[str, Workflow]:
    def workflow(routed: Period, completed: Period) -> Workflow:
        return Workflow(stages={"routed": routed, "completed": completed})

    return {
        "maintenance": workflow(Period(10, "minute"), Period(2, "day")),
        "it_support": workflow(Period(10, "minute"), Period(1, "day")),
        "facilities": workflow(Period(30, "minute"), Period(5, "day")),
        "general": workflow(Period(1, "hour"), Period(1, "week")),
    }


def _shipped_sensitive_workflows() -> Mapping[str, SensitiveWorkflow]:
    return {"harassment": SensitiveWorkflow(mailboxes=("harassment@organization.com",))}


class Rules(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The blocks that hold for an organization."""

    retention_policies: RetentionPolicies = RetentionPolicies()
    retention: Retention = Retention()
    access_control: AccessControl = AccessControl()
    alert_thresholds: AlertThresholds = AlertThresholds()
    metrics: Metrics = Metrics()
    workflows: Mapping[WorkflowName, Workflow] = field(default_factory=_shipped_workflows)
    sensitive_workflows: Mapping[WorkflowName, SensitiveWorkflow] = field(
        default_factory=_shipped_sensitive_workflows
    )
    escalation: Escalation = Escalation()
    health_checks: HealthChecks = HealthChecks()

    def views_of(self, role: str) -> tuple[str, ...]:
        """What the role may view; nothing for a role that is none."""
        access: RoleAccess = (
            getattr(self.access_control.roles, role) if role in ROLES else RoleAccess()
        )
        return access.view

    def asks_second_factor_of(self, role: str) -> bool:
        """Whether the role must give a one-time password beside the password."""
        return self.access_control.second_factor and role in SECOND_FACTOR_ROLES


class OrganizationPolicy(Rules, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One organization's overrides; what is left out is inherited, key by key.

    `regime` is one name or a list of names: profiles with floors and ceilings of retention.
    """

    regime: Regime | tuple[Regime, ...] | None = None

    @property
    def regimes(self) -> tuple[Regime, ...]:
        """The names under `regime`, however many."""
        if self.regime is None:
            return ()
        return self.regime if isinstance(self.regime, tuple) else (self.regime,)


class Policy(Rules, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The policy file of Orgo Audit."""

    organizations: Mapping[Slug, OrganizationPolicy] = field(default_factory=dict)

    def for_organization(self, slug: str) -> OrganizationPolicy:
        """All that holds for the organization; one without a block of its own has the common rules.

        Overrides were laid over the common rules when the policy was loaded.
        """
        own = self.organizations.get(slug)
        common = {block.name: getattr(self, block.name) for block in fields(Rules)}
        return OrganizationPolicy(**common) if own is None else own


def anonymized_view(workflow: str) -> str:
    """The view of a sensitive workflow that may be granted."""
    return f"anonymized_{workflow}_logs"


def known_views(rules: Rules) -> tuple[str, ...]:
    return LOG_VIEWS + tuple(anonymized_view(name) for name in rules.sensitive_workflows)


def as_plain(value: object) -> Plain:
    """The value in the policy file's own words: mappings, lists and texts."""
    if isinstance(value, Period | Threshold | Burst):
        return value.as_text()
    if isinstance(value, Struct):
        values = {item.name: getattr(value, item.name) for item in fields(value)}
        return {name: as_plain(item) for name, item in values.items()}
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [as_plain(item) for item in value]
    if value is None or isinstance(value, str | bool):
        return value
    raise TypeError(f"the policy has no values of {type(value)}")
