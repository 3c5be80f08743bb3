"""What tests of conversions share: services without a database, tasks, and a workspace."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from penstock.conversion.rendition import Workspace
from penstock.domain.ids import ProjectId, TaskId
from penstock.domain.request import SourceRequest
from penstock.domain.task import Task
from penstock.engines import NoWatch, Tools
from penstock.storage.download import FetchPolicy
from penstock.storage.object_store import FolderStore

NOW = datetime.now(UTC)


@dataclass
class Records:
    """Remembers what was recorded, in order."""

    recorded: list[tuple[str, object]] = field(default_factory=list)

    @property
    def tasks(self):
        return self

    def record_plan(self, _task_id, _attempt, plan):
        self.recorded.append(("plan", plan))

    def record_input_version(self, _task_id, _attempt, version):
        self.recorded.append(("version", version))


def workspace_in(folder: Path, tools: Tools) -> Workspace:
    services = SimpleNamespace(
        records=Records(),
        objects=FolderStore(folder / "files"),
        tools=tools,
        limits=tools.limits,
        allowed_pairs=frozenset(),
        fetch_policy=FetchPolicy(max_bytes=10**9, allow="127.0.0.0/8"),
        settings=SimpleNamespace(receipt_frames=2, receipt_stills=True, max_plan_bytes=2**24),
    )
    (folder / "scratch").mkdir()

    def record_plan(task, summary):
        services.records.record_plan(task.id, task.attempt, summary)

    return Workspace(services, folder / "scratch", NoWatch(), record_plan=record_plan)


def task_for(kind: str, target: str, task_id: str = "tsk_1", **more: object) -> Task:
    source = {} if "file_id" in more or "url" in more else {"url": "https://example.com/input"}
    request = SourceRequest(kind=kind, format=target, **source, **more)
    return Task(TaskId(task_id), ProjectId("prj_1"), request, "processing", "queued", 0, 1, NOW, NOW)
