"""Whoever reads certificates gets those of the own organizations alone; an admin none of cases."""

from __future__ import annotations

from uuid import UUID

import pytest

from logs.retention import certificates
from logs.retention.models import Means
from orgo_audit.accounts.models import Organization
from orgo_audit.errors import NotFound
from tests.builders import an_organization
from tests.retention import a_certificate

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def home() -> Organization:
    return an_organization("home")


def test_others_certificates_are_not_there(home: Organization) -> None:
    north = an_organization("north")
    own, nobodys = a_certificate(home), a_certificate(None, "error-2020-01")
    assert certificates.one(certificates.of_events([home]), own.pk) == own
    with pytest.raises(NotFound):
        certificates.one(certificates.of_events([north]), own.pk)
    assert certificates.one(certificates.of_events([north]), nobodys.pk) == nobodys


def test_certificates_of_cases_are_no_admins_matter(home: Organization) -> None:
    case = a_certificate(
        home, "", kind=Means.CASE, case_code=UUID(int=5), announcement=None, rows_held=0
    )
    assert list(certificates.of_events([home])) == []
    with pytest.raises(NotFound):
        certificates.one(certificates.of_events([home]), case.pk)
    assert list(certificates.of_cases([home])) == [case]
