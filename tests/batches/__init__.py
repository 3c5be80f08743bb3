"""Batches without Prefect, on real records, files and encoders."""
