"""The end of a case: once its period is over the keys go first, then everything else of it.

What stays names it by its code only: the certificate, the access log, what was asked for and who
decided. A person who takes part in no other case goes with it. It is one transaction a case:
interrupted, the case is as it was, and the next round ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db import connection

from logs.cases import clock
from logs.cases.models import ApprovalRequest, Case, CaseState, RequestState
from logs.record.models import SealedItem
from logs.retention import facts, holds
from logs.vault import dossiers, keys, subjects
from logs.vault.keyring import KeysLost
from logs.vault.models import CaseTag, Participant, SealedEvents, Subject
from orgo_audit.accounts.models import Organization
from orgo_audit.periods import Period
from orgo_audit.policy import versions
from orgo_audit.policy.regimes import kept_cases

# A round must not keep the vault from its questions.
MOST_AT_ONCE = 5


def end_cases(now: datetime) -> int:
    """Destroys the closed cases of which the last day is over, but none that is held; how many.

    While something waits in the inbox it does nothing: that may belong to such a case and open it
    again.
    """
    if versions.in_force() is None or SealedItem.objects.exists():
        return 0
    over = list(islice(_over(now), MOST_AT_ONCE))
    return sum(_end(case, period, now) for case, period in over)


def _over(now: datetime) -> Iterator[tuple[Case, Period]]:
    closed = Case.objects.filter(state=CaseState.CLOSED)
    kinds = set(closed.values_list("organization", "workflow").order_by().distinct())
    organizations = Organization.objects.in_bulk({organization for organization, _ in kinds})
    decided = facts.resolutions()
    for pk, workflow in sorted(kinds):
        policy = versions.current().for_organization(organizations[pk].slug)
        kept = kept_cases(policy, workflow)
        period = facts.destroyed_after(kept, decided.get((pk, "cases")))
        if period is None:
            continue
        own = closed.filter(organization=pk, workflow=workflow)
        late = own.filter(closed_on__lte=period.before(now).date())
        held = holds.held_cases(organizations[pk])
        for case in late.order_by("closed_on", "code"):
            is_over = case.closed_on and clock.destroyed_after(case.closed_on, period) < now.date()
            if is_over and str(case.code) not in held:
                yield case, period


def _end(case: Case, period: Period, now: datetime) -> bool:
    with keys.session() as own:
        if not _is_certified(case, period):
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


def _is_certified(case: Case, period: Period) -> bool:
    """The owner's function has the last word: a hold or a reopening may have come between."""
    with connection.cursor() as cursor:
        told = [case.code, case.closed_on, str(period)]
        cursor.execute("SELECT end_case(%s, %s, %s)", told)
        return bool(cursor.fetchone()[0])


def _people_of_no_other_case(case: Case, own: keys.Keys) -> Iterator[UUID]:
    """Nobody, where the case's key is gone already: then nothing leads to its people."""
    others = Case.objects.filter(organization=case.organization_id).exclude(pk=case.code)
    codes = list(others.values_list("pk", flat=True))
    try:
        behind = {
            subjects.subject_behind(one, own)
            for one in Participant.objects.filter(case_code=case.code)
        }
    except KeysLost:
        return
    for subject in behind - {None}:
        if subject and not subjects.places_of(subject, codes, own):
            yield subject
