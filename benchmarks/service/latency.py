"""POST to completed, small pictures one by one: our warm worker, and a stock Prefect worker on the same server.

A client waits at `GET /tasks/{id}?wait=60`, so the figure holds both requests. A stock worker takes seconds for each,
so it has a tenth of the pictures; it polls every two seconds, as `penstock env` tells it, where its own default is ten.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.origin import pictures
from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up, stock_worker

TITLE = "From POST to completed"
RUNS, STOCK_RUNS = 100, 10
BAR_SECONDS, BAR_TIMES = 0.35, 15
STOCK = "stock `prefect worker`"

Requests = Iterator[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each conversion, of one round."""

    ours: Sequence[float]
    stock: Sequence[float]


def rows(amount: Amount) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, pictures(Path(folder)) as requests, penstock_up() as running:
        rounds = [_round(running, requests, amount) for _ in range(amount.rounds)]
    ours = sorted(seconds for times in rounds for seconds in times.ours)
    stock = sorted(seconds for times in rounds for seconds in times.stock)
    ratio = paired([_middle(times.ours) for times in rounds], [_middle(times.stock) for times in rounds])
    return [
        Row(
            what=f"POST → completed, {len(ours)} small images one by one, p50",
            ours=f"{_middle(ours):.3f} s",
            peer=f"{STOCK}, {len(stock)} images",
            peer_figure=f"{_middle(stock):.2f} s",
            ratio=round(ratio.median, 3),
            spread=ratio.spread,
            bar=f"≤ {BAR_SECONDS} s and ≤ 1/{BAR_TIMES}",
            met=_middle(ours) <= BAR_SECONDS and ratio.median <= 1 / BAR_TIMES,
            note=f"{1 / ratio.median:.0f} × faster; ours {_tail(ours)}; stock {_tail(stock)}",
        )
    ]


def one_by_one(running: Running, requests: Requests, count: int) -> list[float]:
    """The seconds of each of so many conversions, after one that does not count."""
    converted(running, next(requests))
    return [converted(running, next(requests)) for _ in range(count)]


def converted(running: Running, request: dict[str, object]) -> float:
    """The seconds of one conversion. Raises `AssertionError` where it did not end well."""
    began = time.perf_counter()
    task = running.client.create(request)
    while task["status"] == "processing":
        task = running.client.task(task["id"], wait_seconds=60)
    seconds = time.perf_counter() - began
    assert task["status"] == "completed", task["error"]
    return seconds


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed."""
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]


def _round(running: Running, requests: Requests, amount: Amount) -> Times:
    ours = one_by_one(running, requests, amount.of(RUNS, 5) // amount.rounds)
    with stock_worker(running):
        return Times(ours, one_by_one(running, requests, max(2, amount.of(STOCK_RUNS) // amount.rounds)))


def _middle(seconds: Sequence[float]) -> float:
    return statistics.median(seconds)


def _tail(ordered: Sequence[float]) -> str:
    return f"p90 {percentile(ordered, 90):.2f} s, p99 {percentile(ordered, 99):.2f} s"
