"""`plan_retention`: what will be destroyed and when. Touches nothing."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logs.retention import applying
from logs.retention.plan import (
    Conflict,
    Decision,
    Drop,
    Held,
    Remove,
    SegmentPlan,
    as_text,
    earliest,
)
from orgo_audit.errors import OrgoError


class Command(BaseCommand):
    help = (
        "Prints, segment by segment, what retention will destroy, from when on, what a hold keeps"
        " and which conflict nobody has resolved; last, the earliest next deletion. Changes"
        " nothing. Exit code 1: the policy in force cannot be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plans = applying.current_plan(timezone.now())
        except OrgoError as error:
            raise CommandError(error.full_sentence) from None
        following = earliest(plans)
        told = as_text(following) if following else None
        if options["json"]:
            shape = {"earliest": told, "segments": [one.as_json() for one in plans]}
            self.stdout.write(json.dumps(shape, indent=2))
            return
        for one in plans:
            for line in lines(one):
                self.stdout.write(line)
        self.stdout.write(f"earliest next deletion: {told or 'none'}")


def lines(one: SegmentPlan) -> Iterator[str]:
    """A segment, and below it what happens to it."""
    yield f"{one.segment.name}: {one.segment.rows} events, {one.segment.bytes} bytes"
    for decision in one.decisions:
        yield f"  {_sentence(decision)}"


def _sentence(decision: Decision) -> str:
    match decision:
        case Drop(at):
            return f"goes as a whole from {as_text(at)} on"
        case Remove(at, organization, rows):
            return f"{rows} events of {organization} go from {as_text(at)} on"
        case Held(organization, by, rows):
            return f"held: {rows} events of {organization}, by {', '.join(map(str, by))}"
        case Conflict(organization):
            return f"conflict: the regimes of {organization} contradict each other; nothing goes"
        case _:
            return f"nothing before {as_text(decision.until)}"
