"""A thousand runs through one warm worker: what it keeps of them. A worker that leaks has to be restarted."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness.origin import pictures
from benchmarks.harness.process_usage import MB, Usage, usage
from benchmarks.harness.report import Row
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up, wait_until
from benchmarks.service.burst import all_converted

TITLE = "What a thousand runs leave behind"
RUNS, FIRST = 1000, 100
BAR_MB = 20
BATCH = 50
SETTLED_SECONDS = 60.0


def rows(amount: Amount) -> list[Row]:
    first, more = amount.of(FIRST, 10), amount.of(RUNS, 30)
    with TemporaryDirectory() as folder, pictures(Path(folder)) as requests, penstock_up() as running:
        parts = {name: running.part(name) for name in ("worker", "API")}
        _run(running, list(islice(requests, first)))
        before = {name: _settled(process) for name, process in parts.items()}
        _run(running, list(islice(requests, more - first)))
        after = {name: _settled(process, before[name]) for name, process in parts.items()}
    return [_row(name, before[name], after[name], (first, more)) for name in parts]


def _run(running: Running, requests: Sequence[dict[str, object]]) -> None:
    for start in range(0, len(requests), BATCH):
        all_converted(running, requests[start : start + BATCH])


def _settled(process: int, like: Usage | None = None) -> Usage:
    """What the process holds at rest: when it holds the same twice, or as little as it once did."""
    seen = [usage(process)]

    def at_rest() -> bool:
        seen.append(usage(process))
        return _things(seen[-1]) == _things(like or seen[-2])

    try:
        wait_until(at_rest, SETTLED_SECONDS)
    except TimeoutError:
        return seen[-1]
    return seen[-1]


def _row(name: str, before: Usage, after: Usage, counts: tuple[int, int]) -> Row:
    growth = (after.proportional - before.proportional) / MB
    small = growth <= BAR_MB and all(now <= then for now, then in zip(_things(after), _things(before), strict=True))
    return Row(
        what=f"{counts[1]} runs: the {name}'s growth after the first {counts[0]} (PSS)",
        ours=f"{growth:+.1f} MB",
        peer=f"itself after {counts[0]}",
        peer_figure=f"{before.proportional / MB:.0f} MB",
        ratio=None,
        spread=None,
        bar=f"≤ {BAR_MB} MB, nothing left open",
        met=small,
        note=f"files, threads, children {_things(before)} → {_things(after)}",
    )


def _things(one: Usage) -> tuple[int, int, int]:
    return one.files, one.threads, one.children
