"""The typed client: what it adds to a call, against the same requests with httpx alone, and how long an import takes.

Calls take turns, so that a slow machine slows both. Imports are those of new processes, with compiled modules."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks.harness.origin import pictures
from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up
from benchmarks.service.latency import converted
from penstock import Client

TITLE = "The client"
CALLS, IMPORTS = 500, 20
BAR_CALL_SECONDS, BAR_IMPORT_SECONDS = 0.005, 0.150
IMPORT = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
OURS, PEER = "from penstock import convert, Client", "import httpx, pydantic"


def rows(amount: Amount) -> list[Row]:
    return [_calls(amount), _imports(amount)]


def _calls(amount: Amount) -> Row:
    with tempfile.TemporaryDirectory() as folder, pictures(Path(folder)) as requests, penstock_up() as running:
        converted(running, next(requests))
        task_id = running.client.create(next(requests))["id"]
        rounds = [_round(running, task_id, amount.of(CALLS, 20)) for _ in range(amount.rounds)]
    ours, bare = ([statistics.median(times) for times in side] for side in zip(*rounds, strict=True))
    more, ratio = statistics.median(ours) - statistics.median(bare), paired(ours, bare)
    return Row(
        what="`Client.task`, p50",
        ours=f"{1000 * statistics.median(ours):.2f} ms",
        peer="the same GET with `httpx.Client`, JSON read",
        peer_figure=f"{1000 * statistics.median(bare):.2f} ms",
        ratio=round(ratio.median, 3),
        spread=ratio.spread,
        bar=f"≤ {1000 * BAR_CALL_SECONDS:.0f} ms more",
        met=more <= BAR_CALL_SECONDS,
        note=f"{1000 * more:.2f} ms more",
    )


def _round(running: Running, task_id: str, count: int) -> tuple[list[float], list[float]]:
    headers = {"Authorization": f"Bearer {running.key}"}
    with (
        Client(running.service.api_url, running.key) as client,
        httpx.Client(base_url=running.service.api_url, headers=headers, trust_env=False) as bare,
    ):
        pairs = [
            (_timed(lambda: client.task(task_id)), _timed(lambda: bare.get(f"/tasks/{task_id}").json()))
            for _ in range(count)
        ]
    ours, theirs = zip(*pairs, strict=True)
    return list(ours), list(theirs)


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _imports(amount: Amount) -> Row:
    count = amount.of(IMPORTS, 2)
    rounds = [tuple([_import(one) for _ in range(count)] for one in (OURS, PEER)) for _ in range(amount.rounds)]
    ours, peer = ([statistics.median(times) for times in side] for side in zip(*rounds, strict=True))
    ratio = paired(ours, peer)
    return Row(
        what=f"`{OURS}`",
        ours=f"{1000 * statistics.median(ours):.0f} ms",
        peer=f"`{PEER}`",
        peer_figure=f"{1000 * statistics.median(peer):.0f} ms",
        ratio=round(ratio.median, 3),
        spread=ratio.spread,
        bar=f"≤ {1000 * BAR_IMPORT_SECONDS:.0f} ms",
        met=statistics.median(ours) <= BAR_IMPORT_SECONDS,
        note="httpx is imported with the first client",
    )


def _import(program: str) -> float:
    done = subprocess.run([sys.executable, "-c", IMPORT.format(program)], capture_output=True, text=True, check=True)
    return float(done.stdout)
