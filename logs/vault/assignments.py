"""Gives a case to another HR manager, or takes it away. Never says who takes part in it."""

from __future__ import annotations

from typing import Any

from logs.cases.models import Case, Look, LookedAt
from logs.vault import assigning
from logs.vault.askers import asking_hr, case_of, names_of, with_role
from logs.vault.errands import Question, answers
from orgo_audit.accounts.models import Role
from orgo_audit.errors import BadInput


@answers("assign")
def assign(question: Question) -> dict[str, Any]:
    """By an HR manager of the case, or by the data protection officer."""
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
    Look.objects.create(
        organization=question.organization,
        user_id=question.asker,
        what=LookedAt.ASSIGNMENT,
        case_code=case.code,
        purpose=f"{'given to' if assigned else 'taken from'} {name}",
    )
    return {"assigned": assigned}


def _case(question: Question) -> Case:
    identifier = question.identifier("case")
    if with_role(question.asker, question.organization, Role.DPO):
        return case_of(question.organization, identifier)
    return asking_hr(question, identifier)[1]


def _refuse_unfit(question: Question, user_id: int, case: Case) -> None:
    """One refusal for whoever is no HR manager here and whoever takes part in the case."""
    account = with_role(user_id, question.organization, Role.HR_MANAGER)
    if account is None or assigning.takes_part(account, case.code, question.keys):
        raise BadInput(
            "this case cannot be assigned to this person", path="user", code="not_assignable"
        )
