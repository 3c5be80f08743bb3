"""The API on a real PostgreSQL, a real folder and real probes; only the flow runs are fakes."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from penstock.services import Services, open_services
from penstock.settings import Settings
from tests.api.app import FakeRunService, Project, new_project, serving
from tests.storage.conftest import aws, s3_endpoint  # noqa: F401 - fixtures for those that ask for a bucket


@pytest.fixture(scope="session")
def settings(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    return Settings(
        home=home,
        database_url=new_database(),
        requests_per_minute=1_000_000,
        reads_per_minute=1_000_000,
        failed_keys_per_minute=1_000_000,
        failed_links_per_minute=1_000_000,
        min_free_bytes=0,  # some tests have a disk of 100 kB
    )


@pytest.fixture(scope="session")
def parts(settings: Settings) -> Iterator[Services]:
    with open_services(settings) as opened:
        opened.records.migrate()
        yield opened


@pytest.fixture
def runs(shared: tuple[httpx.Client, FakeRunService]) -> FakeRunService:
    return shared[1]


@pytest.fixture(scope="session")
def shared(parts: Services) -> Iterator[tuple[httpx.Client, FakeRunService]]:
    """One API for all tests that need no settings of their own."""
    runs = FakeRunService()
    with serving(parts, runs) as opened:
        yield opened, runs


@pytest.fixture
def client(shared: tuple[httpx.Client, FakeRunService]) -> httpx.Client:
    return shared[0]


@pytest.fixture
def project(parts: Services) -> Project:
    return new_project(parts)


@pytest.fixture
def other(parts: Services) -> Project:
    return new_project(parts)
