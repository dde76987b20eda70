"""What a change of the policy destroys, opens or exposes is said; the rest is passed over."""

from __future__ import annotations

import pytest

from orgo_audit.policy.changes import KINDS, consequences
from orgo_audit.policy.loading import load_policy
from orgo_audit.policy.schema import Policy


def policy(text: str) -> Policy:
    return load_policy(text, name="test.yaml")


def found(old: str, new: str) -> list[tuple[str, str, str]]:
    changes = consequences(policy(old), policy(new))
    assert all(change.kind in KINDS for change in changes)
    return [(change.kind, change.organization, change.sentence) for change in changes]


def kept(period: str, log_type: str = "activity_logs") -> str:
    return f"retention_policies: {{{log_type}: {period}}}"


def sensitive(**fields: str) -> str:
    inner = ", ".join(f"{name}: {value}" for name, value in fields.items())
    return f"sensitive_workflows: {{harassment: {{{inner}}}}}"


def test_an_unchanged_policy_has_no_consequences() -> None:
    assert consequences(Policy(), Policy()) == ()


def test_a_shorter_retention_is_named_with_old_and_new() -> None:
    sentence = "activity_logs would be kept 3 months instead of 6 months"
    assert found(kept("6 months"), kept("3 months")) == [("shortens_retention", "", sentence)]


@pytest.mark.parametrize("period", ["6 months", "7 months", "1 year", "200 days"])
def test_a_retention_that_is_not_shorter_passes(period: str) -> None:
    assert found(kept("6 months"), kept(period)) == []


def test_months_replaced_by_days_count_as_shorter_if_they_ever_are() -> None:
    assert len(found(kept("1 month"), kept("30 days"))) == 1
    assert found(kept("1 month"), kept("31 days")) == []
    assert len(found(kept("30 days"), kept("1 month"))) == 1


def test_a_shorter_case_period_shortens_retention() -> None:
    sentence = (
        "closed harassment cases would be kept 1 month instead of 2 months; those that were closed"
        " longer ago would be destroyed 1 day after the acceptance"
    )
    new = sensitive(case_period="1 month")
    assert found(sensitive(case_period="2 months"), new) == [("shortens_retention", "", sentence)]


def north(regime: str, stated: str = "security_logs: 2 years") -> str:
    return f"organizations: {{north: {{regime: {regime}, retention_policies: {{{stated}}}}}}}"


def test_another_regime_that_shortens_is_named_with_what_it_makes_of_the_policy() -> None:
    lowered = "activity_logs would be kept 1 year instead of 2 years"
    long = "activity_logs: 2 years"
    assert found(north("null", long), north("gdpr", long)) == [
        ("shortens_retention", "north", lowered)
    ]
    dropped = "security_logs would be kept 2 years instead of 6 years"
    assert found(north("hipaa"), north("null")) == [("shortens_retention", "north", dropped)]
    assert found(north("gdpr", long), north("null", long)) == []
    assert found(north("null"), north("hipaa")) == []


def test_a_shorter_period_below_the_floor_of_a_regime_destroys_nothing_and_passes() -> None:
    assert found(north("hipaa"), north("hipaa", "security_logs: 1 year")) == []


def test_a_regime_less_that_ends_a_conflict_destroys_what_was_only_withheld() -> None:
    long = "security_logs: 9 years"
    [(kind, _, sentence)] = found(north("[gdpr, hipaa]", long), north("gdpr", long))
    assert kind == "shortens_retention"
    assert sentence.startswith("security_logs older than 3 years would be destroyed")
    assert "at least 6 years and at most 3 years" in sentence


def test_a_case_period_is_compared_with_what_the_regime_makes_of_it() -> None:
    text = (
        "organizations: {{north: {{regime: {0},"
        " sensitive_workflows: {{harassment: {{case_period: 9 years}}}}}}}}"
    )
    sentence = (
        "closed harassment cases would be kept 3 years instead of 9 years; those that were closed"
        " longer ago would be destroyed 1 day after the acceptance"
    )
    assert found(text.format("null"), text.format("whistleblowing")) == [
        ("shortens_retention", "north", sentence)
    ]


def test_an_approval_or_a_day_of_notice_less_lets_things_be_destroyed_sooner() -> None:
    before, after = "retention: {approval: two_people, notice: 2 days}", "retention: {}"
    assert [(kind, text) for kind, _, text in found(before, after)] == [
        ("shortens_retention", "nobody would approve what is destroyed; until now two people do"),
        (
            "shortens_retention",
            "a plan of what is destroyed would be published 1 day ahead instead of 2 days",
        ),
    ]
    assert found(after, before) == []


def test_a_new_view_widens_access() -> None:
    new = "access_control: {roles: {auditor: {view: [error_logs]}}}"
    sentence = "auditor would read error_logs too; until now: nothing"
    assert found("access_control: {roles: {}}", new) == [("widens_access", "", sentence)]


def test_one_more_assignee_widens_access_and_one_less_passes() -> None:
    few, more = sensitive(assignees="[anna]"), sensitive(assignees="[anna, ben]")
    sentence = "new harassment cases would go to ben too; until now: anna"
    assert found(few, more) == [("widens_access", "", sentence)]
    assert found(more, few) == []


def test_no_assignees_means_all_hr_managers() -> None:
    few, everybody = sensitive(assignees="[anna]"), sensitive(assignees="[]")
    sentence = "new harassment cases would go to all HR managers; until now: anna"
    assert found(few, everybody) == [("widens_access", "", sentence)]
    assert found(everybody, few) == []


def test_other_deadlines_for_cases_pass() -> None:
    short, long = (sensitive(deadlines=f"{{answered: {n} months}}") for n in (1, 4))
    assert found(short, long) == found(long, short) == []


def test_a_view_less_passes() -> None:
    assert found("metrics: {}", "access_control: {roles: {admin: {view: [error_logs]}}}") == []


def test_a_second_factor_less_weakens_sign_in_and_one_more_passes() -> None:
    on, off = (f"access_control: {{second_factor: {switch}}}" for switch in ("true", "false"))
    [(kind, _, sentence)] = found(on, off)
    assert kind == "weakens_sign_in"
    assert "dpo would sign in with a password alone" in sentence
    assert found(on, "metrics: {}") == found(on, off)
    assert found(off, on) == []
    own = f"organizations: {{north: {{{off}}}}}"
    assert [place for _, place, _ in found(on, f"{on}\n{own}")] == ["north"]


@pytest.mark.parametrize(
    ("field", "before", "after", "word"),
    [
        ("mailboxes", "[a@b.c, d@e.f]", "[a@b.c]", "the mailbox d@e.f"),
        ("actions", "[Report Filed, Report Read]", "[Report Filed]", "the action Report Read"),
        ("identity_fields", "[reporter, nurse]", "[reporter]", "the identity field nurse"),
    ],
)
def test_a_sign_less_lifts_sensitivity(field: str, before: str, after: str, word: str) -> None:
    [(kind, _, sentence)] = found(sensitive(**{field: before}), sensitive(**{field: after}))
    assert kind == "lifts_sensitivity"
    assert sentence.startswith(f"{word} would no longer mark harassment")
    assert found(sensitive(**{field: after}), sensitive(**{field: before})) == []


def test_the_hour_instead_of_the_day_lifts_sensitivity() -> None:
    [(kind, _, sentence)] = found(sensitive(time_grain="day"), sensitive(time_grain="hour"))
    assert kind == "lifts_sensitivity"
    assert "hour" in sentence
    assert found(sensitive(time_grain="hour"), sensitive(time_grain="day")) == []


NO_VIEWS = "access_control: {roles: {}}\n"


def test_a_removed_sensitive_workflow_lifts_sensitivity() -> None:
    new = NO_VIEWS + "sensitive_workflows: {}"
    [(kind, _, sentence)] = found(NO_VIEWS, new)
    assert (kind, sentence.split()[0]) == ("lifts_sensitivity", "harassment")


def test_a_sensitive_workflow_made_ordinary_is_one_consequence() -> None:
    new = NO_VIEWS + "sensitive_workflows: {}\nworkflows: {harassment: {}}"
    old = NO_VIEWS + "workflows: {}"
    sentence = "harassment would become an ordinary workflow; until now it is sensitive"
    assert found(old, new) == [("lifts_sensitivity", "", sentence)]


def test_a_name_that_was_listed_nowhere_was_sensitive() -> None:
    [(kind, _, sentence)] = found("workflows: {a: {}}", "workflows: {a: {}, b: {}}")
    assert (kind, sentence.split()[0]) == ("lifts_sensitivity", "b")
    assert found("workflows: {a: {}, b: {}}", "workflows: {a: {}}") == []


def test_an_organization_is_named_only_where_it_differs() -> None:
    old = kept("6 months") + "\norganizations: {north: {regime: gdpr}, south: {}}"
    new = kept("3 months") + (
        "\norganizations: {north: {regime: gdpr},"
        " south: {retention_policies: {activity_logs: 1 month}}}"
    )
    assert [(who, text) for _, who, text in found(old, new)] == [
        ("", "activity_logs would be kept 3 months instead of 6 months"),
        ("south", "activity_logs would be kept 1 month instead of 6 months"),
    ]


def test_taking_an_override_away_is_compared_with_the_common_rules() -> None:
    own = "{retention_policies: {activity_logs: 2 years}}"
    old = f"organizations: {{north: {own}}}"
    sentence = "activity_logs would be kept 6 months instead of 2 years"
    assert found(old, "metrics: {}") == [("shortens_retention", "north", sentence)]


def test_an_organization_with_an_own_rule_is_not_touched_by_the_common_one() -> None:
    own = "\norganizations: {north: {retention_policies: {activity_logs: 2 years}}}"
    assert [who for _, who, _ in found(kept("6 months") + own, kept("3 months") + own)] == [""]


def test_views_of_one_organization_are_compared_too() -> None:
    new = "organizations: {north: {access_control: {roles: {dpo: {view: [error_logs]}}}}}"
    sentence = "dpo would read error_logs too; until now: nothing"
    assert found("organizations: {}", new) == [("widens_access", "north", sentence)]


def test_a_consequence_says_its_organization() -> None:
    [change] = consequences(
        Policy(),
        policy("organizations: {north: {retention_policies: {error_logs: 1 day}}}"),
    )
    assert str(change) == "north: error_logs would be kept 1 day instead of 1 year"
    assert change.as_json() == {
        "kind": "shortens_retention",
        "organization": "north",
        "sentence": "error_logs would be kept 1 day instead of 1 year",
    }
