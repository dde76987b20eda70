"""All addresses of the portal."""

from __future__ import annotations

from django.urls import include, path, re_path

from orgo_audit import admin, api, api_docs, health, pages
from orgo_audit.sign_in import pages as sign_in_pages
from orgo_audit.sign_in import second_factor_pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("sign-in/", sign_in_pages.SignIn.as_view(), name="sign-in"),
    path("password/", sign_in_pages.ChangePassword.as_view(), name="change-password"),
    path("sign-out/", sign_in_pages.SignOut.as_view(), name="sign-out"),
    path("sessions/", sign_in_pages.sessions_page, name="sessions"),
    path("second-factor/", second_factor_pages.give_code, name="second-factor"),
    path("second-factor/set-up/", second_factor_pages.set_up, name="second-factor-set-up"),
    path("second-factor/settings/", second_factor_pages.settings, name="second-factor-settings"),
    path("second-factor/codes/", second_factor_pages.recovery_codes, name="recovery-codes"),
    path("second-factor/remove/", second_factor_pages.remove, name="second-factor-remove"),
    path("admin/", admin.site.urls),
    path("cases/", include("logs.portal.urls")),
    path("api/v1/schema/", api_docs.schema, name="api-schema"),
    path("api/v1/docs/", api_docs.docs, name="api-docs"),
    path("api/v1/", include("logs.api.urls")),
    path("api/v1/", include("monitoring.api.urls")),
    re_path("^api(?:/|$)", api.nothing_here),
    path("", include("monitoring.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = pages.bad_request
handler403 = pages.forbidden
handler404 = pages.not_found
handler500 = pages.server_error
