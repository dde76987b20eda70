"""What the API's documentation says of alerts and health checks. (To be filled.)"""

from __future__ import annotations

from orgo_audit.api_schema import Documented


class MonitoringSchema(Documented):
    """Monitoring's part of the API's documentation."""

    def __init__(self) -> None:
        super().__init__({}, {})
