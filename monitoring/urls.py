"""The address where Prometheus asks."""

from __future__ import annotations

from django.urls import path

from monitoring import exposition

urlpatterns = [path("metrics", exposition.metrics, name="metrics")]
