"""What every door of the API does: a refusal is put on record, then answered. Opens nothing."""

from __future__ import annotations

from abc import abstractmethod

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import APIView

from orgo_audit.accounts.models import ServiceToken, User
from orgo_audit.callers import address_of, method_of, route_of
from orgo_audit.errors import NotAllowed

# What is put on record, and in which words.
REFUSALS: dict[type[Exception], str] = {
    NotAllowed: "not allowed",
    exceptions.NotAuthenticated: "no credentials",
    exceptions.AuthenticationFailed: "bad credentials",
    exceptions.PermissionDenied: "CSRF",
}


class Door(APIView):
    """Each app says how its refusals come into the record."""

    http_method_names = ["get", "head", "post"]

    @abstractmethod
    def put_on_record(
        self, identity: User | ServiceToken | None, address: str | None, what: str, why: str
    ) -> None:
        """Somebody was refused `what`."""

    @abstractmethod
    def put_rate_limit_on_record(self, token: ServiceToken, address: str | None) -> None:
        """A service was told to wait."""

    def handle_exception(self, exc: Exception) -> Response:
        if why := REFUSALS.get(type(exc)):
            self.report_refusal(why)
        if isinstance(exc, exceptions.Throttled) and isinstance(self.request.user, ServiceToken):
            self.put_rate_limit_on_record(self.request.user, address_of(self.request))
        return super().handle_exception(exc)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None of REST framework's: `Allow` on a 404 would tell an address from no address."""
        return {}

    def report_refusal(self, why: str) -> None:
        request = self.request
        identity = getattr(request, "_user", None)
        known = identity if isinstance(identity, User | ServiceToken) else None
        what = f"{method_of(request)} {route_of(request)}"
        self.put_on_record(known, address_of(request), what, why)
