"""The API served over HTTP with a fake in place of the flow runs; and projects, files and tasks for its tests."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
from fastapi import FastAPI

from penstock.api import create_app
from penstock.api.server import Server
from penstock.domain.attempts import HealthStatus, RunsHealth
from penstock.domain.ids import ProjectId, new_file_id
from penstock.domain.media import Media
from penstock.domain.task import File, FileFacts, Task
from penstock.records import Records
from penstock.services import Services

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
BODY = {"url": "https://example.com/a.mp4", "kind": "video", "format": "mp4"}


@dataclass
class FakeRunService:
    """Remembers what was asked of it."""

    cancelled: list[str] = field(default_factory=list)
    prefect: HealthStatus = "ok"
    workers: HealthStatus = "ok"

    async def cancel(self, run_id: str) -> None:
        self.cancelled.append(run_id)

    async def end_unstarted(self, run_id: str) -> None:
        self.cancelled.append(run_id)

    def url(self, run_id: str) -> str:
        return f"http://prefect/runs/{run_id}"

    async def health(self) -> RunsHealth:
        return RunsHealth(self.prefect, self.workers)


@dataclass(frozen=True)
class Project:
    """A project and its key, as a test needs them."""

    id: ProjectId
    key: str
    records: Records

    def __call__(self, **more: object) -> dict[str, object]:
        return {"headers": {"Authorization": f"Bearer {self.key}"}, **more}


@contextmanager
def serving(parts: Services, runs: FakeRunService) -> Iterator[httpx.Client]:
    """The API of these services on a port of its own, and a client of it."""
    server = ReportingServer(create_app(parts, runs))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(30)
        # Threads share the client: connections that it closes as idle would at times be closed under another thread.
        kept = httpx.Limits(max_keepalive_connections=None, keepalive_expiry=None)
        with httpx.Client(base_url=server.url, timeout=70, trust_env=False, limits=kept) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


class ReportingServer(Server):
    """Tells when it serves, and where."""

    def __init__(self, app: FastAPI):
        super().__init__(app)
        self.ready = threading.Event()

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self.ready.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"


def with_settings(parts: Services, **changed: object) -> Services:
    return replace(parts, settings=parts.settings.model_copy(update=changed))


def new_project(parts: Services) -> Project:
    project_id = parts.records.keys.new_project(f"project {secrets.token_hex(8)}")
    return Project(project_id, parts.records.keys.create(project_id)[1], parts.records)


def store_upload(parts: Services, project: Project, content: bytes = b"0123456789", media: Media | None = None) -> File:
    """An upload with these bytes, whatever they are."""
    file_id = new_file_id()
    facts = FileFacts("video", "mp4", "video/mp4", filesize=len(content), sha256=secrets.token_hex(32))
    file = File(file_id, project.id, "file", facts, f"{project.id}/{file_id}", None, NEVER, NEVER, media)
    path = Path(parts.settings.root) / file_id
    path.write_bytes(content)
    parts.objects.put(path, file.key, facts.type)
    path.unlink()
    return parts.records.files.add(file)


def complete_task_of(parts: Services, task_id: str) -> Task:
    """The task, run to its end."""
    task = parts.records.tasks.get_by_id(task_id)
    parts.records.tasks.begin(task.id, task.attempt, "owner", "run-1")
    file_id = new_file_id()
    facts = FileFacts("video", "mp4", "video/mp4", 10, file_id, "h264,aac", 640, 360, 1.5, 25.0, 37, 53)
    file = File(file_id, task.project_id, "source", facts, f"{task.project_id}/{file_id}", task.id, NEVER, NEVER)
    return parts.records.tasks.complete(task.id, task.attempt, "owner", file)
