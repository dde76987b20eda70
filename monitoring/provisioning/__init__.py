"""What Prometheus, Alertmanager and Grafana read: made from code, shipped as files."""
