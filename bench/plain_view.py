"""The yardstick: batches through REST framework's serializers and bulk_create, as one writes it.

Same table, token, types and limits as our door. It judges, seals and quarantines nothing, and
knows no idempotency: what it leaves out is in its favour.
"""

from __future__ import annotations

from typing import Any

from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from logs.record.drafts import MAX_REASON_CHARACTERS, MAX_TEXT_CHARACTERS
from logs.record.identifiers import new_ids
from logs.record.models import Event
from logs.record.vocabulary import LogType, code_of, outcome_of
from orgo_audit import health

BATCH_SIZE = 1000


class EventListSerializer(serializers.ListSerializer[Any]):
    """Stores a batch of the activity log."""

    def create(self, validated_data: list[dict[str, Any]]) -> list[Event]:
        now = timezone.now()
        events = [
            Event(
                id=identifier,
                log_type=LogType.ACTIVITY,
                recorded_at=now,
                code=(code := code_of(event["action"])),
                outcome=outcome_of(LogType.ACTIVITY, code, event.get("status")),
                **event,
            )
            for identifier, event in zip(
                new_ids(now, len(validated_data)), validated_data, strict=True
            )
        ]
        return Event.objects.bulk_create(events, batch_size=BATCH_SIZE)


def _short(source: str | None = None) -> serializers.CharField:
    return serializers.CharField(source=source, max_length=MAX_TEXT_CHARACTERS, required=False)


class EventSerializer(serializers.Serializer[Any]):
    """The blueprint's keys; all others go to `details`."""

    timestamp = serializers.DateTimeField(source="occurred_at")
    action = serializers.CharField(max_length=MAX_TEXT_CHARACTERS)
    user = _short("actor")
    task_id = _short()
    email_id = _short()
    ip_address = serializers.IPAddressField(required=False)
    to = _short("route_to")
    status = _short()
    reason = serializers.CharField(max_length=MAX_REASON_CHARACTERS, required=False)
    workflow = _short()

    class Meta:
        list_serializer_class = EventListSerializer

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"from": _short("route_from")}

    def to_internal_value(self, data: dict[str, Any]) -> dict[str, Any]:
        event: dict[str, Any] = super().to_internal_value(data)
        event["details"] = {key: data[key] for key in data if key not in self.fields}
        return event


class PlainBatchView(APIView):
    """`POST` takes a batch in."""

    parser_classes = [JSONParser]
    content_negotiation_class = DefaultContentNegotiation

    def post(self, request: Request) -> Response:
        serializer = EventSerializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        token: Any = request.auth
        events = serializer.save(organization=token.organization, source=token.name)
        ids = [str(event.id) for event in events]
        return Response({"accepted": len(ids), "ids": ids}, status=201)


urlpatterns = [
    path("api/v1/activity-logs/", PlainBatchView.as_view()),
    path("healthz", health.healthz),
]
