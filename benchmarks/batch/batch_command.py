"""`penstock batch` on a running service: how long the command took, and how long the batch."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.service import Running


@dataclass(frozen=True, slots=True)
class BatchTimes:
    """Seconds of the batch, from the start of its run to its end, and of the command that waited for it."""

    seconds: float
    command: float
    counts: dict[str, int]


def batch_words(running: Running, source: Path, destination: str, *options: str) -> list[str]:
    home = ("--home", str(running.home.root))
    return [sys.executable, "-m", "penstock", "batch", str(source), destination, *options, *home, "--json"]


def run_batch(running: Running, source: Path, destination: str, *options: str) -> BatchTimes:
    """Raises `AssertionError` if a line failed."""
    began = time.perf_counter()
    words = batch_words(running, source, destination, *options)
    said = subprocess.run(words, env=running.environment, capture_output=True, text=True, check=False)
    command = time.perf_counter() - began
    assert said.returncode == 0, said.stderr
    batch = json.loads(said.stdout)
    return BatchTimes(batch["seconds"], command, batch["counts"])
