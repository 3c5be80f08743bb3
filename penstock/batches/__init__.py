"""Batches without Prefect: list the inputs, decide what to convert, convert chunks of lines, report."""
