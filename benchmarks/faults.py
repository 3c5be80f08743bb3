"""What is left after kills: `python -m benchmarks.faults [--ups N] [--kills N] [--seed N]`.

First `penstock up` is killed whole while every encoder slot is in use, and started again; every second time its
PostgreSQL is killed too, as by a power cut. Then workers and encoders are killed at random moments during eight long
conversions. At the end every task is completed, no slot is held, and no process, stored object, scratch folder or
result file is left over. Exits with 1 if something is. Nothing here is a race: the figures are counts.
"""

import argparse
import os
import random
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
from benchmarks.harness.process_usage import children, name_of, process_tree
from benchmarks.harness.service import ENVIRONMENT, wait_until
from penstock.cleanup import remove_expired_results, remove_orphans
from penstock.domain.ids import TaskId
from penstock.engines import bundled_ffmpeg
from penstock.host.home import Home, records_database
from penstock.host.scratch import remove_dead_folders
from penstock.local_service import RunningService
from penstock.records import Records
from penstock.settings import Settings
from penstock.storage.object_store import ObjectStore

SLOTS = os.cpu_count() or 1
LONG = 8
START_SECONDS, END_SECONDS = 180.0, 900.0
MONTHS_SECONDS = 90 * 24 * 3600.0
SETTINGS = {
    "PENSTOCK_LEASE_SECONDS": "5",
    # Each task is lost far more often here than it would be by accident; the default gives up after three.
    "PENSTOCK_ATTEMPTS": "100",
    "PENSTOCK_TRANSCODE_SLOTS": str(SLOTS),
}


@dataclass
class Counts:
    """What was seen."""

    ups: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    deaths: list[float] = field(default_factory=list)
    asked_again: Counter[str] = field(default_factory=Counter)


@dataclass
class FaultRun:
    """A home, the requests that were made on it, and what was found."""

    home: Home
    video: Path
    file: str = ""
    found: Counts = field(default_factory=Counts)
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ask(self, client: JsonClient, count: int) -> None:
        """So many more conversions that nobody has asked for yet."""
        self.file = self.file or client.upload(self.video)["id"]
        for _ in range(count):
            request = {"file_id": self.file, "kind": "video", "format": "webm", "height": 360 + 2 * len(self.asked)}
            self.asked[client.create(request)["id"]] = request

    def unfinished(self, client: JsonClient) -> int:
        return sum(client.task(task)["status"] == "processing" for task in self.asked)

    def encoders(self) -> list[int]:
        """The encoders at work."""
        return [process for process in _processes("ffmpeg", str(self.home.root / "scratch")) if _alive(process)]

    def settings(self) -> Settings:
        return Settings(home=self.home.root)


@dataclass(frozen=True)
class Up:
    """A running `penstock up`."""

    process: subprocess.Popen[bytes]
    service: RunningService
    client: JsonClient

    def kill(self, *, postgres: int | None) -> None:
        """Kill every process of it at once; `postgres` too where it is given."""
        processes = process_tree(self.process.pid)
        for process in (*processes, *([postgres] if postgres else [])):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: not any(map(_alive, processes)), 60)


@contextmanager
def up(run: FaultRun) -> Iterator[Up]:
    """The service on the site's home, asked to stop at the end unless it was killed."""
    words = ["-m", "penstock", "up", "--home", str(run.home.root), "--port", "0", "--prefect-port", "0"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PENSTOCK_"))}
    with (run.home.root.parent / "up.log").open("ab") as log:
        environment = clean | ENVIRONMENT | SETTINGS
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


def kill_ups(run: FaultRun, times: int) -> None:
    """Kill the whole service while every slot is in use, so many times."""
    for number in range(times):
        with up(run) as running:
            run.ask(running.client, max(0, SLOTS + 1 - run.unfinished(running.client)))
            wait_until(lambda: len(run.encoders()) >= SLOTS, 120)
            time.sleep(random.uniform(0, 2))
            running.kill(postgres=_postgres(run.home) if number % 2 else None)
        run.found.ups += 1
        print(f"up killed {run.found.ups} of {times}", flush=True)


def kill_parts(run: FaultRun, running: Up, times: int) -> None:
    """Kill a worker or an encoder at a random moment, so many times, during long conversions."""
    while run.found.kills.total() < times:
        run.ask(running.client, max(0, LONG - run.unfinished(running.client)))
        wait_until(lambda: bool(run.encoders()), 120)
        time.sleep(random.uniform(0.5, 6))
        random.choice((_kill_worker, _kill_encoder))(run, running)
        print(f"killed: {dict(run.found.kills)}", flush=True)


def _kill_worker(run: FaultRun, running: Up) -> None:
    worker = [process for process in children(running.process.pid) if name_of(process) == "worker-1"]
    encoders = run.encoders()
    for process in worker:
        os.kill(process, signal.SIGKILL)
        run.found.kills["worker"] += 1
    began = time.monotonic()
    wait_until(lambda: not any(map(_alive, encoders)), 60)
    run.found.deaths += [time.monotonic() - began] if encoders else []
    wait_until(lambda: any(name_of(each) == "worker-1" for each in children(running.process.pid)), 60)


def _kill_encoder(run: FaultRun, _running: Up) -> None:
    if encoders := run.encoders():
        with suppress(ProcessLookupError):
            os.kill(random.choice(encoders), signal.SIGKILL)
            run.found.kills["encoder"] += 1


def end_all(run: FaultRun, client: JsonClient) -> None:
    """Wait until every task is completed. What has failed is asked for again, as its caller would, and counted."""
    deadline = time.monotonic() + END_SECONDS
    for task_id, request in run.asked.items():
        while (task := _task(client, task_id))["status"] != "completed":
            if task["status"] == "failed":
                run.found.asked_again[task["error"]["code"]] += 1
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
        swept = remove_orphans(records, objects, 0)
        stored = [path for path in (settings.root / "files").rglob("file_*") if path.is_file()]
        remove_expired_results(settings.root / "prefect" / "storage", time.time() + MONTHS_SECONDS)
        outputs = len([task for task in run.asked if records.tasks.get_by_id(TaskId(task)).output])
        records.close()
    print(f"{swept} objects of killed runs were swept")
    return {
        "tasks without an output": len(run.asked) - outputs,
        "objects": len(stored) - outputs - 1,
        "scratch folders": len(list(settings.scratch.iterdir())),
        "result files": len(list((settings.root / "prefect" / "storage").glob("*"))),
        "processes": len([each for each in _processes(str(run.home.root)) if _alive(each)]),
    }


def main(words: list[str] | None = None) -> int:
    """Returns 1 if anything is left over."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--ups", type=int, default=20, help="how often `up` is killed whole")
    parser.add_argument("--kills", type=int, default=40, help="how often a worker or an encoder is killed")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(words)
    random.seed(asked.seed)
    with tempfile.TemporaryDirectory(prefix="penstock-faults-") as folder:
        run = FaultRun(Home.at(Path(folder) / "home"), _long_video(Path(folder) / "film.mp4"))
        kill_ups(run, asked.ups)
        with up(run) as running:
            kill_parts(run, running, asked.kills)
            end_all(run, running.client)
            slots = _slots_after(running, run)
        left = leftovers(run) | {"slots held": slots}
    return _text(run.found, len(run.asked), left)


def _text(found: Counts, tasks: int, left: dict[str, int]) -> int:
    print(f"{tasks} tasks; up killed {found.ups} times, {dict(found.kills)}")
    print(f"failed and asked for again: {dict(found.asked_again) or 'none'}")
    if found.deaths:
        print(f"encoders gone after their worker: {max(found.deaths):.2f} s at most, of {len(found.deaths)}")
    print("left over: " + ", ".join(f"{count} {what}" for what, count in left.items()))
    return 1 if any(left.values()) else 0


def _slots_after(running: Up, run: FaultRun) -> int:
    """How many slots Prefect counts as taken when a minute has passed without work."""
    auth = ("penstock", run.home.secret("prefect"))
    with httpx.Client(base_url=running.service.prefect_api_url, auth=auth, trust_env=False) as prefect:

        def usage() -> int:
            return int(prefect.get("/v2/concurrency_limits/transcode").raise_for_status().json()["active_slots"])

        with suppress(TimeoutError):
            wait_until(lambda: not usage(), 60)
        return usage()


def _task(client: JsonClient, task_id: str) -> dict[str, Any]:
    """The task as soon as it has ended, or after some seconds."""
    with suppress(Refused, httpx.HTTPError):
        return client.task(task_id, wait_seconds=5)
    time.sleep(1)
    return {"status": "processing", "state": "unknown"}


def _long_video(path: Path) -> Path:
    """Ten seconds that take a core some tens of seconds to encode."""
    source = ("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=10")
    command = [str(bundled_ffmpeg()), "-v", "error", *source, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True)
    return path


def _postgres(home: Home) -> int:
    return int((home.root / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def _processes(*words: str) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (place / "cmdline").read_text()
            if int(place.name) != os.getpid() and all(word in line for word in words):
                found.append(int(place.name))
    return found


def _alive(process: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    return False


if __name__ == "__main__":
    sys.exit(main())
