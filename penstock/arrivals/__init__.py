"""Converts what arrives in buckets, by the rules of the operator."""
