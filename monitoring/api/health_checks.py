"""The API doors of health checks: what was found last, and the wish for another run."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from logs.interface import format_instant
from monitoring import tasks
from monitoring.api.doors import MonitoringView
from monitoring.health_checks import registry, running
from monitoring.health_checks.models import HealthCheckResult
from orgo_audit import api_bodies
from orgo_audit.api import single_parameters
from orgo_audit.errors import Unavailable

NEVER = "never"


class HealthCheckListView(MonitoringView):
    """Every check with its last result. They are of the platform, and belong to no organization."""

    def get(self, request: Request) -> Response:
        own = self.readers_organizations(request)
        single_parameters(request, ())
        self.looked(request, own, "health checks", {})
        latest, every = running.latest(), registry.frequencies()
        return Response(
            {"results": [_item(name, every[name], latest.get(name)) for name in registry.CHECKS]}
        )


class HealthCheckRunView(MonitoringView):
    """Asks the worker for a run; its result comes into the list."""

    def post(self, request: Request, name: str) -> Response:
        own = self.readers_organizations(request)
        api_bodies.require_none(request)
        registry.known(name)
        self.looked(request, own, f"health check {name}, asked for a run", {})
        if not tasks.nudge(tasks.run_health_check, name, True):
            raise Unavailable("the broker is away; ask again later")
        item = _item(name, registry.frequencies()[name], running.latest().get(name))
        return Response(item | {"asked": True}, status=202)


def _item(name: str, every: str, last: HealthCheckResult | None) -> dict[str, Any]:
    return {
        "name": name,
        "state": last.state if last else NEVER,
        "every": every,
        "last_run": format_instant(last.started_at) if last else None,
        "detail": last.detail if last else "",
        "duration_ms": last.duration_ms if last else None,
    }
