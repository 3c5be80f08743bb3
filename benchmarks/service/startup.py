"""How long `penstock up` needs to be ready, against `prefect server start` alone on the same PostgreSQL.

In turns, each on a home that has been started once before, so that neither pays for migrations.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import START_SECONDS, wait_until
from penstock.host.home import Home
from penstock.host.postgres import postgres_server
from penstock.orchestration.prefect_server import (
    PrefectAddress,
    client_environment,
    create_prefect_database,
    is_ready,
    server_environment,
)

TITLE = "The start"
PREFECT_PORT, PORT = 4287, 8087
AUTH = "penstock:benchmark"
BAR = 1.5


def rows(amount: Amount) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "home"
        penstock_up(root)
        pairs = [(penstock_up(root), prefect_alone(root)) for _ in range(amount.rounds)]
    up, alone = zip(*pairs, strict=True)
    ratio = paired(up, alone)
    return [
        Row(
            what="`penstock up`, until it takes work",
            ours=f"{statistics.median(up):.1f} s",
            peer="`prefect server start`, same PostgreSQL",
            peer_figure=f"{statistics.median(alone):.1f} s",
            ratio=round(ratio.median, 2),
            spread=ratio.spread,
            bar=f"≤ {BAR}",
            met=round(ratio.median, 2) <= BAR,
        )
    ]


def prefect_alone(root: Path) -> float:
    home, address = Home.at(root), PrefectAddress(f"http://127.0.0.1:{PREFECT_PORT}/api")
    with httpx.Client(trust_env=False) as http:
        begun = time.monotonic()
        with postgres_server(root) as server:
            create_prefect_database(server.url())
            extra = client_environment(home, address, AUTH) | server_environment(address, AUTH, server.url())
            command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(PREFECT_PORT)]
            return _timed(command, extra, begun, lambda: is_ready(address, http))


def penstock_up(root: Path) -> float:
    home = Home.at(root)
    command = [sys.executable, "-m", "penstock", "up", "--home", str(root)]
    command += ["--port", str(PORT), "--prefect-port", str(PREFECT_PORT)]
    return _timed(command, {}, time.monotonic(), lambda: home.running_service() is not None)


def _timed(command: list[str], extra: dict[str, str], begun: float, ready: Callable[[], bool]) -> float:
    process = subprocess.Popen(command, env=os.environ | extra, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(ready, START_SECONDS, process)
        return time.monotonic() - begun
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
