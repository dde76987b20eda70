"""`plan_retention`: what will be destroyed and when. Touches nothing."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logs.record.wire import format_instant
from logs.retention import answers, overview
from logs.retention.overview import PlannedSegment
from logs.retention.plan import Conflict, Drop, Fate, Held, Remove, Wait
from logs.retention.wording import events, held
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import OrgoError


class Command(BaseCommand):
    help = (
        "Prints, segment by segment, what retention will destroy, from when on, what a hold keeps"
        " and which conflict nobody has resolved; last, the earliest next deletion. Changes"
        " nothing. Exit code 1: the policy in force cannot be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object, as the API's")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            told = overview.overview(list(Organization.objects.all()), now=now)
        except OrgoError as error:
            raise CommandError(error.full_sentence) from None
        if options["json"]:
            self.stdout.write(json.dumps(answers.overview_as_json(told), indent=2))
            return
        for one in told.segments:
            for line in lines(one, now):
                self.stdout.write(line)
        earliest = format_instant(told.earliest) if told.earliest else "none"
        self.stdout.write(f"earliest next deletion: {earliest}")


def lines(one: PlannedSegment, now: datetime) -> Iterator[str]:
    """A segment, below it what happens to it, and what of that is published already."""
    about = "" if one.plan.segment.is_closed else "about "
    rows = "not yet counted" if one.rows is None else f"{about}{events(one.rows)}"
    yield f"{one.plan.segment.name}: {rows}, {one.bytes or 0} bytes"
    for decision in one.plan.decisions:
        yield f"  {_sentence(decision, now)}"
    for found in one.published:
        whose = f" for {found.row.whose}" if found.row.whose else ""
        missing = f", {found.approvals_missing} approvals missing" * bool(found.approvals_missing)
        at = format_instant(found.not_before)
        yield f"  published{whose}: the first run after {at} does it{missing}"


def _sentence(decision: Fate, now: datetime) -> str:
    match decision:
        case Drop(at):
            return f"goes as a whole from {format_instant(at)} on"
        case Remove(at, organization, rows):
            return f"{events(rows)} of {organization} go from {format_instant(at)} on"
        case Held(organization, by, rows):
            return f"held: {held(rows)} of {organization}, by {', '.join(map(str, by))}"
        case Conflict(organization):
            return f"conflict: the regimes of {organization} contradict each other; nothing goes"
        case Wait(until) if until <= now:
            return "due: the next run counts the month and publishes what goes"
        case _:
            return f"nothing before {format_instant(decision.until)}"
