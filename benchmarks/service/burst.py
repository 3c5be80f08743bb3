"""Many small images at once: runs a second of our warm worker and of a stock one on the same server.

The processor seconds of each process for one run bound the rate: their sum divided by the cores.
"""

import os
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness.origin import pictures
from benchmarks.harness.process_usage import cpu_seconds
from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up, stock_worker
from benchmarks.service.latency import STOCK, Requests, one_by_one

TITLE = "A burst"
RUNS, STOCK_RUNS, BAR_TIMES = 200, 20, 10
POSTING_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Burst:
    """Runs a second, and the processor seconds of each part for one run."""

    a_second: float
    cpu: dict[str, float]


def rows(amount: Amount) -> list[Row]:
    with TemporaryDirectory() as folder, pictures(Path(folder)) as requests, penstock_up() as running:
        pairs = [_pair(running, requests, amount) for _ in range(amount.rounds)]
    ours, stock = zip(*pairs, strict=True)
    ratio = paired([each.a_second for each in ours], [each.a_second for each in stock])
    return [
        Row(
            what=f"{amount.of(RUNS, 10)} small images at once, runs a second",
            ours=f"{_middle(ours):.2f}/s",
            peer=f"{STOCK}, {amount.of(STOCK_RUNS, 4)} images",
            peer_figure=f"{_middle(stock):.3f}/s",
            ratio=round(ratio.median, 1),
            spread=ratio.spread,
            bar=f"≥ {BAR_TIMES} ×",
            met=ratio.median >= BAR_TIMES,
            note=f"processor a run: {_text(ours)}; stock: {_text(stock)}; {os.cpu_count()} cores",
        )
    ]


def burst(running: Running, requests: Sequence[dict[str, object]], parts: dict[str, int]) -> Burst:
    """Request all at once and wait. Raises `AssertionError` if one is not completed."""
    before = {name: cpu_seconds(process) for name, process in parts.items()}
    began = time.perf_counter()
    all_converted(running, requests)
    seconds = time.perf_counter() - began
    spent = {name: (cpu_seconds(process) - before[name]) / len(requests) for name, process in parts.items()}
    return Burst(len(requests) / seconds, spent)


def all_converted(running: Running, requests: Sequence[dict[str, object]]) -> None:
    with ThreadPoolExecutor(POSTING_AT_ONCE) as posting:
        tasks = list(posting.map(running.client.create, requests))
    for task in tasks:
        while (ended := running.client.task(task["id"], wait_seconds=60))["status"] == "processing":
            pass
        assert ended["status"] == "completed", ended["error"]


def _pair(running: Running, requests: Requests, amount: Amount) -> tuple[Burst, Burst]:
    parts = running.parts()
    one_by_one(running, requests, 1)
    ours = burst(running, list(islice(requests, amount.of(RUNS, 10))), parts)
    with stock_worker(running) as worker:
        one_by_one(running, requests, 1)
        return ours, burst(running, list(islice(requests, amount.of(STOCK_RUNS, 4))), parts | {"worker": worker})


def _middle(bursts: Sequence[Burst]) -> float:
    return statistics.median(each.a_second for each in bursts)


def _text(bursts: Sequence[Burst]) -> str:
    middles = {name: statistics.median(each.cpu[name] for each in bursts) for name in bursts[0].cpu}
    each = ", ".join(f"{name} {seconds:.2f}" for name, seconds in middles.items())
    return f"{each}, together {sum(middles.values()):.2f} s"
