"""`hold`: places, lists and releases legal holds."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logs.retention import holds
from logs.retention.answers import hold_as_json
from logs.retention.hold_words import without_controls
from logs.retention.models import LegalHold, ScopeKind
from logs.retention.wording import events
from orgo_audit.accounts.models import Organization
from orgo_audit.accounts.people import get_organization
from orgo_audit.errors import OrgoError
from orgo_audit.operators import recorded_operator, typed_person


class Command(BaseCommand):
    help = (
        "Legal holds: what is held is not destroyed, however old it is. `place` prints the hold's"
        " id and what it keeps now; with --user, the person's address or name is read"
        " from stdin, or asked, so that it is in no list of processes and no shell history: put no"
        " name into the other options either. `list` shows the active ones, with --all the"
        " released ones too; `release` asks for the release, and, called by a second person,"
        " releases. Exit code 1: nothing was changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--organization", default="default", metavar="SLUG", help="default: %(default)s"
        )
        deeds = parser.add_subparsers(dest="deed", required=True, metavar="place|list|release")
        place = deeds.add_parser("place", help="suspend destruction")
        place.add_argument("--matter", required=True, metavar="TEXT", help="the matter's name")
        place.add_argument("--reason", required=True, metavar="TEXT")
        place.add_argument("--owner", metavar="NAME", help="who answers for it; default: you")
        scope = place.add_mutually_exclusive_group(required=True)
        for kind in ScopeKind.values:
            if kind != ScopeKind.USER:
                scope.add_argument(f"--{kind}", metavar=kind.upper())
        scope.add_argument("--user", action="store_true", help="the person who is named on stdin")
        listed = deeds.add_parser("list", help="show holds")
        listed.add_argument("--all", action="store_true", help="released ones too")
        listed.add_argument("--json", action="store_true", help="one JSON array")
        release = deeds.add_parser("release", help="the first person asks, the second releases")
        release.add_argument("hold", type=UUID, metavar="ID")

    def handle(self, *args: Any, organization: str, deed: str, **options: Any) -> None:
        deeds = {"place": self._place, "list": self._list, "release": self._release}
        try:
            deeds[deed](get_organization(organization), options)
        except OrgoError as error:
            raise CommandError(error.placed_sentence) from None

    def _place(self, organization: Organization, options: dict[str, Any]) -> None:
        kind = next(kind for kind in ScopeKind.values if options[kind] not in (None, False))
        hold = holds.place(
            organization,
            matter=options["matter"],
            reason=options["reason"],
            owner=options["owner"] or recorded_operator(),
            scope_kind=kind,
            scope_value=typed_person(self.stderr) if kind == ScopeKind.USER else options[kind],
            by=recorded_operator(),
            now=timezone.now(),
        )
        self.stdout.write(f"{hold.pk}: {_kept_by(hold)}")

    def _list(self, organization: Organization, options: dict[str, Any]) -> None:
        every = holds.holds_of([organization]).order_by("placed_at", "pk")
        found = list(every if options["all"] else every.filter(released_at=None))
        holds.set_leavers_aside(found)
        if options["json"]:
            self.stdout.write(json.dumps([hold_as_json(hold) for hold in found], indent=2))
            return
        for hold in found:
            self.stdout.write(_line(hold))
        if not found:
            self.stdout.write("no holds")

    def _release(self, organization: Organization, options: dict[str, Any]) -> None:
        by = recorded_operator()
        hold = holds.advance_release(organization, options["hold"], by=by, now=timezone.now())
        asked = "the release is asked for; a second person releases"
        self.stdout.write("released" if hold.released_at else asked)


def _kept_by(hold: LegalHold) -> str:
    if hold.scope_kind == ScopeKind.CASE:
        return "holds the case, if there is one"
    if count := holds.rows_of(hold):
        return f"holds {events(count)} now"
    return "nothing matches yet; what comes is held too"


def _line(hold: LegalHold) -> str:
    if hold.released_at:
        state = f"released by {hold.released_by}"
    elif hold.release_asked_by:
        state = f"release asked by {hold.release_asked_by}"
    else:
        state = f"review on {hold.review_on}"
    told = (str(hold.pk), hold.matter, f"{hold.scope_kind} {hold.scope_value}", hold.owner, state)
    return without_controls("  ".join(told))
