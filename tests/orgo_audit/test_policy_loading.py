"""The policy file: what loads, what is refused, and where the refusal points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from orgo_audit.errors import PolicyError
from orgo_audit.periods import Period
from orgo_audit.policy.json_schema import json_schema
from orgo_audit.policy.loading import load_policy, read_policy_file
from orgo_audit.policy.nodes import DEEPEST_LEVEL, LARGEST_BYTES, decode
from orgo_audit.policy.schema import Policy, Retention, as_plain, parse_threshold

FOLDER = Path(settings.BASE_DIR) / "orgo_audit"
SHIPPED = (FOLDER / "logging_config.yaml").read_text(encoding="utf-8")
SCHEMA = FOLDER / "logging_config.schema.json"

BLUEPRINT = """\
retention_policies:
  activity_logs: "6 months"
  error_logs: "1 year"
  security_logs: "2 years"
access_control:
  roles:
    admin:
      view: ["activity_logs", "security_logs", "error_logs"]
    hr_manager:
      view: ["anonymized_harassment_logs"]
    user:
      view: []
metrics:
  queue_length: "rabbitmq.queue_length"
  cache_hits: "redis.cache_hits"
alert_thresholds:
  error_rate: ">5%"
  escalation_pending: "2 hours"
"""


def load(text: str) -> Policy:
    return load_policy(text, name="test.yaml")


def refusal(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load(text)
    return caught.value


# --- what loads ---------------------------------------------------------------------------------


def test_the_four_blocks_of_the_blueprint_work_alone() -> None:
    assert load(BLUEPRINT) == Policy()


@pytest.mark.parametrize("block", BLUEPRINT.replace("\n  ", "\0 ").splitlines())
def test_each_block_works_alone(block: str) -> None:
    assert load(block.replace("\0 ", "\n  ")) == Policy()


def test_the_shipped_file_says_the_defaults() -> None:
    assert load(SHIPPED) == Policy()


def test_a_byte_order_mark_and_windows_line_ends_are_passed_over() -> None:
    assert load("\ufeff" + BLUEPRINT.replace("\n", "\r\n")) == Policy()


def test_quotes_are_optional() -> None:
    policy = load("retention_policies: {activity_logs: 3 weeks}")
    assert policy.retention_policies.activity_logs == Period(3, "week")
    assert policy.retention_policies.error_logs == Period(1, "year")


def test_a_role_left_out_of_the_list_views_nothing() -> None:
    policy = load("access_control: {roles: {auditor: {view: [error_logs]}}}")
    assert policy.views_of("auditor") == ("error_logs",)
    assert policy.views_of("hr_manager") == policy.views_of("admin") == ()
    assert policy.views_of("__class__") == ()


def test_a_sensitive_workflow_in_short_is_still_protected() -> None:
    policy = load("sensitive_workflows: {ethics: {}, harassment: {mailboxes: [hr@a.org]}}")
    ethics = policy.sensitive_workflows["ethics"]
    assert "reporter" in ethics.identity_fields
    assert ethics.time_grain == "day"
    assert policy.sensitive_workflows["harassment"].actions == ("Report Filed",)


def test_the_deadlines_of_the_directive_hold_until_the_policy_says_others() -> None:
    policy = load("sensitive_workflows: {ethics: {}, harassment: {deadlines: {answered: 1 month}}}")
    ethics, harassment = (policy.sensitive_workflows[name] for name in ("ethics", "harassment"))
    assert ethics.deadlines == {"acknowledged": Period(1, "week"), "answered": Period(3, "month")}
    assert harassment.deadlines == {"answered": Period(1, "month")}


def test_new_cases_go_to_the_named_assignees_or_else_to_all() -> None:
    policy = load("sensitive_workflows: {ethics: {}, harassment: {assignees: [anna, b@x.org]}}")
    assert policy.sensitive_workflows["harassment"].assignees == ("anna", "b@x.org")
    assert policy.sensitive_workflows["ethics"].assignees == ()


def test_the_view_of_any_sensitive_workflow_can_be_granted() -> None:
    policy = load(
        "sensitive_workflows: {ethics: {}}\n"
        "access_control: {roles: {hr_manager: {view: [anonymized_ethics_logs]}}}"
    )
    assert policy.views_of("hr_manager") == ("anonymized_ethics_logs",)


@pytest.mark.parametrize(("switch", "is_on"), [("true", True), ("false", False), ("True", True)])
def test_the_second_factor_is_a_switch_beside_the_roles(switch: str, is_on: bool) -> None:
    policy = load(f"access_control: {{second_factor: {switch}}}")
    assert policy.access_control.second_factor is is_on
    assert policy.access_control.roles == Policy().access_control.roles
    assert policy.asks_second_factor_of("dpo") is is_on
    assert not policy.asks_second_factor_of("user")


@pytest.mark.parametrize("switch", ['"true"', "yes", "1", "[true]", "{}", "null"])
def test_a_switch_is_true_or_false(switch: str) -> None:
    problem = refusal(f"access_control:\n  second_factor: {switch}\n")
    assert "true or false is due" in str(problem)
    assert (problem.line, problem.column) == (2, 18)


def test_a_threshold_is_a_share_in_percent() -> None:
    threshold = parse_threshold(">0.5%")
    assert (str(threshold), threshold.percent) == (">0.5%", 0.5)


# --- organizations ------------------------------------------------------------------------------

NORTH = """\
workflows:
  maintenance: {stages: {routed: 1 hour, completed: 2 days}}
organizations:
  north:
    regime: gdpr
    retention_policies: {security_logs: 3 years}
    workflows: {maintenance: {stages: {completed: 1 day}}, garden: {}}
    sensitive_workflows: {harassment: {time_grain: hour}}
    access_control: {roles: {dpo: {view: [security_logs]}}}
"""


def test_overrides_are_laid_over_the_common_rules_key_by_key() -> None:
    north = load(NORTH).for_organization("north")
    assert north.regime == "gdpr"
    assert north.retention_policies.security_logs == Period(3, "year")
    assert north.retention_policies.activity_logs == Period(6, "month")
    assert north.workflows["maintenance"].stages == {
        "routed": Period(1, "hour"),
        "completed": Period(1, "day"),
    }
    assert set(north.workflows) == {"maintenance", "garden"}
    assert north.sensitive_workflows["harassment"].time_grain == "hour"
    assert north.sensitive_workflows["harassment"].mailboxes == ("harassment@organization.com",)
    assert north.views_of("dpo") == ("security_logs",)
    assert len(north.views_of("admin")) == 3


@pytest.mark.parametrize(
    ("written", "regimes"),
    [
        ("hipaa", ("hipaa",)),
        ("[gdpr, hipaa]", ("gdpr", "hipaa")),
        ("[gdpr]", ("gdpr",)),
        ("[]", ()),
        ("null", ()),
    ],
)
def test_an_organization_has_one_regime_or_several(written: str, regimes: tuple[str, ...]) -> None:
    policy = load(f"organizations: {{north: {{regime: {written}}}}}")
    assert policy.for_organization("north").regimes == regimes
    assert load(json.dumps(as_plain(policy))) == policy


def test_how_destruction_is_approved_and_announced_is_a_rule_like_any_other() -> None:
    policy = load(
        "retention: {notice: 2 days}\norganizations: {north: {retention: {approval: two_people}}}"
    )
    assert policy.for_organization("south").retention == Retention(notice=Period(2, "day"))
    north = policy.for_organization("north").retention
    assert (north.approval, north.notice) == ("two_people", Period(2, "day"))
    assert Policy().retention == Retention(approval="automatic", notice=Period(1, "day"))


def test_other_organizations_have_the_common_rules() -> None:
    policy = load(NORTH)
    south = policy.for_organization("south")
    assert south.regime is None
    assert south.retention_policies == policy.retention_policies
    assert set(south.workflows) == {"maintenance"}


def test_what_is_printed_loads_again() -> None:
    policy = load(NORTH)
    assert load(json.dumps(as_plain(policy))) == policy


# --- what is refused, and where -----------------------------------------------------------------

REFUSALS = [
    ("a: 1", 1, 1, "a", "unknown key; known: retention_policies"),
    ("retention_policy: {}", 1, 1, "retention_policy", "did you mean retention_policies?"),
    (
        "retention_policies:\n  activity_log: 1 year",
        *(2, 3, "retention_policies.activity_log", "did you mean activity_logs?"),
    ),
    (
        "retention_policies:\n  error_logs: 6 moths",
        *(2, 15, "retention_policies.error_logs", "did you mean months?"),
    ),
    (
        "retention_policies:\n  error_logs: 6",
        *(2, 15, "retention_policies.error_logs", "found the number 6; accepted: a whole number"),
    ),
    (
        "retention_policies:\n  error_logs:",
        *(2, 14, "retention_policies.error_logs", "found nothing"),
    ),
    ("retention_policies: [a]", 1, 21, "retention_policies", "a mapping is due; found a list"),
    ("retention_policies: true", 1, 21, "retention_policies", "found the boolean true"),
    (
        "access_control: {roles: {adm: {}}}",
        *(1, 26, "access_control.roles.adm", "did you mean admin?"),
    ),
    (
        "access_control: {roles: {admin: {view: [activity_log]}}}",
        *(1, 41, "access_control.roles.admin.view[0]", "did you mean activity_logs?"),
    ),
    (
        "access_control: {roles: {admin: {view: [error_logs, anonymized_x_logs]}}}",
        *(1, 53, "access_control.roles.admin.view[1]", "unknown view anonymized_x_logs; known: "),
    ),
    (
        "access_control: {roles: {dpo: {view: [anonymized_harassment_logs]}}}",
        *(1, 39, "access_control.roles.dpo.view[0]", "only hr_manager reads anonymized_harass"),
    ),
    (
        "access_control: {roles: {admin: {view: error_logs}}}",
        *(1, 40, "access_control.roles.admin.view", "a list is due"),
    ),
    (
        "alert_thresholds: {error_rate: '5%'}",
        *(1, 32, "alert_thresholds.error_rate", "accepted: a share"),
    ),
    ("alert_thresholds: {error_rate: 5}", 1, 32, "alert_thresholds.error_rate", "the number 5"),
    ("workflows: {a: {stages: {ruted: 1 day}}}", 1, 26, "workflows.a.stages.ruted", "routed?"),
    ("workflows: {A b: {}}", 1, 13, "workflows.A b", "is not a name of small letters"),
    (
        "sensitive_workflows: {harassment: {actions: [Report Filed, logs_viewed]}}",
        *(1, 60, "sensitive_workflows.harassment.actions[1]", "what the portal says of itself"),
    ),
    (
        "organizations: {x: {sensitive_workflows: {harassment: {identity_fields: [Task-ID]}}}}",
        *(1, 74, "organizations.x.sensitive_workflows.harassment.identity_fields[0]"),
        "a field of every event",
    ),
    ("workflows: {harassment: {}}", 1, 25, "workflows.harassment", "only be one of them"),
    (
        "organizations: {x: {workflows: {harassment: {}}}}",
        *(1, 45, "organizations.x.workflows.harassment", "only be one of them"),
    ),
    ("organizations: {x: {regime: gpdr}}", 1, 29, "organizations.x.regime", "did you mean gdpr?"),
    (
        "organizations: {x: {regime: [gdpr, hippa]}}",
        *(1, 36, "organizations.x.regime[1]", "did you mean hipaa?"),
    ),
    ("organizations: {x: {regime: {}}}", 1, 29, "organizations.x.regime", "found a mapping; known"),
    ("retention: {aproval: automatic}", 1, 13, "retention.aproval", "did you mean approval?"),
    ("retention: {approval: nobody}", 1, 23, "retention.approval", "automatic, two_people"),
    ("retention: {notice: soon}", 1, 21, "retention.notice", "accepted: a whole number"),
    ("organizations: {X: {}}", 1, 17, "organizations.X", "slug"),
    ("regime: gdpr", 1, 1, "regime", "unknown key"),
    (
        "sensitive_workflows: {harassment: {}, b: {mailboxes: [A@b.c]}, c: {mailboxes: [a@b.c]}}",
        *(1, 80, "sensitive_workflows.c.mailboxes[0]", "already belongs to b"),
    ),
    (
        "sensitive_workflows: {harassment: {time_grain: minute}}",
        *(1, 48, "sensitive_workflows.harassment.time_grain", "known: day, hour"),
    ),
    (
        "sensitive_workflows: {harassment: {deadlines: {anwsered: 1 day}}}",
        *(1, 48, "sensitive_workflows.harassment.deadlines.anwsered", "did you mean answered?"),
    ),
    (
        "sensitive_workflows: {harassment: {assignees: [Anna Roe]}}",
        *(1, 48, "sensitive_workflows.harassment.assignees[0]", "the user name of an account"),
    ),
    (
        'sensitive_workflows: {harassment: {actions: ["a\\0"]}}',
        *(1, 46, "sensitive_workflows.harassment.actions[0]", "control characters"),
    ),
    ("escalation: {ladder: [{after: 1 day}]}", 1, 23, "escalation.ladder[0]", "notify is missing"),
    (
        "escalation: {ladder: [{after: 2 days, notify: [admin]}, {after: 1 day, notify: [dpo]}]}",
        *(1, 65, "escalation.ladder[1].after", "1 day is not later than"),
    ),
    ("escalation: {channels: []}", 1, 24, "escalation.channels", "may not be empty"),
    ("escalation: {business_hours: yes}", 1, 30, "escalation.business_hours", "a mapping is due"),
    (
        "escalation: {business_hours: {time_zone: Europe/Berln}}",
        *(1, 42, "escalation.business_hours.time_zone", "did you mean Europe/Berlin?"),
    ),
    (
        "escalation: {business_hours: {opens: '18:00'}}",
        *(1, 30, "escalation.business_hours.closes", "not later than opens"),
    ),
    ("retention: {notice: 3 days}", 1, 21, "retention.notice", "at most 2 days"),
    (
        "organizations: {north: {retention: {notice: 1 month}}}",
        *(1, 45, "organizations.north.retention.notice", "at most 2 days"),
    ),
    ("health_checks: {mail: 1 day}", 1, 23, "health_checks.mail", "known: daily, monthly, weekly"),
    ("metrics: {}\nmetrics: {}", 2, 1, "metrics", "given twice"),
    ("1: {}", 1, 1, "", "a key is a text; found the number 1"),
    ("? [a]\n: b", 1, 3, "", "a key is a text; found a list"),
    ("<<: {metrics: {}}", 1, 1, "", "merge keys are not accepted"),
    ("metrics: &m {}", 1, 10, "", "anchors are not accepted"),
    ("metrics: *m", 1, 10, "", "aliases are not accepted"),
    ("metrics: !!map {}", 1, 10, "", "tags are not accepted"),
    ("metrics: !!python/name:os.system", 1, 10, "", "tags are not accepted"),
    ("--- {}\n--- {}", 2, 1, "", "only one document is accepted"),
    ("metrics: {", 1, 11, "", "not valid YAML"),
    ("metrics: {}\n\0", 2, 1, "", "is not accepted"),
    ("metrics: \ud800", 1, 10, "", "is not accepted"),
    ("just a text", 1, 1, "", "a mapping is due; found the text 'just a text'"),
    ("- metrics", 1, 1, "", "a mapping is due; found a list"),
    ("", 0, 0, "", "test.yaml is empty"),
    ("# nothing but this\n", 0, 0, "", "test.yaml is empty"),
    ("null", 0, 0, "", "test.yaml is empty"),
]


@pytest.mark.parametrize(("text", "line", "column", "path", "said"), REFUSALS)
def test_a_refusal_has_its_place_and_what_would_do(
    text: str, line: int, column: int, path: str, said: str
) -> None:
    error = refusal(text)
    assert said in error.sentence
    assert (error.line, error.column, error.path) == (line, column, path)


def test_depth_is_bounded() -> None:
    assert f"at most {DEEPEST_LEVEL} levels" in refusal("a: " + "[" * 500).sentence
    assert f"at most {DEEPEST_LEVEL} levels" in refusal("- " * 500).sentence


def test_size_is_bounded() -> None:
    assert "at most 256 KiB" in refusal("#" * (LARGEST_BYTES + 1)).sentence
    with pytest.raises(PolicyError, match="at most 256 KiB"):
        decode(b"#" * (LARGEST_BYTES + 1), name="test.yaml")


def test_a_file_that_is_not_utf_8_is_refused_at_its_first_wrong_byte() -> None:
    with pytest.raises(PolicyError, match="UTF-8") as caught:
        decode("a: 1\nb: ü".encode("latin-1"), name="test.yaml")
    assert (caught.value.line, caught.value.column) == (2, 4)


def test_a_missing_file_is_a_policy_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        read_policy_file(tmp_path / "nowhere.yaml")


# --- never anything but a policy or a PolicyError -------------------------------------------------


def _load_or_refuse(text: str) -> None:
    try:
        load(text)
    except PolicyError as error:
        said = error
    else:
        return
    assert (said.sentence + said.path).isprintable()


quick = hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
_PIECES = st.sampled_from(
    [
        *("retention_policies", "organizations", "workflows", "activity_logs", "6 months", "north"),
        *(": ", "\n", "\n  ", "- ", "{", "}", "[", "]", ", ", "? ", "<<", "&a", "*a", "!!x", "---"),
        *(
            "|",
            ">",
            "'",
            '"',
            "\\x",
            "%YAML 1.1\n",
            "%TAG ! a\n",
            "#",
            "\t",
            "@",
            "`",
            "null",
            "1e9",
        ),
    ]
)


@quick
@given(st.text(max_size=60))
@example("%YAML 9.9\n---\n")
@example('"\\UFFFFFFFF"')
@example("a: !<")
@example("\x85\u2028\ufffe")
def test_no_text_raises_anything_else(text: str) -> None:
    _load_or_refuse(text)


@quick
@given(st.lists(_PIECES, max_size=25).map("".join))
def test_no_text_that_looks_like_yaml_raises_anything_else(text: str) -> None:
    _load_or_refuse(text)


@quick
@given(st.integers(0, len(BLUEPRINT) - 1), st.integers(0, 8), st.text(max_size=6))
def test_no_damage_to_a_good_file_raises_anything_else(at: int, cut: int, put: str) -> None:
    _load_or_refuse(BLUEPRINT[:at] + put + BLUEPRINT[at + cut :])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@quick
@given(st.dictionaries(st.sampled_from(Policy.__struct_fields__), _JSON, max_size=3))
def test_no_value_in_a_known_block_raises_anything_else(blocks: dict[str, object]) -> None:
    _load_or_refuse(json.dumps(blocks))


# --- the JSON Schema ----------------------------------------------------------------------------


def _plain_yaml(text: str) -> object:
    return YAML(typ="safe", pure=True).load(text)


def test_the_shipped_json_schema_is_the_one_of_the_types() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema(), (
        "write json_schema() to logging_config.schema.json"
    )


def test_the_shipped_file_points_to_the_schema() -> None:
    first = SHIPPED.splitlines()[0]
    assert first == f"# yaml-language-server: $schema=./{SCHEMA.name}"


@pytest.mark.parametrize("text", [SHIPPED, BLUEPRINT, NORTH])
def test_the_schema_accepts_what_loads(text: str) -> None:
    Draft202012Validator.check_schema(json_schema())
    Draft202012Validator(json_schema()).validate(_plain_yaml(text))


@pytest.mark.parametrize(
    "text",
    [
        "retention_policies: {activity_log: 1 year}",
        "retention_policies: {activity_logs: 6 moths}",
        "access_control: {roles: {admin: {view: [activity_log]}}}",
        "workflows: {a: {stages: {ruted: 1 day}}}",
        "alert_thresholds: {error_rate: 5}",
        "sensitive_workflows: {harassment: {deadlines: {closed: 1 day}}}",
        "sensitive_workflows: {harassment: {assignees: ['Anna Roe']}}",
        "organizations: {north: {regime: gpdr}}",
    ],
)
def test_the_schema_refuses_what_does_not_load(text: str) -> None:
    refusal(text)
    assert not Draft202012Validator(json_schema()).is_valid(_plain_yaml(text))
