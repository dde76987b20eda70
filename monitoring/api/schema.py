"""What the API's documentation says of alerts and health checks, as data. Serves nothing."""

from __future__ import annotations

from typing import get_args

from monitoring.alerting.alerts import LONGEST_SILENCE, MAX_REASON
from monitoring.alerting.vocabulary import Rule, Severity, State
from monitoring.api.examples import MONITORING_EXAMPLES
from monitoring.delivery.alertmanager import MARK, MAX_ALERTS, OWN, VERSION
from monitoring.delivery.models import Outcome
from monitoring.health_checks.models import CheckState
from monitoring.health_checks.registry import CHECKS
from orgo_audit.api_schema import (
    BAD_QUERY,
    BASE,
    COUNT,
    INSTANT,
    JSON,
    NOT_EMPTY,
    PAGING,
    TEXT,
    UTC_INSTANT,
    UUID,
    Documented,
    Json,
    Operation,
    answer,
    closed,
    in_path,
    nullable,
    page_of,
    query,
    ref,
    refusal,
)
from orgo_audit.periods import PERIOD_PATTERN
from orgo_audit.policy.schema import Frequency

_READERS = "For people with the role `admin`, and tokens of scope `read`."
_ALREADY = {409: refusal("The alert is in this state already, or resolved.")}
_RULE: Json = {"type": "string", "enum": list(map(str, Rule))}
_SEVERITY: Json = {"type": "string", "enum": list(map(str, Severity))}
_STATE: Json = {"type": "string", "enum": list(map(str, State))}
_ALERT_ID = in_path("alert_id", "The alert's id, from the list.", UUID)
_FILTERS = (
    query("state", "Where it stands.", _STATE),
    query("rule", "What it is about.", _RULE),
    query("severity", "How grave it is.", _SEVERITY),
    query("task_id", "One task.", TEXT),
    query("since", "Not before this time, by `fired_at`.", INSTANT),
    query("until", "Before this time, by `fired_at`.", INSTANT),
)


def _operation(
    identifier: str,
    tag: str,
    summary: str,
    description: str,
    answered: dict[int, Json],
    *parameters: Json,
    body: Json | None = None,
    security: tuple[str, ...] = ("token", "session"),
) -> Operation:
    return Operation(
        identifier,
        tag,
        summary,
        description,
        {**BAD_QUERY, **answered},
        MONITORING_EXAMPLES[identifier],
        parameters,
        body,
        security,
    )


def _act(verb: str, summary: str, description: str, body: str = "AlertAct") -> Operation:
    return _operation(
        f"{verb}_alert",
        "Alerts",
        summary,
        f"{description} The body may be absent. {_READERS}",
        {200: answer("The alert as it now stands.", ref("Alert")), **_ALREADY},
        _ALERT_ID,
        body={"required": False, "content": {JSON: {"schema": ref(body)}}},
    )


OPERATIONS: dict[str, Operation] = {
    f"GET {BASE}/alerts/": _operation(
        "list_alerts",
        "Alerts",
        "List alerts",
        f"The newest first, by `fired_at`; those that are over stay listed. {_READERS}",
        {200: answer("One page.", ref("AlertPage"))},
        *_FILTERS,
        *PAGING,
    ),
    f"GET {BASE}/alerts/{{alert_id}}/": _operation(
        "get_alert",
        "Alerts",
        "Read one alert",
        f"With each of its steps, and each try to tell somebody. {_READERS}",
        {200: answer("The alert.", ref("Alert"))},
        _ALERT_ID,
    ),
    f"POST {BASE}/alerts/{{alert_id}}/acknowledge/": _act(
        "acknowledge",
        "Acknowledge an alert",
        "Somebody is at it: nobody else is told while it lasts.",
    ),
    f"POST {BASE}/alerts/{{alert_id}}/resolve/": _act(
        "resolve",
        "Resolve an alert",
        "It is over; the same fires anew once its condition has turned in between.",
    ),
    f"POST {BASE}/alerts/{{alert_id}}/silence/": _act(
        "silence",
        "Silence an alert",
        f"Nobody is told `until` a time or `for` a period, at most {LONGEST_SILENCE.days} days;"
        " an hour where neither is given.",
        "AlertSilence",
    ),
    f"POST {BASE}/alerts/alertmanager/": _operation(
        "take_in_alerts",
        "Alerts",
        "Take in alerts of Alertmanager",
        f"Alertmanager's webhook of format version {VERSION}; safe to send again. Alerts with the"
        f" label `{MARK}={OWN}` are the portal's own, came back, and are dropped. Needs a token of"
        " scope `alerts`.",
        {
            200: answer("How many were taken in.", ref("AlertsTakenIn")),
            400: refusal("The body is no webhook of this version; `path` says where."),
        },
        body={"required": True, "content": {JSON: {"schema": ref("AlertmanagerWebhook")}}},
        security=("token",),
    ),
    f"GET {BASE}/health-checks/": _operation(
        "list_health_checks",
        "Health checks",
        "List health checks",
        f"Each check of the platform with its last result. {_READERS}",
        {200: answer("All of them.", ref("HealthCheckList"))},
    ),
    f"POST {BASE}/health-checks/{{name}}/run/": _operation(
        "run_health_check",
        "Health checks",
        "Run a health check",
        f"Asks the worker, and answers with the result before; the new one comes into the list."
        f" No body. {_READERS}",
        {202: answer("It was asked for.", ref("HealthCheckAsked"))},
        in_path("name", "The check's name, from the list.", TEXT | {"enum": list(CHECKS)}),
    ),
}

# --- shapes -------------------------------------------------------------------------------------

_STEP = closed({"state": _STATE, "at": UTC_INSTANT, "by": TEXT, "reason": TEXT})
_TRY = closed(
    {
        "at": UTC_INSTANT,
        "receiver": TEXT,
        "channel": TEXT,
        "outcome": {"type": "string", "enum": list(Outcome.values)},
        "detail": TEXT,
    }
)
_ALERT = closed(
    {
        "alert": NOT_EMPTY,
        "task_id": TEXT,
        "escalation_time": TEXT | {"description": "How long the task may wait."},
        "id": UUID,
        "organization": TEXT,
        "state": _STATE,
        "rule": _RULE,
        "severity": _SEVERITY,
        "fired_at": UTC_INSTANT,
        "resolved_at": nullable(UTC_INSTANT),
        "silenced_until": nullable(UTC_INSTANT),
        "facts": {
            "type": "object",
            "additionalProperties": {"type": ["string", "number"]},
            "description": "What was measured; of Alertmanager's, its labels and annotations.",
        },
        "history": {"type": "array", "items": _STEP},
        "deliveries": {"type": "array", "items": _TRY, "description": "Each try to tell somebody."},
    },
    ("task_id", "escalation_time"),
)
_REASON: Json = {"reason": TEXT | {"maxLength": MAX_REASON}}
_SILENCE: Json = {
    **_REASON,
    "until": INSTANT | {"description": "In the future."},
    "for": TEXT | {"pattern": PERIOD_PATTERN, "description": "Such as `2 hours`."},
}
_WORDS: Json = {"type": "object", "additionalProperties": TEXT}
_INCOMING: Json = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["firing", "resolved"]},
        "labels": _WORDS,
        "annotations": _WORDS,
        "fingerprint": TEXT | {"minLength": 1, "maxLength": 100},
    },
    "required": ["status", "labels", "fingerprint"],
    "additionalProperties": True,
}
_CHECK: Json = {
    "name": TEXT,
    "state": {"type": "string", "enum": [*CheckState.values, "never"]},
    "every": {"type": "string", "enum": list(get_args(Frequency))},
    "last_run": nullable(UTC_INSTANT),
    "detail": TEXT | {"description": "What was verified, or what is wrong."},
    "duration_ms": nullable(COUNT),
}
COMPONENTS: dict[str, Json] = {
    "Alert": _ALERT,
    "AlertPage": page_of(ref("Alert")),
    "AlertAct": closed(_REASON, tuple(_REASON)),
    "AlertSilence": closed(_SILENCE, tuple(_SILENCE))
    | {"description": "`until` and `for` exclude each other."},
    "AlertmanagerWebhook": {
        "type": "object",
        "properties": {
            "version": {"const": VERSION},
            "alerts": {"type": "array", "items": _INCOMING, "maxItems": MAX_ALERTS},
        },
        "required": ["version", "alerts"],
        "additionalProperties": True,
    },
    "AlertsTakenIn": closed({"accepted": COUNT, "dropped": COUNT}),
    "HealthCheck": closed(_CHECK),
    "HealthCheckList": closed({"results": {"type": "array", "items": ref("HealthCheck")}}),
    "HealthCheckAsked": closed({**_CHECK, "asked": {"const": True}}),
}


class MonitoringSchema(Documented):
    """Monitoring's part of the API's documentation."""

    def __init__(self) -> None:
        super().__init__(OPERATIONS, COMPONENTS)
