"""Grafana's dashboards as code: `python -m monitoring.provisioning.dashboards` writes them."""
