"""A home on which a service is broken: the requests made on it, and what is left over at the end."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.harness.json_client import JsonClient, Refused
from benchmarks.harness.process_usage import children, is_alive, name_of, process_tree, processes_with
from benchmarks.harness.report import Row
from benchmarks.harness.service import ENVIRONMENT, clean_environment, wait_until
from penstock.cleanup import remove_expired_results, remove_orphans
from penstock.conversion.kept_outputs import KeptOutputs
from penstock.domain.ids import TaskId
from penstock.engines import bundled_ffmpeg
from penstock.host.home import Home, records_database
from penstock.host.scratch import remove_dead_folders
from penstock.local_service import RunningService
from penstock.records import Records
from penstock.settings import Settings
from penstock.storage.object_store import ObjectStore

SLOTS = os.cpu_count() or 1
START_SECONDS, END_SECONDS = 180.0, 900.0
MONTHS_SECONDS = 90 * 24 * 3600.0
SETTINGS = {
    "PENSTOCK_LEASE_SECONDS": "5",
    # Each task is lost far more often here than it would be by accident; the default gives up after three.
    "PENSTOCK_ATTEMPTS": "100",
    "PENSTOCK_TRANSCODE_SLOTS": str(SLOTS),
}


@dataclass
class FaultRun:
    """A home, the requests that were made on it, and the codes of those that had to be made again.

    `environment` is what its service has beside `SETTINGS`."""

    home: Home
    video: Path
    environment: dict[str, str] = field(default_factory=dict)
    file: str = ""
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked_again: Counter[str] = field(default_factory=Counter)

    def ask(self, client: JsonClient, count: int, **more: Any) -> list[str]:
        """So many more conversions that nobody has asked for yet; the ids of their tasks."""
        self.file = self.file or client.upload(self.video)["id"]
        return [self._ask(client, more) for _ in range(count)]

    def _ask(self, client: JsonClient, more: dict[str, Any]) -> str:
        usual = {"file_id": self.file, "kind": "video", "format": "webm", "height": 360 + 2 * len(self.asked)}
        request = {name: value for name, value in (usual | more).items() if value is not None}
        task: str = client.create(request)["id"]
        self.asked[task] = request
        return task

    def unfinished(self, client: JsonClient) -> int:
        return sum(client.task(task)["status"] == "processing" for task in self.asked)

    def encoders(self, *words: str) -> list[int]:
        """The encoders at work."""
        found = processes_with("ffmpeg", str(self.home.root / "scratch"), *words)
        return [process for process in found if is_alive(process)]

    def settings(self) -> Settings:
        names = ("database_url", "storage_url", "s3_endpoint_url")
        values = {name: self.environment.get(f"PENSTOCK_{name.upper()}") for name in names}
        return Settings(home=self.home.root, **values)

    def stored(self) -> list[Path]:
        """The stored objects. A bucket is a folder too (`benchmarks.harness.s3_server`)."""
        folders = (self.home.root / "files", self.folder / "s3" / "bucket")
        return [path for folder in folders for path in folder.rglob("file_*") if path.is_file()]

    @property
    def folder(self) -> Path:
        """Where the fault may keep what it needs, beside the home."""
        return self.home.root.parent


@dataclass(frozen=True)
class Up:
    """A running `penstock up`."""

    process: subprocess.Popen[bytes]
    service: RunningService
    client: JsonClient

    def parts(self, name: str) -> list[int]:
        """The living processes of a part, which is called like its log."""
        return [each for each in children(self.process.pid) if name_of(each) == name]

    def kill(self, *, postgres: int | None) -> None:
        """Kill every process of it at once; `postgres` too where it is given."""
        processes = process_tree(self.process.pid)
        for process in (*processes, *([postgres] if postgres else [])):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: not any(map(is_alive, processes)), 60)


@contextmanager
def fault_run(seconds: int = 10) -> Iterator[FaultRun]:
    """A new home, and a video of so many seconds, each of which takes a core about two seconds to encode."""
    with tempfile.TemporaryDirectory(prefix="penstock-faults-") as folder:
        yield FaultRun(Home.at(Path(folder) / "home"), _video(Path(folder) / "film.mp4", seconds))


@contextmanager
def up(run: FaultRun, **settings: str) -> Iterator[Up]:
    """The service on the run's home, asked to stop at the end unless it was killed."""
    words = ["-m", "penstock", "up", "--home", str(run.home.root), "--port", "0", "--prefect-port", "0"]
    with (run.folder / "up.log").open("ab") as log:
        environment = clean_environment() | ENVIRONMENT | SETTINGS | run.environment | settings
        process = subprocess.Popen([sys.executable, *words], stdout=log, stderr=log, env=environment)
    try:
        wait_until(lambda: run.home.running_service() is not None, START_SECONDS, process)
        service = run.home.running_service()
        assert service is not None
        with JsonClient(service.api_url, run.home.secret("api_key")) as client:
            yield Up(process, service, client)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(120)


def end_all(run: FaultRun, client: JsonClient) -> None:
    """Wait until every task is completed. What has failed is asked for again, as its caller would, and counted."""
    deadline = time.monotonic() + END_SECONDS
    for task_id, request in run.asked.items():
        while (task := _task(client, task_id))["status"] != "completed":
            if task["status"] == "failed":
                run.asked_again[task["error"]["code"]] += 1
                with suppress(Refused, httpx.HTTPError):
                    client.create(request)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{task_id} is {task['state']} after {END_SECONDS:.0f} s")


def leftovers(run: FaultRun) -> dict[str, int]:
    """What is there and should not be, once the service has stopped and the sweeps have run as they do in time."""
    settings = run.settings()
    with records_database(settings) as url:
        records = Records(url)
        objects = ObjectStore.at(settings.storage, settings.s3_endpoint_url)
        remove_dead_folders(settings.scratch, 0)
        KeptOutputs(settings.kept_outputs).remove_old(0)
        swept = remove_orphans(records, objects, 0)
        remove_expired_results(settings.root / "prefect" / "storage", time.time() + MONTHS_SECONDS)
        outputs = len([task for task in run.asked if records.tasks.get_by_id(TaskId(task)).output])
        records.close()
    print(f"{swept} objects of killed runs were swept")
    return {
        "tasks without an output": len(run.asked) - outputs,
        "objects": len(run.stored()) - outputs - bool(run.file),
        "scratch folders": len(list(settings.scratch.iterdir())),
        "kept outputs": len(list(settings.kept_outputs.glob("*"))),
        "result files": len(list((settings.root / "prefect" / "storage").glob("*"))),
        "processes": len([each for each in processes_with(str(run.home.root)) if is_alive(each)]),
    }


def slots_held(running: Up, run: FaultRun) -> int:
    """How many encoder slots Prefect counts as taken when a minute has passed without work."""
    auth = ("penstock", run.home.secret("prefect"))
    with httpx.Client(base_url=running.service.prefect_api_url, auth=auth, trust_env=False) as prefect:

        def usage() -> int:
            return int(prefect.get("/v2/concurrency_limits/transcode").raise_for_status().json()["active_slots"])

        with suppress(TimeoutError):
            wait_until(lambda: not usage(), 60)
        return usage()


def row(what: str, run: FaultRun, left: dict[str, int], note: str = "") -> Row:
    """How many tasks were completed, and what was left over."""
    found = ", ".join(f"{count} {name}" for name, count in left.items() if count)
    again = ", ".join(
        f"{count} failed with `{code}` and were asked for again" for code, count in run.asked_again.items()
    )
    notes = "; ".join(filter(None, (found and f"left over: {found}", again, note)))
    done = len(run.asked) - left.get("tasks without an output", 0)
    return Row(what, f"{done} of {len(run.asked)}", "", "", None, None, "all", not found, notes)


def _task(client: JsonClient, task_id: str) -> dict[str, Any]:
    """The task as soon as it has ended, or after some seconds."""
    with suppress(Refused, httpx.HTTPError):
        return client.task(task_id, wait_seconds=5)
    time.sleep(1)
    return {"status": "processing", "state": "unknown"}


def _video(path: Path, seconds: int) -> Path:
    source = ("-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=25:duration={seconds}")
    command = [str(bundled_ffmpeg()), "-v", "error", *source, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True)
    return path
