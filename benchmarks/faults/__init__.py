"""Faults on a real service, many times over: what is left after each, as counts."""
