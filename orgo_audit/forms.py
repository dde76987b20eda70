"""How all forms show a refusal: the first field that is wrong has the focus when the page opens."""

from __future__ import annotations

from typing import Any

from django.forms import BoundField, Widget
from django.forms.renderers import DjangoTemplates


class LedToField(BoundField):
    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: Widget | None = None
    ) -> dict[str, Any]:
        built = super().build_widget_attrs(attrs, widget)
        wrong = (name for name in self.form.fields if name in self.form.errors)
        return built | ({"autofocus": True} if self.name == next(wrong, None) else {})


class Renderer(DjangoTemplates):
    bound_field_class = LedToField
