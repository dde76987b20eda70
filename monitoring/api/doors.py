"""What the doors of monitoring share: who may pass, and the record of looks and refusals."""

from __future__ import annotations

from rest_framework.request import Request

from logs import interface
from monitoring.api.schema import MonitoringSchema
from orgo_audit.accounts.models import Organization, Role, Scope, ServiceToken, User
from orgo_audit.accounts.people import organizations_with_role
from orgo_audit.api_doors import Door
from orgo_audit.callers import address_of
from orgo_audit.errors import NotAllowed, NotFound


class MonitoringView(Door):
    """A door of monitoring: for admins and tokens of scope `read`."""

    schema = MonitoringSchema()

    def put_on_record(
        self, identity: User | ServiceToken | None, address: str | None, what: str, why: str
    ) -> None:
        interface.report_refusal(identity, address, what, why)

    def put_rate_limit_on_record(self, token: ServiceToken, address: str | None) -> None:
        interface.report_rate_limit(token, address)

    def readers_organizations(self, request: Request) -> list[Organization]:
        """Whose alerts the caller sees; NotFound for whoever sees none."""
        if isinstance(request.user, ServiceToken):
            if request.user.has_scope(Scope.READ):
                return [request.user.organization]
            raise NotAllowed("this token has no scope `read`", code="scope_missing")
        if own := organizations_with_role(request.user, Role.ADMIN):
            return own
        self.report_refusal("no view")
        raise NotFound

    def looked(
        self, request: Request, own: list[Organization], what: str, filters: dict[str, str]
    ) -> None:
        interface.report_read(viewer_of(request), own, what, filters)


def viewer_of(request: Request) -> interface.Viewer:
    assert isinstance(request.user, User | ServiceToken)  # noqa: S101  # the door asked
    return interface.Viewer(request.user, address_of(request))
