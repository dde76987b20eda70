"""Gives a case to another HR manager, or takes it away. Never says who takes part in it."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, OuterRef

from logs.cases.models import Case, CaseGrant, LookedAt
from logs.vault import assigning, marks
from logs.vault.accounts import (
    Account,
    accounts_with_role,
    asking,
    asking_hr,
    case_of,
    takes_part,
    with_role,
)
from logs.vault.keys import Keys
from logs.vault.models import HeldItem
from logs.vault.questions import Question, answers
from orgo_audit.accounts.models import Organization, Role
from orgo_audit.accounts.people import names_of
from orgo_audit.errors import BadInput, NotFound

MOST_CASES = 100


@answers("unassigned_cases")
def unassigned_cases(question: Question) -> dict[str, Any]:
    """The oldest cases that no HR manager has, for the data protection officer.

    Without those in which that person takes part: `assign` refuses them too. Beside them, how many
    events are in no case at all, by the reason.
    """
    officer = asking(question, Role.DPO)
    managers = accounts_with_role(question.organization, Role.HR_MANAGER)
    held = CaseGrant.objects.filter(
        content_object=OuterRef("pk"), user__in=[manager.id for manager in managers]
    )
    rows = Case.objects.filter(~Exists(held), organization=question.organization)
    oldest = list(rows.order_by("opened_on", "code")[:MOST_CASES])
    return {
        "cases": [
            {
                "case": str(case.code),
                "workflow": case.workflow,
                "opened_on": case.opened_on.isoformat(),
            }
            for case in _of_others(officer, oldest, question.keys)
        ],
        "held": _held(question.organization),
    }


def _held(organization: Organization) -> dict[str, int]:
    rows = HeldItem.objects.filter(organization=organization).values_list("reason")
    return dict(rows.annotate(number=Count("pk")).order_by("reason"))


def _of_others(account: Account, cases: list[Case], keys: Keys) -> list[Case]:
    """The cases in which this person takes no part. Looks at all together, then at each if so."""
    if not takes_part(account, [case.code for case in cases], keys):
        return cases
    return [case for case in cases if not takes_part(account, [case.code], keys)]


@answers("assign")
def assign(question: Question) -> dict[str, Any]:
    """By an HR manager of the case, or by the data protection officer; never by a participant."""
    case = _case(question)
    user_id, assigned = question.number("user"), question.body.get("assigned")
    if not isinstance(assigned, bool):
        raise BadInput("expected true or false", path="assigned")
    if assigned:
        _refuse_unfit(question, user_id, case)
        assigning.give(case, user_id)
    else:
        assigning.take_away(case, user_id)
    name = names_of({user_id}).get(user_id, "")
    why = f"{'given to' if assigned else 'taken from'} {name}"
    marks.leave(
        question.organization, question.asker, LookedAt.ASSIGNMENT, why, case_code=case.code
    )
    return {"assigned": assigned}


def _case(question: Question) -> Case:
    identifier = question.identifier("case")
    officer = with_role(question.asker, question.organization, Role.DPO)
    if officer is None:
        return asking_hr(question, identifier)[1]
    case = case_of(question.organization, identifier)
    if takes_part(officer, [case.code], question.keys):
        raise NotFound
    return case


def _refuse_unfit(question: Question, user_id: int, case: Case) -> None:
    """One refusal for whoever is no HR manager here and whoever takes part in the case."""
    account = with_role(user_id, question.organization, Role.HR_MANAGER)
    if account is None or takes_part(account, [case.code], question.keys):
        raise BadInput(
            "this case cannot be assigned to this person", path="user", code="not_assignable"
        )
