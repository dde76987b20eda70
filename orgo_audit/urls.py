"""All addresses of the portal."""

from __future__ import annotations

from django.urls import include, path, re_path
from django_prometheus.exports import ExportToDjangoView

from orgo_audit import admin, api, health, pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("sign-in/", pages.SignIn.as_view(), name="sign-in"),
    path("password/", pages.ChangePassword.as_view(), name="change-password"),
    path("sign-out/", pages.SignOut.as_view(), name="sign-out"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("logs.api.urls")),
    re_path("^api(?:/|$)", api.nothing_here),
    path("metrics", ExportToDjangoView, name="metrics"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = pages.bad_request
handler403 = pages.forbidden
handler404 = pages.not_found
handler500 = pages.server_error
