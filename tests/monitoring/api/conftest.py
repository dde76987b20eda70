"""An organization, one of its admins, and a service that may read."""

from __future__ import annotations

import pytest

from orgo_audit.accounts.models import Organization, Role, Scope
from tests.builders import Caller, Service, a_user, an_organization


@pytest.fixture
def home(db: None) -> Organization:
    return an_organization("home")


@pytest.fixture
def anna(home: Organization) -> Caller:
    return Caller(user=a_user(Role.ADMIN, home, "anna"))


@pytest.fixture
def service(home: Organization) -> Service:
    return Service(home, Scope.READ, name="dashboard")
