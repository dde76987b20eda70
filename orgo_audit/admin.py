"""What all admin pages share: who may enter, and models that nobody can change."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from orgo_audit.accounts.models import Organization, Role
from orgo_audit.accounts.people import organizations_with_role

AnyView = Callable[..., HttpResponseBase]
FrontPagePart = Callable[[HttpRequest], dict[str, Any]]

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin  # Django's own class takes no type parameter


def is_admin(request: HttpRequest) -> bool:
    """Whether this person is admin of some organization. A superuser as such is not."""
    return bool(own_organizations(request))


def own_organizations(request: HttpRequest) -> list[Organization]:
    """Those whose admin this person is."""
    return organizations_with_role(request.user, Role.ADMIN)


class PageRefused(Http404):
    """A page that this person may not see: answered like any 404, and put on record."""


_APPS = "_orgo_apps"
# They need rights that the web login does not have, or reveal what another page would not.
_LEFT_OUT = frozenset({"autocomplete", "password_change", "password_change_done", "view_on_site"})


class AuditAdminSite(admin.AdminSite):
    """Django's admin for the role `admin` alone; for everybody else it does not exist."""

    site_title = "Orgo Audit"
    site_header = "Orgo Audit"
    index_title = "The record"
    enable_nav_sidebar = False

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # What the apps show on the first page: they add to it, and this module knows none of them.
        self.front_page: list[FrontPagePart] = []

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        context = dict(extra_context or {})
        for part in self.front_page:
            context |= part(request)
        return super().index(request, context)

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """Whoever shortens an address by hand comes to the first page, which shows all."""
        return redirect("admin:index")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Asked once a request: each page needs it more than once."""
        known: dict[str | None, list[Any]] = request.__dict__.setdefault(_APPS, {})
        if app_label not in known:
            known[app_label] = super().get_app_list(request, app_label)
        return known[app_label]

    def has_permission(self, request: HttpRequest) -> bool:
        return is_admin(request)

    def get_urls(self) -> list[Any]:
        return [url for url in super().get_urls() if getattr(url, "name", "") not in _LEFT_OUT]

    def admin_view(self, view: AnyView, cacheable: bool = False) -> Any:
        """Nobody is led to the sign-in form; somebody without the role finds nothing here."""
        inner = super().admin_view(view, cacheable)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if self.has_permission(request):
                return inner(request, *args, **kwargs)
            if request.user.is_authenticated:
                raise PageRefused
            return redirect_to_login(request.get_full_path(), reverse("sign-in"))

        return guarded

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one sign-in form for all roles, and it is not here."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PageRefused
        return redirect("sign-in")


site = AuditAdminSite()


class ReadOnlyAdmin(ModelAdmin):
    """A model that can be looked at by everybody whom the site lets in, and changed by nobody."""

    actions = None

    @property
    def list_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def page(self, view: AnyView) -> Any:
        """The view, for those who may see this model; for others it does not exist."""

        @wraps(view)
        def seen(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not self.has_view_permission(request):
                raise PageRefused
            return view(request, *args, **kwargs)

        return self.admin_site.admin_view(seen)

    def render(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> TemplateResponse:
        """A page of this model in the site's frame."""
        own = {"opts": self.opts, "list_url": self.list_url}
        every = self.admin_site.each_context(request) | own
        return TemplateResponse(request, template, every | context, status=status)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
