"""The record's API doors: each parses, calls one function and renders. No rule lives here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from logs.api import bodies, parameters
from logs.api.schema import RecordSchema
from logs.record import access, drafts, export, ingest, own_events, reading, tracing, wire
from logs.record.models import Event
from logs.record.receipts import Receipt, Sender
from logs.record.vocabulary import LogType
from orgo_audit import api_pages
from orgo_audit.accounts.models import Organization, Role, Scope, ServiceToken, User
from orgo_audit.accounts.people import organizations_with_role
from orgo_audit.api import problem, single_parameters
from orgo_audit.api_doors import Door
from orgo_audit.errors import BadInput, NotAllowed, NotFound


class RecordView(Door):
    """A door of the record."""

    log_types: tuple[LogType, ...] = tuple(LogType)  # an address may serve fewer
    schema = RecordSchema()

    def put_on_record(
        self, identity: User | ServiceToken | None, address: str | None, what: str, why: str
    ) -> None:
        own_events.report_refusal(identity, address, what, why)

    def put_rate_limit_on_record(self, token: ServiceToken, address: str | None) -> None:
        own_events.report_rate_limit(token, address)

    def require_view(self, request: Request) -> None:
        """A person without the view, and every other stranger, finds nothing here."""
        if isinstance(request.user, ServiceToken):
            if not request.user.has_scope(Scope.READ):
                raise NotAllowed("this token has no scope `read`", code="scope_missing")
        elif not access.narrowed(access.readable(request.user), self.log_types):
            self.report_refusal("no view")
            raise NotFound


class AdminView(RecordView):
    """For people with the role `admin`; no scope of a token opens it."""

    def require_admin(self, request: Request) -> list[Organization]:
        """The organizations whose admin this person is."""
        if isinstance(request.user, ServiceToken):
            raise NotAllowed(
                "people with the role `admin` look after this; no token does", code="person_needed"
            )
        if own := organizations_with_role(request.user, Role.ADMIN):
            return own
        self.report_refusal("no view")
        raise NotFound


class EventBatchView(RecordView):
    """`POST` takes events in, `GET` lists them: one log, or all three."""

    def post(self, request: Request) -> HttpResponse:
        """Each 400 has a receipt's keys, that of a body without items too."""
        token = self._ingest_token(request)
        try:
            return _receipt_answer(self._stored(request, Sender(token.organization, token.name)))
        except BadInput as error:
            nothing = Receipt.of_nothing().as_json()
            return problem(400, error.code, error.sentence, path=error.path, more=nothing)

    def _stored(self, request: Request, sender: Sender) -> Receipt:
        body, lines = bodies.batch_of(request)
        single_parameters(request, ())
        expected = self.log_types[0] if len(self.log_types) == 1 else None
        return ingest.store_batch(
            drafts.parse_batch(body, lines=lines, log_type=expected, now=timezone.now()),
            sender,
            key=bodies.idempotency_key_of(request, body),
        )

    def get(self, request: Request) -> Response:
        self.require_view(request)
        query = parameters.query_of(request, self.log_types)
        cursor, size = api_pages.page_of(request)
        page = reading.read(parameters.viewer_of(request), query, cursor=cursor, size=size)
        return Response(api_pages.page_answer(request, page, as_answer))

    def _ingest_token(self, request: Request) -> ServiceToken:
        if not isinstance(request.user, ServiceToken):
            self.require_view(request)
            raise NotAllowed("events are delivered with a service token", code="token_needed")
        if not request.user.has_scope(Scope.INGEST):
            raise NotAllowed("this token has no scope `ingest`", code="scope_missing")
        return request.user


class ExportView(RecordView):
    """The filtered list as a file, streamed."""

    def get(self, request: Request) -> HttpResponseBase:
        self.require_view(request)
        query = parameters.query_of(request, self.log_types, beside=parameters.MANNER)
        manner = parameters.manner_of(request)
        if request.method == "HEAD":
            return HttpResponse(content_type=manner.form.media_type)
        blocks = export.export(parameters.viewer_of(request), query, manner)
        return StreamingHttpResponse(blocks, content_type=manner.form.media_type)


class EventView(RecordView):
    """One event by its id; the address of another log type does not have it."""

    def get(self, request: Request, event_id: UUID) -> Response:
        self.require_view(request)
        single_parameters(request, ())
        event = reading.get(parameters.viewer_of(request), self.log_types, event_id)
        return Response(as_answer(event))


class TraceView(RecordView):
    """A task from e-mail to completion."""

    def get(self, request: Request, task_id: str) -> Response:
        self.require_view(request)
        single_parameters(request, ())
        trace = tracing.trace_of(parameters.viewer_of(request), task_id, now=timezone.now())
        return Response(trace.as_json())


def as_answer(event: Event) -> dict[str, Any]:
    return wire.as_wire(event, event.organization.slug)


def _receipt_answer(receipt: Receipt) -> HttpResponse:
    if receipt.status != 400:
        return Response(receipt.as_json(), status=receipt.status)
    first = receipt.rejected[0]
    alone = len(receipt.rejected) == 1
    return problem(
        400,
        first["code"] if alone else "nothing_accepted",
        first["detail"] if alone else "no item was accepted; `rejected` says why, item by item",
        path=first["path"] if alone else "",
        more=receipt.as_json(),
    )
