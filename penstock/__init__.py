"""Penstock: media conversion as Prefect flow runs."""

__version__ = "0.1.0"
