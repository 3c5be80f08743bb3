"""What a batch leaves after kills: `python -m benchmarks.batch_faults [--kills N] [--lines N] [--seed N]`.

While a batch of pictures is converted to a folder, each part of the service is killed N times at random moments: the
worker (with the coordinating run, a chunk and its decoders), a decoder alone, the API, Prefect, PostgreSQL, the S3
server. Where a batch ends before all kills are done, another one begins: from and to a folder, or from and to a prefix
of S3. What failed because S3 was away is converted by running the batch again, which is counted. At the end of each,
every line has one output, each output was published once, the manifest is exact, and nothing is left in the destination
or the scratch folder. Exits with 1 if
something is. Nothing here is a race: the figures are counts."""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from PIL import Image
from sqlalchemy import create_engine, text

from benchmarks.harness.process_usage import process_tree
from benchmarks.harness.service import Running, penstock_up
from penstock.domain import errors
from penstock.domain.batch.batch import Batch, BatchOrder
from penstock.domain.batch.spec import BatchSpec
from penstock.host.scratch import remove_dead_folders
from penstock.records import Records

SETTINGS = {"PENSTOCK_LEASE_SECONDS": "5", "PENSTOCK_ATTEMPTS": "100", "PENSTOCK_REUSE": "on"}
VICTIMS = ("worker", "decoder", "API", "Prefect", "PostgreSQL", "S3")
S3_KEYS = {
    "AWS_ACCESS_KEY_ID": "penstock",
    "AWS_SECRET_ACCESS_KEY": "penstock-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}
END_SECONDS = 600.0

Answer = TypeVar("Answer")


class S3Server:
    """rclone, which serves the folders of a folder as buckets. One that was killed is started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        program = Path(sysconfig.get_path("scripts")) / "rclone"
        keys = f"{S3_KEYS['AWS_ACCESS_KEY_ID']},{S3_KEYS['AWS_SECRET_ACCESS_KEY']}"
        command: list[str | Path] = [
            program,
            "serve",
            "s3",
            self.folder,
            "--addr",
            f"127.0.0.1:{self.port}",
            "--auth-key",
            keys,
        ]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        time.sleep(random.uniform(0.2, 2))
        self.start()


@dataclass
class FaultyBatches:
    """The service, its records, and what was found. The bucket has the pictures and the outputs."""

    running: Running
    records: Records
    s3: S3Server
    due: list[str]
    again: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    batches: int = 0

    def run(self) -> None:
        """One batch into a new folder, with kills until it ends."""
        name = f"outputs/{self.batches:03}"
        root = f"{self.s3.folder}/bucket" if self.batches % 2 else "s3://bucket"
        batch = self._submit(root, name)
        while self._ended(batch) == "completed" and self._has_failures(batch):
            self.again += 1
            batch = self._submit(root, name)
        self.batches += 1
        self._check(batch, self.s3.folder / "bucket" / name)
        shutil.rmtree(self.s3.folder / "bucket" / name)
        print(f"batch {self.batches}: {dict(self.kills)}, faults {dict(+self.faults)}", flush=True)

    def _has_failures(self, batch: Batch) -> bool:
        return bool(self._asked(lambda: self.records.batch_items.failures(batch.id)))

    def _ended(self, batch: Batch) -> str:
        """Its status when it has ended, with kills meanwhile."""
        deadline = time.monotonic() + END_SECONDS
        while (status := self._asked(lambda: self.records.batches.get_by_id(batch.id).status)) == "processing":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{batch.id} has not ended after {END_SECONDS:.0f} s")
            time.sleep(random.uniform(0.3, 4) if self.due else 0.5)
            if self.due:
                self._kill(self.due[-1])
        return status

    def _submit(self, root: str, name: str) -> Batch:
        spec = BatchSpec(
            source=f"{root}/photos", destination=f"{root}/{name}", defaults={"format": "webp", "width": 200}
        )
        project = self._asked(self.records.keys.default_project)
        return self._asked(lambda: self.records.batches.submit(project, BatchOrder(spec, trusted=True)))

    def _asked(self, statement: Callable[[], Answer]) -> Answer:
        """What the statement returns, as soon as the database is there."""
        while True:
            try:
                return statement()
            except errors.DatabaseUnavailable:
                time.sleep(0.2)

    def _kill(self, victim: str) -> None:
        if victim == "S3":
            self.s3.kill()
            self.kills[self.due.pop()] += 1
        elif process := self._process(victim):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
                self.kills[self.due.pop()] += 1

    def _process(self, victim: str) -> int | None:
        """None while it does not run."""
        with suppress(StopIteration, OSError, ValueError):
            if victim == "decoder":
                return random.choice(_decoders(self.running.part("worker")) or [0]) or None
            return self.running.parts()[victim]
        return None

    def _check(self, batch: Batch, destination: Path) -> None:
        names = {path.name for path in (self.s3.folder / "bucket/photos").iterdir()}
        made = {path.name for path in destination.glob("*.webp")}
        lines = [json.loads(line) for line in (destination / "manifest.jsonl").read_text().splitlines()]
        self.faults["outputs missing"] += len({name.replace(".jpg", ".webp") for name in names} - made)
        self.faults["lines of the manifest missing or doubled"] += abs(len(lines) - len(names))
        self.faults["lines not completed"] += sum(line["status"] != "completed" for line in lines)
        self.faults["lines out of order"] += lines != sorted(lines, key=lambda line: line["input"])
        self.faults["parts left over"] += len(list(destination.rglob(".penstock*")))
        self.faults["outputs published twice"] += self._published_twice(batch)

    def _published_twice(self, batch: Batch) -> int:
        engine = create_engine(self.records.url.replace("postgresql:", "postgresql+psycopg:"))
        counted = (
            "SELECT count(*) - count(DISTINCT task_id) FROM files JOIN tasks ON tasks.id = task_id WHERE batch = :batch"
        )
        with engine.connect() as connection:
            return int(connection.execute(text(counted), {"batch": batch.id}).scalar_one())


def _decoders(worker: int) -> list[int]:
    """The children of the fork server."""
    return [each for each in process_tree(worker) if each != worker and "fork_server" in _command(each)][2:]


def _command(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text()
    return ""


def make_photos(folder: Path, count: int) -> Path:
    """Distinct pictures, each a quarter of a second of work or less."""
    folder.mkdir(parents=True)
    for number in range(count):
        picture = Image.effect_noise((1600, 1200), 30).convert("RGB")
        picture.putpixel((0, 0), (number % 256, number // 256, 0))
        picture.save(folder / f"{number:04}.jpg", quality=80)
    return folder


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=10)
    arguments.add_argument("--lines", type=int, default=300)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    random.seed(given.seed)
    due = [victim for victim in VICTIMS for _ in range(given.kills)]
    random.shuffle(due)
    with tempfile.TemporaryDirectory(prefix="penstock-batch-faults-") as folder:
        make_photos(Path(folder) / "bucket/photos", given.lines)
        s3 = S3Server(Path(folder))
        os.environ.update(S3_KEYS)
        with penstock_up(**SETTINGS, PENSTOCK_S3_ENDPOINT_URL=f"http://127.0.0.1:{s3.port}") as running:
            found = FaultyBatches(running, Records(running.service.database_url), s3, due)
            while found.due:
                found.run()
            found.faults["runs of batches"] += len(found.records.unfinished_runs.submitted())
            remove_dead_folders(running.home.root / "scratch", 0)
            found.faults["scratch folders"] += len(list((running.home.root / "scratch").iterdir()))
            found.records.close()
        s3.process.kill()
    print(f"{found.batches} batches of {given.lines} lines, run again {found.again} times; killed {dict(found.kills)}")
    print(f"left over: {dict(+found.faults)}")
    return 1 if found.faults.total() else 0


if __name__ == "__main__":
    sys.exit(main())
