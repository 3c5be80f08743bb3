"""Runs without Prefect: real records in PostgreSQL, a real folder as the storage."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from penstock.domain.task import Task
from penstock.live_runs import LiveRuns
from penstock.orchestration.run import attempt
from penstock.records import Records
from penstock.storage.objects import FolderStore
from tests.records.conftest import apart, database, hasty, project, records

__all__ = ["apart", "database", "hasty", "host", "project", "records"]


@dataclass
class Host:
    """What one worker process shares with its runs."""

    records: Records
    objects: FolderStore
    live: LiveRuns
    settings: SimpleNamespace

    def task(self, task: Task) -> Task:
        return self.records.tasks.get_by_id(task.id)


@pytest.fixture
def host(records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(records, FolderStore(tmp_path / "files"), LiveRuns(), SimpleNamespace(scratch=tmp_path / "scratch"))
    monkeypatch.setattr(attempt, "current", lambda: made)
    return made
