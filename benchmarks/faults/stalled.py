"""Two workers, of which one stalls beyond its lease with an encoder at work, and then wakes up."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.faults.fault_run import (
    SETTINGS,
    FaultRun,
    Up,
    end_all,
    fault_run,
    leftovers,
    row,
    slots_held,
    up,
)
from benchmarks.harness.process_usage import process_tree
from benchmarks.harness.report import Row
from benchmarks.harness.service import ENVIRONMENT, clean_environment, exported_environment, still, wait_until


def stalled(times: int) -> Row:
    """Stop the worker that encodes a task; wake it while another converts the task, or after that has ended."""
    overtaken = 0
    with fault_run(seconds=5) as run:
        with up(run) as running, another_worker(run) as second:
            for number in range(times):
                [task] = run.ask(running.client, 1)
                overtaken += _stall(run, running, second, task, awake_early=bool(number % 2))
                print(f"stalled {number + 1} of {times} times", flush=True)
            end_all(run, running.client)
            slots = slots_held(running, run)
        left = leftovers(run) | {"slots held": slots}
    what = f"`stalled`: two workers, one stalled beyond its lease and then awake, {times} times"
    return row(what, run, left | {"attempts that were not taken over": times - overtaken})


def _stall(run: FaultRun, running: Up, second: int, task: str, *, awake_early: bool) -> bool:
    """Returns whether the other worker has taken the task over."""
    wait_until(lambda: bool(run.encoders(task)), 120)
    time.sleep(random.uniform(0, 1))
    owner = next(each for each in (*running.parts("worker-1"), second) if _encodes(each, run.encoders(task)))
    with still(owner):
        wait_until(lambda: _attempt(running, task) > 1, 120)
        if not awake_early:
            wait_until(lambda: running.client.task(task)["status"] != "processing", 240)
    return _attempt(running, task) > 1


def _encodes(worker: int, encoders: list[int]) -> bool:
    return not set(process_tree(worker)).isdisjoint(encoders)


def _attempt(running: Up, task: str) -> int:
    attempt: int = running.client.task(task)["attempt"]
    return attempt


@contextmanager
def another_worker(run: FaultRun) -> Iterator[int]:
    """The process of a second worker of the service."""
    command = [sys.executable, "-m", "penstock", "worker", "--name", "second"]
    environment = clean_environment() | exported_environment(run.home.root) | ENVIRONMENT | SETTINGS
    with (run.folder / "second.log").open("ab") as log:
        worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield worker.pid
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(120)
