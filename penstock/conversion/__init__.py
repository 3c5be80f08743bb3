"""Conversions without Prefect: refuse one early, plan it without doing it, carry it out, alone or in a group."""
