"""The end of a case: once its period is over the keys go first, then everything else of it.

What stays names it by its code only: the certificate, the access log, what was asked for and who
decided. A person who takes part in no other case goes with it. It is one transaction a case:
interrupted, the case is as it was, and the next round ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from secrets import SystemRandom
from uuid import UUID

from django.db import connection

from logs.cases import clock
from logs.cases.models import ApprovalRequest, Case, CaseState, RequestState
from logs.record.models import SealedItem
from logs.retention import holds, keeping
from logs.vault import dossiers, keys, subjects
from logs.vault.case_holds import CaseHolds
from logs.vault.keyring import KeysLost
from logs.vault.models import CaseTag, Participant, SealedEvents, Subject
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import Period
from orgo_audit.policy import versions
from orgo_audit.policy.regimes import kept_cases
from orgo_audit.policy.schema import Policy

# A round must not keep the vault from its questions.
MOST_AT_ONCE = 5


def end_cases(now: datetime) -> int:
    """Destroys closed cases of which the last day is over, but none that is held; how many.

    While something waits in the inbox it does nothing: that may belong to such a case and open it
    again. Which cases come first is left to chance, so that none that is held stands before others.
    """
    if SealedItem.objects.exists():
        return 0
    over = list(_over(now))
    chosen = SystemRandom().sample(over, min(len(over), MOST_AT_ONCE))
    return sum(_end(case, now) for case in chosen)


def _over(now: datetime) -> Iterator[Case]:
    """By the policy in force, and by the one that was when its notice began: none is a surprise."""
    version = versions.in_force()
    if version is None or version.decided_at is None:
        return
    closed = Case.objects.filter(state=CaseState.CLOSED)
    kinds = set(closed.values_list("organization", "workflow").order_by().distinct())
    organizations = Organization.objects.in_bulk({organization for organization, _ in kinds})
    for pk, workflow in sorted(kinds):
        periods = list(_periods(organizations[pk], workflow, version.decided_at, now))
        if None in periods:
            continue
        held = CaseHolds.of(organizations[pk], now)
        for case in closed.filter(organization=pk, workflow=workflow):
            if _is_over(case, periods, now) and not held.keep_unopened(case):
                yield case


def _periods(
    organization: Organization, workflow: str, accepted_at: datetime, now: datetime
) -> Iterator[Period | None]:
    """Those that must be over; None where nothing may end."""
    decision = keeping.decisions().get((organization.pk, keeping.CASES))
    policies: list[Policy | None] = [versions.current()]
    began = holds.notice_of(organization).before(now)
    if accepted_at > began:
        policies.append(versions.policy_at(began))
    for policy in policies:
        rules = policy.for_organization(organization.slug) if policy else None
        yield keeping.destroyed_after(kept_cases(rules, workflow), decision) if rules else None


def _is_over(case: Case, periods: Iterable[Period | None], now: datetime) -> bool:
    closed_on = case.closed_on
    return closed_on is not None and all(
        period is not None and clock.destroyed_after(closed_on, period) < now.date()
        for period in periods
    )


def _end(case: Case, now: datetime) -> bool:
    with keys.session() as own:
        holds.keep_still()
        if CaseHolds.of(case.organization, now).keep(case, own) or not _is_certified(case):
            return False
        alone = list(_people_of_no_other_case(case, own))
        requests = ApprovalRequest.objects.filter(case_code=case.code)
        asked = list(requests.values_list("pk", flat=True))
        sealed = SealedEvents.objects.filter(case_code=case.code)
        keys.destroy([case.code, *sealed.values_list("pk", flat=True), *asked, *alone])
        for request in requests.filter(state__in=[RequestState.PENDING, RequestState.APPROVED]):
            dossiers.end(request.pk, RequestState.EXPIRED, now=now)
        Subject.objects.filter(pk__in=alone).delete()
        sealed.delete()
        CaseTag.objects.filter(case_code=case.code).delete()
        Participant.objects.filter(case_code=case.code).delete()
        Case.objects.filter(pk=case.code).delete()
    return True


def _is_certified(case: Case) -> bool:
    """The owner's function has the last word: by its clock, by policies, by holds on the code."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT end_case(%s, %s)", [case.code, case.closed_on])
        return bool(cursor.fetchone()[0])


def _people_of_no_other_case(case: Case, own: keys.Keys) -> Iterator[UUID]:
    """Nobody, where the case's key is gone already: then nothing leads to its people."""
    others = Case.objects.filter(organization=case.organization_id).exclude(pk=case.code)
    codes = list(others.values_list("pk", flat=True))
    try:
        behind = subjects.behind_labels([case.code], own)
    except KeysLost:
        return
    for subject in behind:
        if not subjects.places_of(subject, codes, own):
            yield subject
