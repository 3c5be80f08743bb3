"""The whole API, served over HTTP, on a real PostgreSQL, a real folder and real probes; only the runs are pretended."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from penstock.api import create_app
from penstock.api.server import Server
from penstock.domain.attempts import HealthStatus, RunsHealth
from penstock.domain.ids import ProjectId, new_file_id
from penstock.domain.media import Media
from penstock.domain.task import File, FileFacts, Task
from penstock.records import Records
from penstock.services import Services, open_services
from penstock.settings import Settings
from tests.storage.conftest import aws, s3_endpoint  # noqa: F401 - fixtures for those that ask for a bucket

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
BODY = {"url": "https://example.com/a.mp4", "kind": "video", "format": "mp4"}


@dataclass
class PretendedRuns:
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


@pytest.fixture(scope="session")
def settings(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    return Settings(
        _env_file=None,
        home=home,
        database_url=new_database(),
        requests_per_minute=1_000_000,
        reads_per_minute=1_000_000,
        failed_keys_per_minute=1_000_000,
        failed_links_per_minute=1_000_000,
    )


@pytest.fixture(scope="session")
def parts(settings: Settings) -> Iterator[Services]:
    with open_services(settings) as opened:
        opened.records.migrate()
        yield opened


@pytest.fixture
def runs(shared: tuple[httpx.Client, PretendedRuns]) -> PretendedRuns:
    return shared[1]


@pytest.fixture(scope="session")
def shared(parts: Services) -> Iterator[tuple[httpx.Client, PretendedRuns]]:
    """One API for all tests that need no settings of their own."""
    runs = PretendedRuns()
    with serving(parts, runs) as opened:
        yield opened, runs


@pytest.fixture
def client(shared: tuple[httpx.Client, PretendedRuns]) -> httpx.Client:
    return shared[0]


@pytest.fixture
def project(parts: Services) -> Project:
    return new_project(parts)


@pytest.fixture
def other(parts: Services) -> Project:
    return new_project(parts)


@contextmanager
def serving(parts: Services, runs: PretendedRuns) -> Iterator[httpx.Client]:
    """The API of these services on a port of its own, and a client of it."""
    server = Told(create_app(parts, runs))
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


class Told(Server):
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


def stored(parts: Services, project: Project, content: bytes = b"0123456789", media: Media | None = None) -> File:
    """An upload with these bytes, whatever they are."""
    file_id = new_file_id()
    facts = FileFacts("video", "mp4", "video/mp4", filesize=len(content), sha256=secrets.token_hex(32))
    file = File(file_id, project.id, "file", facts, f"{project.id}/{file_id}", None, NEVER, NEVER, media)
    path = Path(parts.settings.root) / file_id
    path.write_bytes(content)
    parts.objects.put(path, file.key, facts.type)
    path.unlink()
    return parts.records.files.add(file)


def finished(parts: Services, task_id: str) -> Task:
    """The task, run to its end."""
    task = parts.records.tasks.get_by_id(task_id)
    parts.records.tasks.begin(task.id, task.attempt, "owner", "run-1")
    file_id = new_file_id()
    facts = FileFacts("video", "mp4", "video/mp4", 10, file_id, "h264,aac", 640, 360, 1.5, 25.0, 37, 53)
    file = File(file_id, task.project_id, "source", facts, f"{task.project_id}/{file_id}", task.id, NEVER, NEVER)
    return parts.records.tasks.complete(task.id, task.attempt, "owner", file)
