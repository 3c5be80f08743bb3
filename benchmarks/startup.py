"""How long `penstock up` needs to be ready, against `prefect server start` alone on the same PostgreSQL.

`uv run python -m benchmarks.startup [ROUNDS]` prints both, in turns, and the ratio of the medians. Each starts on a
home that has been started once before, so that neither pays for migrations.
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

from penstock.embedded import postgres
from penstock.home import Home
from penstock.orchestration.server import Address, client_environment, is_ready, server_command, server_environment

PREFECT_PORT, PORT = 4287, 8087
AUTH = "penstock:benchmark"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "home"
        penstock_up(root)
        pairs = [(prefect_alone(root), penstock_up(root)) for _ in range(rounds)]
    alone, up = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"prefect server start  {alone:5.1f} s   {[round(pair[0], 1) for pair in pairs]}")
    print(f"penstock up           {up:5.1f} s   {[round(pair[1], 1) for pair in pairs]}")
    print(f"ratio                 {up / alone:5.2f}     (the bar is 1.5)")


def prefect_alone(root: Path) -> float:
    home, address = Home.at(root), Address(f"http://127.0.0.1:{PREFECT_PORT}/api")
    with httpx.Client(trust_env=False) as http:
        begun = time.monotonic()
        with postgres(root) as server:
            extra = client_environment(home, address, AUTH) | server_environment(address, AUTH, server.url())
            return _timed(server_command("127.0.0.1", PREFECT_PORT), extra, begun, lambda: is_ready(address, http))


def penstock_up(root: Path) -> float:
    home = Home.at(root)
    command = [sys.executable, "-m", "penstock", "up", "--home", str(root)]
    command += ["--port", str(PORT), "--prefect-port", str(PREFECT_PORT)]
    return _timed(command, {}, time.monotonic(), lambda: home.running() is not None)


def _timed(command: list[str], extra: dict[str, str], begun: float, ready: Callable[[], bool]) -> float:
    process = subprocess.Popen(command, env=os.environ | extra, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not ready():
            if process.poll() is not None:
                raise SystemExit(f"{command[:5]} ended with {process.returncode}")
            time.sleep(0.05)
        return time.monotonic() - begun
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


if __name__ == "__main__":
    main()
