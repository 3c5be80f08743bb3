"""The fixtures of runs without Prefect."""

from tests.orchestration.conftest import apart, database, hasty, host, project, records

__all__ = ["apart", "database", "hasty", "host", "project", "records"]
