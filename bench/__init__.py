"""What `make bench` measures: one module per promised ratio, each beside its yardstick."""
