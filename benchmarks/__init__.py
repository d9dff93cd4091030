"""Measured budgets: `make bench`, `make bench-web`. Never part of the tests."""
