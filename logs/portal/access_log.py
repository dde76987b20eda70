"""The restricted access log, for those who oversee: who looked at which case, and what for.

Neither HR nor an admin reads it; whoever does, or takes a file of it away, leaves a line in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.views.decorators.http import require_safe

from logs.cases import looks
from logs.cases.access import organizations_overseen_by
from logs.cases.exporting import Json
from logs.cases.looks import Overseer
from logs.cases.models import Look, LookedAt
from logs.portal import exports
from logs.portal.frame import role_page, show
from logs.portal.listing import SHORT_CODE, day_in, one_of, without_empty_fields
from logs.record.export import Form, chosen_form
from logs.record.wire import format_instant
from orgo_audit.accounts.models import Organization, User
from orgo_audit.addresses import single_values
from orgo_audit.callers import address_of, person_of
from orgo_audit.errors import BadInput

PAGE_SIZE = 100
MOST_EXPORTED = 100_000
COLUMNS = ("time", "who", "what", "case", "rows", "purpose", "organization")
LABELS = {"who": "Who", "what": "What", "case": "Case", "since": "Since", "until": "Until"}
# How the vault says which request a line is about.
_REQUEST = re.compile(r"(\w+) request ([0-9a-f]{8}-[0-9a-f-]{27})")
_DIGITS_OF_CODE = 32


@dataclass(frozen=True, slots=True)
class LogAddress:
    """What the page's address asks for, and the addresses that lead on from it."""

    given: dict[str, str]
    before: int | None

    @classmethod
    def parse(cls, parameters: QueryDict) -> LogAddress:
        """BadInput, naming the parameter, for what is unknown or names no line."""
        given = single_values(parameters, frozenset(LABELS) | {"before"})
        return cls(given, _line_in(given.pop("before")) if "before" in given else None)

    @property
    def matching(self) -> Q:
        """The lines that are wanted; BadInput names the filter that cannot be used."""
        wanted = Q()
        if who := self.given.get("who"):
            wanted &= Q(
                user_id__in=list(User.objects.filter(username=who).values_list("pk", flat=True))
            )
        if what := one_of("what", self.given, LookedAt.values):
            wanted &= Q(what=what)
        if code := self.given.get("case"):
            wanted &= Q(case_code__range=_codes_from(code))
        if since := day_in("since", self.given):
            wanted &= Q(looked_at__gte=_start_of(since))
        if until := day_in("until", self.given):
            wanted &= Q(looked_at__lt=_start_of(until))
        return wanted

    @property
    def chips(self) -> list[tuple[str, str]]:
        """The filters in force, each with the address that takes it away."""
        return [
            (f"{LABELS[name]}: {_shown(name, value)}", self.href(**{name: ""}))
            for name, value in self.given.items()
        ]

    def exports(self) -> dict[str, str]:
        """Where exactly these lines are as a file."""
        return {form.name: f"export/{self.href(format=form.value)}" for form in Form}

    def href(self, **changes: str) -> str:
        """This page's address with some parameters changed, at its first page."""
        kept = {name: value for name, value in (self.given | changes).items() if value}
        return f"?{urlencode(kept)}"


@role_page(organizations_overseen_by)
@require_safe
def access_log(request: HttpRequest, organizations: list[Organization]) -> HttpResponse:
    if (cleaned := without_empty_fields(request.GET)) is not None:
        return HttpResponseRedirect(cleaned)
    context: dict[str, object] = {"kinds": LookedAt.choices, "organizations": len(organizations)}
    try:
        asked = LogAddress.parse(request.GET)
        lines, has_more = looks.lines(
            organizations, before=asked.before, size=PAGE_SIZE, matching=asked.matching
        )
    except BadInput as problem:
        known = {name: str(value) for name, value in request.GET.items() if name in LABELS}
        context |= {"asked": LogAddress(known, None), "problem": problem}
        context["label"] = LABELS.get(problem.path, problem.path)
        return show(request, "cases/access_log.html", context, status=problem.status)
    _leave_lines(overseer_of(request), organizations, len(lines))
    context |= {
        "asked": asked,
        "rows": [_row(line, asked, organizations) for line in lines],
        "is_newest": asked.before is None,
        "older": asked.href(before=str(lines[-1].pk)) if has_more else "",
    }
    return show(request, "cases/access_log.html", context)


@role_page(organizations_overseen_by)
@require_safe
def exported(request: HttpRequest, organizations: list[Organization]) -> HttpResponse:
    """All lines that the filters list, the newest first, as a file; times in UTC."""
    parameters = request.GET.copy()
    form = chosen_form("".join(parameters.pop("format", [])))
    asked = LogAddress.parse(parameters)
    lines, _ = looks.lines(
        organizations, before=asked.before, size=MOST_EXPORTED, matching=asked.matching
    )
    overseer = overseer_of(request)
    overseer = replace(overseer, purpose=f"{overseer.purpose}, export")
    _leave_lines(overseer, organizations, len(lines))
    return exports.attached(form, list(_told(lines, organizations)), COLUMNS)


def overseer_of(request: HttpRequest) -> Overseer:
    return Overseer(person_of(request), address_of(request))


def _leave_lines(overseer: Overseer, organizations: list[Organization], rows: int) -> None:
    for organization in organizations:
        looks.record(overseer, organization, LookedAt.ACCESS_LOG, rows=rows)


# --- one line -----------------------------------------------------------------------------------


def _row(look: Look, asked: LogAddress, organizations: list[Organization]) -> dict[str, object]:
    code, about = str(look.case_code or ""), _REQUEST.fullmatch(look.purpose)
    return {
        "look": look,
        "what": what_of(look),
        "code": code[:SHORT_CODE],
        "who_href": asked.href(who=getattr(look, "person", "")),
        "case_href": asked.href(case=code),
        "act": about[1] if about else "",
        "request": about[2] if about else "",
        "organization": _slug_of(look, organizations),
    }


def _told(looked: Iterable[Look], organizations: list[Organization]) -> Iterable[Json]:
    for look in looked:
        values = (
            format_instant(look.looked_at),
            getattr(look, "person", ""),
            what_of(look),
            str(look.case_code) if look.case_code else None,
            look.rows,
            look.purpose,
            _slug_of(look, organizations),
        )
        yield dict(zip(COLUMNS, values, strict=True))


def what_of(look: Look) -> str:
    """In words. A look at one request counts no rows; one at the list of texts has no case."""
    if look.what == LookedAt.REQUESTS and look.rows is None:
        return "one request"
    if look.what == LookedAt.TEXT and look.case_code is None:
        return "list of texts"
    return look.get_what_display()


def _slug_of(look: Look, organizations: list[Organization]) -> str:
    return next(one.slug for one in organizations if one.pk == look.organization_id)


def _shown(name: str, value: str) -> str:
    if name == "what" and value in LookedAt.values:
        return LookedAt(value).label
    return value


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _codes_from(text: str) -> tuple[UUID, UUID]:
    """The first and the last code that begin like this, as the page shows them."""
    digits = text.strip().lower().replace("-", "")
    if not re.fullmatch(rf"[0-9a-f]{{{SHORT_CODE},{_DIGITS_OF_CODE}}}", digits):
        raise BadInput(f"expected the code of a case, or its first {SHORT_CODE} signs", path="case")
    return UUID(digits.ljust(_DIGITS_OF_CODE, "0")), UUID(digits.ljust(_DIGITS_OF_CODE, "f"))


def _line_in(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise BadInput("expected the number of a line", path="before")
