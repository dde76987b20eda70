"""An organization, and a service that may read it."""

from __future__ import annotations

import pytest

from orgo_audit.accounts.models import Organization, Scope
from tests.builders import Service, an_organization


@pytest.fixture
def organization(db: None) -> Organization:
    return an_organization()


@pytest.fixture
def service(organization: Organization) -> Service:
    return Service(organization, Scope.READ)
