"""All dashboards, and where each is written. Pure."""

from __future__ import annotations

from monitoring.provisioning.dashboards.platform import PLATFORM
from monitoring.provisioning.dashboards.portal import PORTAL
from monitoring.provisioning.dashboards.postgresql import POSTGRESQL
from monitoring.provisioning.dashboards.queues import QUEUES
from monitoring.provisioning.dashboards.workflow import WORKFLOW

DASHBOARDS = (PLATFORM, QUEUES, POSTGRESQL, PORTAL, WORKFLOW)


def files() -> dict[str, str]:
    """Each file's text by its name."""
    return {f"{dashboard.name}.json": dashboard.as_text() for dashboard in DASHBOARDS}
