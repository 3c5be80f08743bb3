"""Runs without Prefect: real records in PostgreSQL, a real folder as the storage."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from penstock.domain.ids import ProjectId, TaskId, new_file_id
from penstock.domain.request import SourceRequest
from penstock.domain.task import Task
from penstock.metrics.counts import Counts
from penstock.orchestration.run.heartbeat import Heartbeat
from penstock.orchestration.run.lease import Run, RunLease
from penstock.orchestration.run.stage_runner import Stages
from penstock.records import Records
from penstock.services import LiveRuns
from penstock.storage.object_store import FolderStore
from tests.records.conftest import database, project, records, records_without_lease, separate_records

__all__ = ["database", "host", "new_run", "project", "records", "records_without_lease", "separate_records", "task_of"]


@dataclass
class Host:
    """The services of a worker process, as far as its runs use them."""

    records: Records
    objects: FolderStore
    live: LiveRuns
    resumable: LiveRuns
    settings: SimpleNamespace
    counts: Counts

    def task(self, task: Task) -> Task:
        return self.records.tasks.get_by_id(task.id)


@pytest.fixture
def host(records: Records, tmp_path: Path) -> Host:
    folders = {"scratch": tmp_path / "scratch", "kept_outputs": tmp_path / "verified"}
    settings = SimpleNamespace(**folders, reuse="on", batch_roots="")
    return Host(records, FolderStore(tmp_path / "files"), LiveRuns(), LiveRuns(), settings, Counts())


def new_run(task_id: TaskId, services: object = None) -> Run:
    """A run of a first attempt; its heartbeat is not started."""
    heartbeat = Heartbeat(lambda _state, _percent: False)
    return Run(RunLease(task_id, 1, "me", new_file_id()), services, Path(), Stages(heartbeat))


def task_of(**source: str) -> Task:
    """A queued task, in no database."""
    now = datetime.now(UTC)
    request = SourceRequest(kind="video", format="mp4", **source)
    return Task(TaskId("tsk_1"), ProjectId("prj_1"), request, "processing", "queued", 0, 1, now, now)
