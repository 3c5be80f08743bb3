"""What every test may ask for: a real PostgreSQL, and the shared corpus of real files where it is."""

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from benchmarks.harness.s3_relay import s3_relay
from penstock.host.postgres import PostgresServer, postgres_server
from tests.corpus import corpus_folder
from tests.s3_server import AWS, Buckets, running_s3
from tests.service import Penstock, penstock_up

pytest_plugins = ["tests.media_server", "tests.engine_fixtures"]

# A shell starts what it puts into the background with SIGINT ignored, `nohup` with SIGHUP, and all that the tests start
# would ignore it too.
if threading.current_thread() is threading.main_thread():
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


SCOPES = {
    "standalone": "home", "browser": "browser", "cli": "commands", "page": "commands",
    "automation": "automation", "documentation": "automation",
    "fundamentals": "service", "faults": "service", "client": "service", "uploads": "service",
    "documentation/test_site.py": "site",
    "faults/test_batches.py": "automation", "faults/test_disk_full.py": "automation",
    "faults/test_clocks.py": "automation", "faults/test_s3.py": "s3",
}  # fmt: skip


class OneService(LoadScopeScheduling):
    """What shares a service, a home or the browser runs in one process; everything else beside them.

    Three scopes have a service each. They wait more than they compute: three processes keep two cores busy, as long as
    no scope takes longer than a third of all."""

    def _split_scope(self, nodeid: str) -> str:
        place = nodeid.partition("::")[0].removeprefix("tests/")
        return SCOPES.get(place, SCOPES.get(place.split("/")[0], nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneService:
    return OneService(config, log)


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One PostgreSQL of the wheel for the whole test run."""
    with postgres_server(tmp_path_factory.mktemp("database"), databases=()) as server:
        yield server


@pytest.fixture(scope="session")
def new_database(database_server: PostgresServer) -> Callable[[], str]:
    """Makes empty databases: each call answers the address of another one."""
    count = iter(range(10_000))

    def make() -> str:
        name = f"test_{next(count)}"
        with psycopg.connect(database_server.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return database_server.url(name)

    return make


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real files that nobody here made (`PENSTOCK_CORPUS`, else beside the checkout)."""
    folder = corpus_folder()
    if not (folder / "manifest.json").is_file():
        pytest.skip("the corpus of real files is not on this machine: PENSTOCK_CORPUS names its folder")
    return folder


@pytest.fixture(scope="session")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buckets]:
    """The S3 server that the service reads and writes: the buckets `in` and `out` in a folder."""
    folder = tmp_path_factory.mktemp("buckets")
    with running_s3(folder, "in", "out") as endpoint, s3_relay(endpoint) as relay:
        yield Buckets(folder, relay.endpoint, relay)


@pytest.fixture(scope="session")
def penstock(tmp_path_factory: pytest.TempPathFactory, buckets: Buckets) -> Iterator[Penstock]:
    """The whole service, started as a user starts it, once for each process of the tests. It may fetch from loopback,
    and deployments may use the folder `allowed` beside its home, and two buckets."""
    home = tmp_path_factory.mktemp("penstock") / "home"
    with penstock_up(
        home,
        PENSTOCK_FETCH_ALLOW="127.0.0.0/8",
        PENSTOCK_LEASE_SECONDS="10",
        PENSTOCK_DRAIN_SECONDS="3",
        PENSTOCK_MIN_FREE_BYTES="0",  # some tests give it a disk of 1 MB
        PENSTOCK_BATCH_ROOTS=f"{home.parent / 'allowed'},s3://in,s3://out",
        PENSTOCK_S3_ENDPOINT_URL=buckets.endpoint,
        **AWS,
    ) as running:
        yield running
