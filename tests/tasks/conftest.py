"""The fixtures of runs without Prefect."""

from tests.orchestration.conftest import database, host, project, records, records_without_lease, separate_records

__all__ = ["database", "host", "project", "records", "records_without_lease", "separate_records"]
