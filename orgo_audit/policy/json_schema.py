"""The JSON Schema by which editors complete and check the policy file. Reads no policy."""

from __future__ import annotations

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from orgo_audit.periods import ACCEPTED as ACCEPTED_PERIODS
from orgo_audit.periods import PERIOD_PATTERN
from orgo_audit.policy.schema import (
    ACCEPTED_BURSTS,
    ACCEPTED_THRESHOLDS,
    ANONYMIZED_PATTERN,
    BURST_PATTERN,
    CASE_STEPS,
    LOG_VIEWS,
    STAGES,
    THRESHOLD_PATTERN,
    AccessControl,
    AlertThresholds,
    BusinessHours,
    Escalation,
    HealthChecks,
    LadderStep,
    Metrics,
    Policy,
    Retention,
    RetentionPolicies,
    RoleAccess,
    Roles,
    SensitiveWorkflow,
    Workflow,
    as_plain,
)


def json_schema() -> dict[str, object]:
    """The JSON Schema by which editors complete and check the policy file."""
    made = msgspec.json.schema(Policy)
    definitions = made["$defs"]
    for struct in _STRUCTS:
        _say_defaults_in_words(struct, definitions[struct.__name__]["properties"])
    for inherited in definitions["OrganizationPolicy"]["properties"].values():
        inherited.pop("default", None)
    views = definitions["RoleAccess"]["properties"]["view"]
    views["items"] = {
        "anyOf": [{"enum": list(LOG_VIEWS)}, {"type": "string", "pattern": ANONYMIZED_PATTERN}]
    }
    stages = definitions["Workflow"]["properties"]["stages"]
    stages["propertyNames"] = {"enum": list(STAGES)}
    deadlines = definitions["SensitiveWorkflow"]["properties"]["deadlines"]
    deadlines["propertyNames"] = {"enum": list(CASE_STEPS)}
    definitions["Period"] = _text(PERIOD_PATTERN, ACCEPTED_PERIODS)
    definitions["Threshold"] = _text(THRESHOLD_PATTERN, ACCEPTED_THRESHOLDS)
    definitions["Burst"] = _text(BURST_PATTERN, ACCEPTED_BURSTS)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _text(pattern: str, description: str) -> dict[str, object]:
    return {"type": "string", "pattern": pattern, "description": description}


def _say_defaults_in_words(struct: type[Struct], properties: dict[str, dict[str, object]]) -> None:
    """msgspec writes a default period as an object; in the file it is a text."""
    for item in fields(struct):
        properties[item.name].pop("default", None)
        default = item.default
        if item.default_factory is not NODEFAULT:
            default = item.default_factory()
        if default is not NODEFAULT:
            properties[item.name]["default"] = as_plain(default)


_STRUCTS: tuple[type[Struct], ...] = (
    RetentionPolicies,
    Retention,
    RoleAccess,
    Roles,
    AccessControl,
    AlertThresholds,
    Metrics,
    Workflow,
    SensitiveWorkflow,
    LadderStep,
    BusinessHours,
    Escalation,
    HealthChecks,
    Policy,
)
