"""The clock of the host of the API, the worker and Prefect jumps by days. PostgreSQL is on another host."""

from collections import Counter

import psycopg

from benchmarks.faults.fault_run import FaultRun, Up, end_all, fault_run, leftovers, row, slots_held, up
from benchmarks.harness.report import Row
from benchmarks.harness.service import wait_until
from benchmarks.harness.wrong_clock import WrongClock
from penstock.host.postgres import postgres_server

# A run that is claimed in the moment of a jump back waits in Prefect's engine for the time that it was created at. Its
# task gets another after a lease, as if the worker had died in between.
NOT_BEGUN = "queued"
# From right to two days ahead, two days back, and right again: each during an encode.
JUMPS = ("+2d", "-2d", "+0")


def clocks(times: int) -> Row:
    """Let the clock jump during conversions; no attempt may be taken for lost."""
    with fault_run(seconds=5) as run, postgres_server(run.folder / "database") as database:
        clock = WrongClock(run.folder / "clock")
        clock.jump("+0")
        run.environment = clock.environment() | {
            "PENSTOCK_DATABASE_URL": database.url(),
            "PENSTOCK_LEASE_SECONDS": "60",
        }
        with up(run) as running:
            for number in range(times):
                _jump(run, running, clock)
                print(f"the clock jumped ahead and back {number + 1} of {times} times", flush=True)
            lost_in = Counter(_states_of_losses(run))
            slots = slots_held(running, run)
        claimed = lost_in.pop(NOT_BEGUN, 0)
        left = leftovers(run) | {"slots held": slots, "leases that ended early": lost_in.total()}
    what = f"`clocks`: the host's clock 2 days ahead, then 2 days back, then right, {times} times"
    return row(
        what, run, left, f"{claimed} runs that had been claimed and not begun at a jump were run again after a lease"
    )


def _states_of_losses(run: FaultRun) -> list[str]:
    """The states in which the tasks were when an attempt of theirs was lost."""
    with psycopg.connect(run.environment["PENSTOCK_DATABASE_URL"]) as records:
        return [str(state) for (state,) in records.execute("SELECT lost_in FROM tasks WHERE attempt > 1")]


def _jump(run: FaultRun, running: Up, clock: WrongClock) -> None:
    for offset in JUMPS:
        run.ask(running.client, 2)
        wait_until(lambda: bool(run.encoders()), 120)
        clock.jump(offset)
        run.ask(running.client, 1, kind="image", format="webp")
        end_all(run, running.client)
