"""All health checks by their names, in the order in which they are shown."""

from __future__ import annotations

from monitoring.health_checks.base import Check
from monitoring.health_checks.beat import Beat
from monitoring.health_checks.broker import Broker
from monitoring.health_checks.cache import Cache
from monitoring.health_checks.clock import Clock
from monitoring.health_checks.database import Database
from monitoring.health_checks.disk import Disk
from monitoring.health_checks.mail import Mail
from monitoring.health_checks.queue import Queue
from orgo_audit.errors import NotFound
from orgo_audit.policy import versions
from orgo_audit.policy.schema import Frequency

CHECKS: dict[str, Check] = {
    check.name: check
    for check in (Mail(), Queue(), Cache(), Database(), Broker(), Disk(), Clock(), Beat())
}


def frequencies() -> dict[str, Frequency]:
    """How often each is made, by the policy in force."""
    wanted = versions.current().health_checks
    return {name: getattr(wanted, name) for name in CHECKS}


def known(name: str) -> Check:
    """NotFound for a name that no check has."""
    if name not in CHECKS:
        raise NotFound
    return CHECKS[name]
