"""What HR does with a case: steps, notes. Each is put on record; the vault writes all else."""

from __future__ import annotations

from datetime import date

from logs.cases import looks
from logs.cases.access import HrViewer
from logs.cases.models import Case, CaseNote, CaseState, LookedAt
from logs.cases.role import as_hr
from orgo_audit.errors import BadInput, Conflict

LONGEST_NOTE = 10_000
STEPS = ("acknowledged", "answered", "closed", "reopened")


def take_step(viewer: HrViewer, case: Case, step: str, *, today: date) -> None:
    """Marks the case as acknowledged, answered, closed or open again; Conflict where it is so."""
    if step not in STEPS:
        raise BadInput(f"expected one of {', '.join(STEPS)}", path="step")
    changes, still = _change(step, today)
    with as_hr():
        done = Case.objects.filter(pk=case.pk, **still).update(**changes)
    if not done:
        raise Conflict(f"this case cannot be {step} now", code="step_impossible")
    looks.record(viewer, case.organization, LookedAt.STEP, case=case.pk)


def _change(step: str, today: date) -> tuple[dict[str, object], dict[str, object]]:
    """What changes, and what must still be so."""
    if step == "closed":
        return {"state": CaseState.CLOSED, "closed_on": today}, {"state": CaseState.OPEN}
    if step == "reopened":
        return {"state": CaseState.OPEN, "closed_on": None}, {"state": CaseState.CLOSED}
    name = f"{step}_on"
    return {name: today}, {name: None, "state": CaseState.OPEN}


def write_note(viewer: HrViewer, case: Case, text: str) -> CaseNote:
    """Keeps a note. It is HR's own words: whoever the case is assigned to reads it."""
    text = text.replace("\0", "").strip()
    if not text:
        raise BadInput("a note needs words", path="text")
    if len(text) > LONGEST_NOTE:
        raise BadInput(f"a note has at most {LONGEST_NOTE:,} characters", path="text")
    note = CaseNote(case_id=case.pk, author_id=viewer.user.pk, text=text)
    with as_hr():
        note.save(force_insert=True)
    looks.record(viewer, case.organization, LookedAt.NOTE, case=case.pk)
    return note
