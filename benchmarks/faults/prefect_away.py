"""Prefect away for a minute while requests come in, and restarted in the middle of a conversion."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from benchmarks.faults.fault_run import FaultRun, Up, end_all, fault_run, leftovers, row, slots_held, up
from benchmarks.harness.report import Row
from benchmarks.harness.service import still, wait_until

AWAY_SECONDS = 60.0
POST_SECONDS = 3.0


def prefect(times: int) -> Row:
    """Let Prefect be away in turns: stopped, so that connections to it hang, or killed whenever it is back."""
    posts = 0
    with fault_run() as run:
        with up(run) as running:
            for number in range(times):
                _begin(run, running)
                posts += (_hang, _keep_dead)[number % 2](lambda until: _post(run, running, until), running)
                _begin(run, running)
                _signal(running, signal.SIGTERM)
                print(f"Prefect was away {number + 1} of {times} times, {posts} requests accepted", flush=True)
            end_all(run, running.client)
            slots = slots_held(running, run)
        left = leftovers(run) | {"slots held": slots}
    what = (
        f"`prefect`: Prefect away for {AWAY_SECONDS:.0f} s (hanging or killed in turns), then restarted, {times} times"
    )
    return row(what, run, left, f"{posts} of {posts} requests made meanwhile were answered with 200")


def _begin(run: FaultRun, running: Up) -> None:
    run.ask(running.client, max(0, 2 - run.unfinished(running.client)))
    wait_until(lambda: bool(run.encoders()), 120)


def _post(run: FaultRun, running: Up, until: Callable[[], bool]) -> int:
    """Make a request every few seconds until it is time. Raises `Refused` where one is not accepted."""
    posts = 0
    while not until():
        run.ask(running.client, 1, kind="image", format="webp", height=None, width=100 + len(run.asked))
        posts += 1
        time.sleep(POST_SECONDS)
    return posts


def _hang(post: Callable[[Callable[[], bool]], int], running: Up) -> int:
    end = time.monotonic() + AWAY_SECONDS
    wait_until(lambda: bool(running.parts("prefect")), 60)
    with still(running.parts("prefect")[0]):
        return post(lambda: time.monotonic() > end)


def _keep_dead(post: Callable[[Callable[[], bool]], int], running: Up) -> int:
    end = time.monotonic() + AWAY_SECONDS

    def killed_until_the_end() -> bool:
        _signal(running, signal.SIGKILL)
        return time.monotonic() > end

    return post(killed_until_the_end)


def _signal(running: Up, number: signal.Signals) -> None:
    for process in running.parts("prefect"):
        with suppress(ProcessLookupError):
            os.kill(process, number)
