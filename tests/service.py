"""A running Penstock, as a test sees it: started by the command that a user types."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx

from benchmarks.harness.json_client import JsonClient
from penstock.host.home import Home
from penstock.local_service import RunningService
from penstock.orchestration.worker.run_pool import queue_places
from penstock.records import Records

T = TypeVar("T")

# A service that does not exist.
SERVICE = RunningService(
    api_url="http://127.0.0.1:1",
    prefect_api_url="http://127.0.0.1:2/api",
    prefect_ui_url="http://127.0.0.1:2",
    database_url="postgresql://nobody@127.0.0.1:1/none",
    process=os.getpid(),
    api_key="the-key-of-the-service",
    prefect_auth="me:secret",
)


@dataclass(frozen=True)
class Penstock:
    home: Home
    process: subprocess.Popen[bytes]
    service: RunningService
    key: str
    client: JsonClient
    prefect: httpx.Client

    def finished(self, task: dict[str, Any], seconds: float = 90) -> dict[str, Any]:
        """The task when it has ended."""
        return wait_for(lambda: ended(self.client.task(task["id"], wait_seconds=5)), seconds)

    def converted(self, request: dict[str, Any]) -> dict[str, Any]:
        task = self.finished(self.client.create(request))
        assert task["status"] == "completed", task["error"]
        return task

    def bytes_of(self, link: str) -> bytes:
        return httpx.get(link, trust_env=False).raise_for_status().content

    def flow_run(self, task: dict[str, Any]) -> dict[str, Any]:
        run: dict[str, Any] = self.prefect.get(f"/flow_runs/{task['run']['id']}").raise_for_status().json()
        return run


@contextmanager
def opened_records(penstock: Penstock) -> Iterator[Records]:
    """The records of the service, as its own processes see them."""
    records = Records(penstock.service.database_url)
    try:
        yield records
    finally:
        records.close()


def active_slots(penstock: Penstock) -> int:
    """How many encoder slots Prefect counts as taken."""
    limit = penstock.prefect.get("/v2/concurrency_limits/transcode").raise_for_status().json()
    return int(limit["active_slots"])


def workers(penstock: Penstock) -> set[str]:
    """The names of the workers that Prefect has ever seen in our pool."""
    found = penstock.prefect.post("/work_pools/media/workers/filter", json={}, headers=csrf(penstock))
    return {worker["name"] for worker in found.raise_for_status().json()}


def csrf(penstock: Penstock) -> dict[str, str]:
    """What Prefect wants with every request that is no GET."""
    token = penstock.prefect.get("/csrf-token", params={"client": "tests"}).raise_for_status().json()["token"]
    return {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "tests"}


def artifacts_of(penstock: Penstock, task: dict[str, Any]) -> list[dict[str, Any]]:
    """What the task's run shows in the Prefect UI."""
    wanted = {"artifacts": {"flow_run_id": {"any_": [task["run"]["id"]]}}}
    return penstock.prefect.post("/artifacts/filter", json=wanted, headers=csrf(penstock)).raise_for_status().json()


def ended(task: dict[str, Any]) -> dict[str, Any] | None:
    return task if task["status"] != "processing" else None


def wait_for(predicate: Callable[[], T | None], seconds: float = 60) -> T:
    """What the predicate answers as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (found := predicate()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


def prefect_project(folder: Path) -> Path:
    """A project beside which all of this must run: its `flows`, `tasks` and `deployments` are none of ours."""
    for name in ("flows", "tasks", "deployments"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "__init__.py").write_text(f"raise RuntimeError('the {name} of another project')\n")
    return folder


@contextmanager
def penstock_up(home: Path, **environment: str) -> Iterator[Penstock]:
    """The service on a home of its own, started inside a Prefect project, and nothing of it left behind.

    A test may end it in its own way before."""
    command = [sys.executable, "-m", "penstock", "up", "--home", str(home), "--port", "0", "--prefect-port", "0"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PENSTOCK_"))}
    log = home.parent / f"{home.name}.log"
    with log.open("ab") as out:
        project = prefect_project(home.parent / "project")
        wanted = clean | environment
        up = subprocess.Popen(command, cwd=project, stdout=out, stderr=out, env=wanted, start_new_session=True)
    place = Home.at(home)
    try:
        service = wait_for(lambda: place.running_service() or _died(up, log), 150)
        key = environment.get("PENSTOCK_API_KEY") or place.secret("api_key")
        auth = ("penstock", place.secret("prefect"))
        # While every core encodes, Prefect has taken more than the five seconds that are the default.
        prefect = httpx.Client(base_url=service.prefect_api_url, auth=auth, trust_env=False, timeout=30)
        with JsonClient(service.api_url, key) as client, prefect:
            yield Penstock(place, up, service, key, client, prefect)
    finally:
        if up.poll() is None:
            up.send_signal(signal.SIGTERM)
            assert up.wait(60) == 0, log.read_text()
    assert not (left := processes_of(home)), left
    assert not (exposed := open_to_others(home)), exposed


def _died(up: subprocess.Popen[bytes], log: Path) -> None:
    assert up.poll() is None, log.read_text()


def processes_of(home: Path) -> list[str]:
    """The command lines of what runs with this home in its environment or arguments."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            told = (place / "environ").read_bytes() + (place / "cmdline").read_bytes()
            if str(home).encode() in told and place.name != str(os.getpid()):
                found.append((place / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def open_to_others(folder: Path) -> list[str]:
    """What in this folder, itself included, somebody else may read, write or enter."""
    return [str(place) for place in (folder, *folder.rglob("*")) if _is_open_to_others(place)]


def _is_open_to_others(place: Path) -> bool:
    try:
        return not place.is_symlink() and bool(place.stat().st_mode & 0o077)
    except FileNotFoundError:  # a run that still shows its receipt removes its scratch folder meanwhile
        return False


def processes_with(*words: str) -> list[int]:
    """The processes whose command line holds all of these words."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (place / "cmdline").read_text()
            if all(word in line for word in words):
                found.append(int(place.name))
    return found


def descendants(process: int) -> list[int]:
    """The processes that this one started, and those that they did."""
    children = children_of(process)
    return children + [below for child in children for below in descendants(child)]


def children_of(process: int) -> list[int]:
    return [int(place.name) for place in Path("/proc").glob("[0-9]*") if _parent_and_state(place)[0] == process]


def alive(process: int) -> bool:
    return _parent_and_state(Path("/proc") / str(process))[1] not in ("Z", "X")


def _parent_and_state(place: Path) -> tuple[int, str]:
    try:
        state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return 0, "X"
    return int(parent), state


def part(penstock: Penstock, name: str) -> int:
    """The process of a part of the service, which is called like its log."""
    return next(each for each in descendants(penstock.process.pid) if _called(each) == name)


@contextmanager
def suspended(process: int) -> Iterator[None]:
    """A worker that claims nothing until the block ends."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def another_worker(penstock: Penstock, folder: Path, **environment: str) -> Iterator[int]:
    """The process of a second worker of the same service, started in this folder, until the block ends."""
    known = workers(penstock)
    command = [sys.executable, "-m", "penstock", "worker", "--slots", "2", "--image-slots", "4"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=folder, env=exported(penstock) | environment, **quiet)
    try:
        wait_for(lambda: len(workers(penstock) - known) == len(queue_places(1, 1)), 60)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def _called(process: int) -> str | None:
    with contextlib.suppress(OSError):  # it may have ended since it was listed
        return Path(f"/proc/{process}/comm").read_text().strip()
    return None


def exported(penstock: Penstock) -> dict[str, str]:
    """The environment after `eval "$(penstock env)"`; inputs may come from loopback."""
    return _exported(penstock.home.root, penstock.service.api_url)


@cache
def _exported(home: Path, _address: str) -> dict[str, str]:
    plain = {"PATH": os.environ["PATH"], "PENSTOCK_HOME": str(home)}
    command = [sys.executable, "-m", "penstock", "env"]
    lines = subprocess.run(command, env=plain, capture_output=True, text=True, check=True).stdout.splitlines()
    pairs = (line.removeprefix("export ").partition("=") for line in lines)
    told = {name: value.strip("'") for name, _, value in pairs}
    return plain | told | {"PENSTOCK_FETCH_ALLOW": "127.0.0.0/8"}


def plain_environment() -> dict[str, str]:
    """The environment without the variables of Prefect and Penstock, but for a service to end with its command."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PENSTOCK_"))}
    return plain | {"PENSTOCK_LINGER_SECONDS": "0"}
