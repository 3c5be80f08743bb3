"""Webhooks: what they add to POST → completed, and how many are delivered beside a receiver that never answers.

Conversions with and without a `webhook_url` take turns, so that the machine's noise meets both. For the rate, one
request that has ended is sent again and again with other addresses, each of which is delivered at once: first those
of the receiver that accepts connections and never answers."""

import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.harness.origin import pictures
from benchmarks.harness.report import Row
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up
from benchmarks.service.latency import Requests, converted

TITLE = "Webhooks"
PAIRS, DELIVERIES, DEAD = 300, 2_000, 10_000
BAR_OVERHEAD, BAR_PER_MINUTE = 0.02, 1_000
WAIT_SECONDS = 600.0


@dataclass
class Receiver:
    """Counts what it is sent; `all_came` is set with the last of `expected`."""

    expected: int
    url: str = ""
    came: set[str] = field(default_factory=set)
    all_came: threading.Event = field(default_factory=threading.Event)


def rows(amount: Amount) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, pictures(Path(folder)) as requests, penstock_up() as running:
        return [_overhead(running, requests, amount), _rate(running, requests, amount)]


def _overhead(running: Running, requests: Requests, amount: Amount) -> Row:
    with receiving(10**9) as receiver:
        converted(running, next(requests))
        pairs = [_pair(running, requests, receiver.url) for _ in range(amount.of(PAIRS, 5))]
    bare, told = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    return Row(
        what=f"POST → completed, {len(pairs)} small images with a webhook, p50",
        ours=f"{told:.3f} s",
        peer="without one, in turns",
        peer_figure=f"{bare:.3f} s",
        ratio=round(told / bare, 3),
        spread=None,
        bar=f"≤ {1 + BAR_OVERHEAD}",
        met=told / bare <= 1 + BAR_OVERHEAD,
        note=f"{len(receiver.came)} delivered",
    )


def _pair(running: Running, requests: Requests, url: str) -> tuple[float, float]:
    bare = converted(running, next(requests))
    request = next(requests)
    return bare, converted(running, request | {"webhook_url": f"{url}/{abs(hash(str(request)))}"})


def _rate(running: Running, requests: Requests, amount: Amount) -> Row:
    alive, dead = amount.of(DELIVERIES), amount.of(DEAD)
    request = next(requests)
    converted(running, request)
    with silent() as silent_url, receiving(alive) as receiver:
        for number in range(dead):
            running.client.create(request | {"webhook_url": f"{silent_url}/{number}"})
        began = time.perf_counter()
        for number in range(alive):
            running.client.create(request | {"webhook_url": f"{receiver.url}/{number}"})
        assert receiver.all_came.wait(WAIT_SECONDS), f"{len(receiver.came)} of {alive} came"
        per_minute = 60 * alive / (time.perf_counter() - began)
    return Row(
        what=f"{alive:,} deliveries, behind {dead:,} to a receiver that never answers",
        ours=f"{per_minute:,.0f} a minute",
        peer="",
        peer_figure="",
        ratio=None,
        spread=None,
        bar=f"≥ {BAR_PER_MINUTE:,} a minute",
        met=per_minute >= BAR_PER_MINUTE,
        note="with the POSTs that cause them",
    )


@contextmanager
def receiving(expected: int) -> Iterator[Receiver]:
    """A receiver that accepts everything."""
    receiver = Receiver(expected)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.add(self.path)
            self.send_response(204)
            self.end_headers()
            if len(receiver.came) >= expected:
                receiver.all_came.set()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
