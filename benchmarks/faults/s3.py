"""An S3 that refuses, stalls or breaks the uploads of outputs."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.faults.fault_run import FaultRun, Up, end_all, fault_run, leftovers, row, slots_held, up
from benchmarks.harness.report import Row
from benchmarks.harness.s3_relay import Fault, S3Relay, s3_relay
from benchmarks.harness.s3_server import s3_server
from benchmarks.harness.service import wait_until
from penstock.engines import bundled_ffmpeg

# What fails, and how many requests of an upload, which are repeated three times by the client of S3, and then by the
# stage. The outputs take two parts.
FAULTS: tuple[tuple[Fault, int], ...] = (("503", 3), ("503", 10_000), ("stall", 1), ("reset", 1))
SONG_SECONDS = 240
ENDED_SECONDS = 240.0


def s3(times: int) -> Row:
    """Fail uploads in each way so many times. Where S3 does not come back, the task fails and is asked for again."""
    with fault_run(seconds=1) as run, _relayed_bucket(run) as relay:
        run.video = _song(run.folder / "song.flac")
        with up(run) as running:
            waits = [_failing(run, running, relay, fault, uploads) for _ in range(times) for fault, uploads in FAULTS]
            encodes = _encodes(run)
            slots = slots_held(running, run)
        left = leftovers(run) | {"slots held": slots, "encodes more than once": encodes - len(run.asked)}
    what = f"`s3`: uploads answered with 503 three times or always, stalled, or reset in the middle, {times} times each"
    return row(what, run, left, f"each encoded once; ended {max(waits):.0f} s after its request at most")


def _failing(run: FaultRun, running: Up, relay: S3Relay, fault: Fault, uploads: int) -> float:
    """Returns after how many seconds the task had ended."""
    run.file = run.file or running.client.upload(run.video)["id"]
    relay.fail(fault, uploads)
    began, before = time.monotonic(), relay.failed
    [task] = run.ask(running.client, 1, kind="audio", format="wav", height=None, end=SONG_SECONDS - len(run.asked))
    wait_until(lambda: running.client.task(task)["status"] != "processing", ENDED_SECONDS)
    took = time.monotonic() - began
    print(f"{fault} × {relay.failed - before}: {running.client.task(task)['status']} after {took:.1f} s", flush=True)
    assert relay.failed > before
    relay.fail(fault, 0)
    end_all(run, running.client)
    return took


def _encodes(run: FaultRun) -> int:
    """How many encodes the worker's log tells of."""
    return len(re.findall(r"Task run 'transcode' - encoded", (run.home.root / "logs" / "worker-1.log").read_text()))


@contextmanager
def _relayed_bucket(run: FaultRun) -> Iterator[S3Relay]:
    with s3_server(run.folder) as settings, s3_relay(settings["PENSTOCK_S3_ENDPOINT_URL"]) as relay:
        run.environment = settings | {"PENSTOCK_S3_ENDPOINT_URL": relay.endpoint}
        os.environ.update({name: value for name, value in settings.items() if name.startswith("AWS_")})
        yield relay


def _song(path: Path) -> Path:
    """A small file, of which a WAV takes more than one part of an upload (16 MiB)."""
    source = ("-f", "lavfi", "-i", f"sine=frequency=440:duration={SONG_SECONDS}")
    subprocess.run([str(bundled_ffmpeg()), "-v", "error", *source, str(path)], check=True)
    return path
