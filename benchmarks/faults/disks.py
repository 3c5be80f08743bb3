"""A disk fills up during conversions: that of the scratch folders, of the stored files, or of the database."""

import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Timer

import httpx

from benchmarks.faults.fault_run import FaultRun, Up, end_all, fault_run, leftovers, row, slots_held, up
from benchmarks.faults.postgres import SECONDS, await_work
from benchmarks.faults.repeating_client import RepeatingClient
from benchmarks.harness.report import Row
from benchmarks.harness.service import wait_until
from benchmarks.harness.small_disk import fill, fill_below_database, make_room, small_disk
from penstock.host.postgres import postgres_server

# The folders of the home with a disk of their own, and its size; the first one is the home itself, for all others.
DISKS = {".": "256m", "scratch": "128m", "files": "128m", "postgres": "512m"}
# Which of them are filled at once. All together are one disk for everything, as most machines have it.
FULL = {"scratch": ("scratch",), "files": ("files",), "postgres": ("postgres",), "the whole home": tuple(DISKS)}
FULL_SECONDS, HEALTH_TIMES = 20.0, 8
CODES = {"disk_full", "database_unavailable", "storage_unavailable"}


def disks(times: int) -> Row:
    """Fill the disk of each folder so many times for some seconds, while every encoder slot is in use."""
    with fault_run(SECONDS) as run, ExitStack() as mounted:
        with postgres_server(run.home.root):
            pass  # makes its folder
        for folder, size in DISKS.items():
            mounted.enter_context(small_disk(run.home.root / folder, f"size={size}"))
        with up(run, PENSTOCK_MIN_FREE_BYTES="0") as running:
            note, left = _filled(run, running, [*FULL] * times)
        what = f"`disks`: disk full for {FULL_SECONDS:.0f} s, {times} times each of {', '.join(FULL)}"
        return row(what, run, leftovers(run) | left, note)


def _filled(run: FaultRun, running: Up, names: list[str]) -> tuple[str, dict[str, int]]:
    health: dict[str, set[str]] = {name: set() for name in names}
    with RepeatingClient(running.service.api_url, run.home.secret("api_key")) as client:
        for number, name in enumerate(names, 1):
            await_work(run, client)
            time.sleep(random.uniform(0, 2))
            health[name] |= _fill(FULL[name], run, running, client)
            print(f"{number} of {len(names)}; {client.told()}; {health}", flush=True)
        end_all(run, client)
        others = sum(count for code, count in run.asked_again.items() if code not in CODES)
        left = client.differences(run) | {"slots held": slots_held(running, run), "failures with another code": others}
        told = ", ".join(f"{name}: {' or '.join(sorted(answers))}" for name, answers in health.items())
        return f"{client.told()}; `/health` meanwhile: {told}", left


def _fill(folders: Sequence[str], run: FaultRun, running: Up, client: RepeatingClient) -> set[str]:
    """What `/health` tells while the disks of the folders are full. Then it has to be 200 again."""
    places, told = [run.home.root / folder for folder in folders], set[str]()
    for place in places:
        fill_below_database(place, running.service.database_url) if place.name == "postgres" else fill(place)
    freed = Timer(FULL_SECONDS, _make_room, (places,))
    freed.start()
    for _ in range(HEALTH_TIMES):
        told.add(_health(running))
        time.sleep(1)
    run.ask(client, 1)
    freed.join()
    wait_until(lambda: _health(running).startswith("200"), 120)
    return told


def _make_room(places: Sequence[Path]) -> None:
    for place in places:
        make_room(place)


def _health(running: Up) -> str:
    told = httpx.get(f"{running.service.api_url}/health", timeout=30, trust_env=False)
    return f"{told.status_code} {told.json()['error']['code'] if told.is_error else 'ok'}"
