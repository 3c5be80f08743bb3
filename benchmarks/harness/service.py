"""A whole service, started by `penstock up` in a home of its own; and a stock worker instead of ours."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.json_client import JsonClient
from benchmarks.harness.process_usage import children, name_of, process_tree
from penstock.host.home import Home
from penstock.local_service import RunningService

START_SECONDS, STOP_SECONDS = 400.0, 90.0
UNLIMITED = "100000000"
# The default rates would limit the single caller of a benchmark, and equal pictures would be converted once.
ENVIRONMENT = {
    "PENSTOCK_REUSE": "off",
    "PENSTOCK_FETCH_ALLOW": "127.0.0.0/8",
    "PENSTOCK_REQUESTS_PER_MINUTE": UNLIMITED,
    "PENSTOCK_READS_PER_MINUTE": UNLIMITED,
}
PARTS = {"API": "api", "worker": "worker-1", "Prefect": "prefect"}
POOL = "media"
# The same number of runs at once as our worker's slots.
STOCK = ["-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--limit", "4"]


@dataclass(frozen=True, slots=True)
class Running:
    """A running service and a client of it."""

    home: Home
    service: RunningService
    key: str
    client: JsonClient
    environment: dict[str, str]

    def part(self, name: str) -> int:
        """The process id of one of `PARTS`."""
        return next(one for one in children(self.service.process) if name_of(one) == PARTS[name])

    def postgres(self) -> int:
        return int((self.home.root / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    def parts(self) -> dict[str, int]:
        """The process id of each part, with PostgreSQL's."""
        return {**{name: self.part(name) for name in PARTS}, "PostgreSQL": self.postgres()}


@contextmanager
def penstock_up(**settings: str) -> Iterator[Running]:
    """A ready, empty service with these settings."""
    with tempfile.TemporaryDirectory(prefix="penstock-benchmark-") as folder:
        home = Home.at(Path(folder) / "home")
        command = ["-m", "penstock", "up", "--home", str(home.root), "--port", "0", "--prefect-port", "0"]
        environment = clean_environment() | ENVIRONMENT | settings
        with started(command, environment, Path(folder) / "up.log") as up:
            wait_until(lambda: home.running_service() is not None, START_SECONDS, up)
            service = home.running_service()
            assert service is not None
            key = home.secret("api_key")
            with JsonClient(service.api_url, key) as client:
                yield Running(home, service, key, client, environment)


@contextmanager
def stock_worker(running: Running) -> Iterator[int]:
    """`prefect worker start` on the same server, pool and deployment, while our worker is stopped (SIGSTOP)."""
    environment = clean_environment() | exported_environment(running.home.root) | ENVIRONMENT
    log = running.home.root / "logs" / "stock.log"
    with still(running.part("worker")), started(STOCK, environment, log) as worker:
        wait_until(lambda: "started!" in log.read_text(), START_SECONDS, worker)
        yield worker.pid


@contextmanager
def started(words: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Python command, asked to end when the block does, or we do, and killed where it does not."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.harness.run_with_parent", str(os.getpid()), sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until(ready: Callable[[], bool], seconds: float, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait for `ready()`. Raises `TimeoutError`, or `ChildProcessError` when `process` ends first."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process is not None and process.poll() is not None:
            raise ChildProcessError(f"{process.args!r} ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise TimeoutError("it did not become ready in time")
        time.sleep(0.05)


@contextmanager
def still(process: int) -> Iterator[None]:
    """The process and all below it take no step until the block ends."""
    processes = process_tree(process)
    for one in processes:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in reversed(processes):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


def exported_environment(home: Path) -> dict[str, str]:
    """What `eval "$(penstock env)"` exports."""
    command = [sys.executable, "-m", "penstock", "env"]
    plain = clean_environment() | {"PENSTOCK_HOME": str(home)}
    text = subprocess.run(command, env=plain, capture_output=True, text=True, check=True).stdout.splitlines()
    pairs = (line.removeprefix("export ").partition("=") for line in text)
    return {name: value.strip("'") for name, _, value in pairs}


def clean_environment() -> dict[str, str]:
    """The environment without anybody's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PENSTOCK_"))}
