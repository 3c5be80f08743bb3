"""The whole service, and each of its parts, killed at random moments during long conversions."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import httpx

from benchmarks.faults.fault_run import SLOTS, FaultRun, Up, end_all, fault_run, leftovers, row, slots_held, up
from benchmarks.harness.json_client import Refused
from benchmarks.harness.process_usage import is_alive
from benchmarks.harness.report import Row
from benchmarks.harness.service import wait_until
from penstock.host.postgres import server_process

LONG = 8
# On a machine that does much else; a part is back within seconds.
RESTART_SECONDS = 400.0


def ups(times: int) -> Row:
    """Kill the whole service while every slot is in use; every second time PostgreSQL too, as a power cut does. A
    conversion takes about a second, so that some end between two kills."""
    with fault_run(seconds=3) as run:
        for number in range(times):
            with up(run) as running:
                run.ask(running.client, max(0, 2 * LONG - run.unfinished(running.client)))
                wait_until(lambda: len(run.encoders()) >= SLOTS, 120)
                time.sleep(random.uniform(0, 8))
                running.kill(postgres=server_process(run.home.root) if number % 2 else None)
            print(f"up killed {number + 1} of {times}", flush=True)
        with up(run) as running:
            end_all(run, running.client)
            slots = slots_held(running, run)
        return row(f"`ups`: `penstock up` killed whole, {times} times", run, leftovers(run) | {"slots held": slots})


def parts(each: int) -> Row:
    """Kill or stop each part so many times, in turns, at a random moment during long conversions. An interrupt ends it
    early."""
    deaths: list[float] = []
    with fault_run() as run:
        with up(run) as running:
            kills = _kill_in_turns(run, running, each, deaths)
            end_all(run, running.client)
            slots = slots_held(running, run)
        gone = f"encoders gone {max(deaths, default=0):.2f} s after their worker at most, of {len(deaths)} times"
        what = f"`parts`: {', '.join(VICTIMS)} killed, {min(kills.values())} times each"
        return row(what, run, leftovers(run) | {"slots held": slots}, gone)


def drains(times: int) -> Row:
    """Tell the worker to end while every encoder slot is in use: it ends what it has begun, and nothing is repeated."""
    with fault_run(seconds=2) as run:
        with up(run) as running:
            for number in range(times):
                run.ask(running.client, SLOTS)
                wait_until(lambda: len(run.encoders()) >= SLOTS, RESTART_SECONDS)
                VICTIMS["worker (SIGTERM)"](run, running)
                end_all(run, running.client)
                print(f"drained {number + 1} of {times} times", flush=True)
            repeated = sum(running.client.task(task)["attempt"] > 1 for task in run.asked)
            slots = slots_held(running, run)
        left = leftovers(run) | {"slots held": slots, "tasks that were run again": repeated}
        return row(f"`drains`: worker told to end (SIGTERM) during work, {times} times", run, left)


def _kill_in_turns(run: FaultRun, running: Up, each: int, deaths: list[float]) -> Counter[str]:
    kills = Counter(dict.fromkeys(VICTIMS, 0))
    with suppress(KeyboardInterrupt):
        for _ in range(each):
            for victim in random.sample(list(VICTIMS), len(VICTIMS)):
                wait_until(lambda: _is_busy(run, running), RESTART_SECONDS)
                time.sleep(random.uniform(0.5, 6))
                deaths += VICTIMS[victim](run, running)
                kills[victim] += 1
                print(f"killed: {dict(kills)}", flush=True)
    return kills


def _is_busy(run: FaultRun, running: Up) -> bool:
    """Whether an encoder works and more wait; asks for more conversions while the API can be reached."""
    with suppress(Refused, httpx.HTTPError):
        run.ask(running.client, max(0, LONG - run.unfinished(running.client)))
    return bool(run.encoders())


def _kill_worker(run: FaultRun, running: Up) -> list[float]:
    """Returns after how many seconds the worker's encoders were gone, if there were any."""
    encoders, began, before = run.encoders(), time.monotonic(), running.parts("worker-1")
    _signal(before, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, encoders)), 60)
    gone = time.monotonic() - began
    _await_another(running, "worker-1", before)
    return [gone] if encoders else []


def _kill_encoder(run: FaultRun, _running: Up) -> list[float]:
    if encoders := run.encoders():
        _signal([random.choice(encoders)], signal.SIGKILL)
    return []


def _kill_both(run: FaultRun, running: Up) -> list[float]:
    return _kill_encoder(run, running) + _kill_worker(run, running)


def _kill_postgres(run: FaultRun, _running: Up) -> list[float]:
    if (before := server_process(run.home.root)) is not None:
        os.kill(before, signal.SIGKILL)
    wait_until(lambda: server_process(run.home.root) not in (before, None), RESTART_SECONDS)
    return []


def _part(name: str, number: signal.Signals) -> Callable[[FaultRun, Up], list[float]]:
    """Signals a part of `up`, and waits until `up` has started another one."""

    def kill(_run: FaultRun, running: Up) -> list[float]:
        before = running.parts(name)
        _signal(before, number)
        _await_another(running, name, before)
        return []

    return kill


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def _await_another(running: Up, name: str, before: list[int]) -> None:
    wait_until(lambda: any(each not in before for each in running.parts(name)), RESTART_SECONDS)


# What is killed, by its name in the table.
VICTIMS: dict[str, Callable[[FaultRun, Up], list[float]]] = {
    "encoder": _kill_encoder,
    "worker": _kill_worker,
    "worker and encoder": _kill_both,
    "API with dispatcher": _part("api", signal.SIGKILL),
    "Prefect": _part("prefect", signal.SIGKILL),
    "PostgreSQL": _kill_postgres,
    "worker (SIGTERM)": _part("worker-1", signal.SIGTERM),
}
