"""`erase_subject`: asks two custodians to erase a person, and tells what became of it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from logs.cases import errands
from logs.cases.models import RequestState
from logs.record import own_events
from logs.retention import erasing
from orgo_audit.accounts.models import Organization
from orgo_audit.accounts.people import get_organization
from orgo_audit.errors import NotFound, OrgoError
from orgo_audit.operators import recorded_operator, typed_person

ENDED_WITHOUT = (RequestState.DENIED, RequestState.EXPIRED, RequestState.WITHDRAWN)


class Command(BaseCommand):
    help = (
        "Asks for the erasure of a person: of the restricted world (cases, keys, sealed texts), and"
        " of the events in the ordinary logs that name exactly this address or name, unless a legal"
        " hold or a duty needs them."
        " The person's address or name is read from stdin, or asked, so that it is in no list of"
        " processes and no shell history. A name that stands in several cases may be several"
        " people's: then nothing is erased, and NAME in CASE-CODE, or an address, is to be given."
        " Prints the request and the page where two custodians approve it. With --request, tells"
        " what it would erase of the ordinary logs, and what became of it: the certificate, or why"
        " nothing was erased. Exit code 0: asked for,"
        " waiting or erased; 1: nothing was asked for, or the request ended and nothing was erased."
        " Needs a vault that runs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--organization", default="default", metavar="SLUG", help="default: %(default)s"
        )
        wanted = parser.add_mutually_exclusive_group(required=True)
        wanted.add_argument("--reason", type=_utf8, metavar="TEXT", help="why; custodians read it")
        wanted.add_argument("--request", type=UUID, metavar="ID", help="an earlier request")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(
        self,
        *args: Any,
        organization: str,
        reason: str | None,
        request: UUID | None,
        **options: Any,
    ) -> None:
        try:
            tenant = get_organization(organization)
            told = _told(tenant, request) if request else self._ask(tenant, reason or "")
        except OrgoError as error:
            raise CommandError(error.placed_sentence) from None
        self.stdout.write(json.dumps(told, indent=2) if options["json"] else _as_text(told))
        if told["state"] in ENDED_WITHOUT:
            sys.exit(1)

    def _ask(self, organization: Organization, reason: str) -> dict[str, Any]:
        body = {"person": typed_person(self.stderr), "reason": reason}
        by = recorded_operator()
        own_events.report_administration("Restricted Area Used", organization, by, {})
        answer = errands.ask("ask_erasure", organization, body, by=None)
        return _shape(answer["id"], RequestState.PENDING, None)


def _utf8(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentTypeError("expected a text in UTF-8") from None
    return text


def _told(organization: Organization, request: UUID) -> dict[str, Any]:
    try:
        answer = errands.ask("erasure", organization, {"id": str(request)}, by=None)
    except NotFound:
        raise NotFound(f"{organization.slug} has no erasure {request}") from None
    return _shape(str(request), answer["state"], answer["certificate"])


def _shape(request: str, state: str, certificate: list[dict[str, str]] | None) -> dict[str, Any]:
    page = settings.ORGO_PUBLIC_URL + reverse("reveal", args=[request])
    plan = erasing.plan_of(UUID(request))
    return {
        "request": request,
        "state": state,
        "page": page,
        "ordinary_logs": erasing.sentence(plan) if plan else None,
        "certificate": certificate,
    }


def _as_text(told: dict[str, Any]) -> str:
    state = RequestState(told["state"])
    words = (
        "not carried out" if state == RequestState.DENIED and told["certificate"] else state.label
    )
    lines = [f"request {told['request']}: {words}"]
    if state == RequestState.PENDING:
        lines.append(f"two custodians approve it at {told['page']}")
    if told["ordinary_logs"] and state == RequestState.PENDING:
        lines.append(f"events in the ordinary logs: {told['ordinary_logs']}")
    lines += [f"  {line['store']}: {line['result']}" for line in told["certificate"] or ()]
    return "\n".join(lines)
