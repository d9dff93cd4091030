"""Server times of the reading screen on PostgreSQL: `make bench-web`."""
