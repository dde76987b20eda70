"""An organization under attack, its service and its admin."""

from __future__ import annotations

import pytest
from django.test import Client

from orgo_audit.accounts.models import Organization, Role
from tests.builders import Service, a_user, an_organization


@pytest.fixture
def home() -> Organization:
    return an_organization()


@pytest.fixture
def service(home: Organization) -> Service:
    return Service(home)


@pytest.fixture
def admin(home: Organization) -> Client:
    client = Client()
    client.force_login(a_user(Role.ADMIN, home))
    return client
