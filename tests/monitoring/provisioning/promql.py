"""Reads PromQL: which metrics an expression asks for."""

from __future__ import annotations

import promql_parser
from promql_parser import Expr, VectorSelector

# What Grafana puts in before it asks.
_VARIABLES = {"$__rate_interval": "5m", "$__interval": "1m"}


def filled_in(expr: str) -> str:
    for variable, value in _VARIABLES.items():
        expr = expr.replace(variable, value)
    return expr


def names_in(expr: str) -> set[str]:
    """Every metric's name in it; ValueError where it cannot be read."""
    found: set[str] = set()

    def note(node: Expr) -> bool:
        if isinstance(node, VectorSelector):
            found.add(str(node.name))
        return True

    promql_parser.walk(promql_parser.parse(filled_in(expr)), note)
    return found
