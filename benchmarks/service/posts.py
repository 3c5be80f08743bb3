"""How many POSTs the API accepts a second, 50 at once: the same request again and again, and as many different ones.

The whole service runs beside it: its dispatcher and its worker take up the tasks as they come, and are not waited for.
The first hundred of each kind are not counted: they open the connections to the database.
The client is a process of its own over raw sockets (`benchmarks.harness.load_client`), on the same cores.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from benchmarks.harness.origin import pictures
from benchmarks.harness.process_usage import cpu_seconds
from benchmarks.harness.report import Row
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up
from benchmarks.service.latency import percentile

TITLE = "POSTs accepted"
POSTS, AT_ONCE, UNCOUNTED = 1000, 50, 100
EQUAL_A_SECOND, DIFFERENT_A_SECOND, P99_SECONDS = 300, 100, 0.5


@dataclass(frozen=True, slots=True)
class Round:
    """One thousand POSTs: how many a second, the p99 in seconds, and the API's processor seconds a POST."""

    a_second: float
    p99: float
    cpu: float


def rows(amount: Amount) -> list[Row]:
    count = amount.of(POSTS, 2 * AT_ONCE)
    with TemporaryDirectory() as folder, pictures(Path(folder)) as requests, penstock_up() as running:
        post_all(running, [next(requests)] * UNCOUNTED)
        equal = [post_all(running, [next(requests)] * count) for _ in range(amount.rounds)]
        post_all(running, list(islice(requests, UNCOUNTED)))
        different = [post_all(running, list(islice(requests, count))) for _ in range(amount.rounds)]
    return [
        _row(f"{count} equal POSTs, {AT_ONCE} at once", equal, EQUAL_A_SECOND),
        _row(f"{count} different POSTs, {AT_ONCE} at once", different, DIFFERENT_A_SECOND),
    ]


def post_all(running: Running, requests: Sequence[dict[str, object]]) -> Round:
    """All sent and answered. Raises `AssertionError` for a refusal."""
    at, api = urlsplit(running.service.api_url), running.part("API")
    words = [str(at.hostname), str(at.port), running.key, str(AT_ONCE)]
    before = cpu_seconds(api)
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.harness.load_client", *words],
        input="\n".join(map(json.dumps, requests)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    cpu = cpu_seconds(api) - before
    responses = json.loads(result.stdout)
    assert responses["statuses"] == {"200": len(requests)}, responses["statuses"]
    return Round(len(requests) / responses["wall"], percentile(sorted(responses["each"]), 99), cpu / len(requests))


def _row(what: str, rounds: Sequence[Round], bar: int) -> Row:
    a_second = statistics.median(one.a_second for one in rounds)
    p99 = statistics.median(one.p99 for one in rounds)
    cpu = statistics.median(one.cpu for one in rounds)
    return Row(
        what=what,
        ours=f"{a_second:.0f}/s, p99 {p99:.2f} s",
        peer="–",
        peer_figure="",
        ratio=None,
        spread=None,
        bar=f"≥ {bar}/s, p99 ≤ {P99_SECONDS} s",
        met=a_second >= bar and p99 <= P99_SECONDS,
        note=f"rounds {', '.join(f'{one.a_second:.0f}' for one in rounds)}/s; the API's processor {1000 * cpu:.1f} ms",
    )
