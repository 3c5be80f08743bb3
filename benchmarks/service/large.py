"""An input of four gigabytes, by address and by upload: how much the API and the worker grow while it passes.

The input is a real WAV file of silence, sparse on disk, of which the service is asked for the first second: every byte
is fetched, stored and looked at, and none is held.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.harness.origin import serving
from benchmarks.harness.process_usage import MB, peak_bytes, reset_peak
from benchmarks.harness.report import Row
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up
from benchmarks.service.latency import converted

TITLE = "A large input"
BYTES, SMALL = 4_000_000_000, 4_000_000
BAR_MB = 64
RATE_HZ, CHANNELS, SAMPLE_BYTES = 192_000, 2, 2
WANTED: dict[str, Any] = {"kind": "audio", "format": "mp3", "end": 1}
ROOM = {"PENSTOCK_MAX_AUDIO_INPUT_BYTES": str(2 * BYTES), "PENSTOCK_FETCH_TOTAL_SECONDS": "3600"}


@dataclass(frozen=True, slots=True)
class Growth:
    """Megabytes that a process held at its peak beyond what it held before."""

    api: float
    worker: float


def rows(amount: Amount) -> list[Row]:
    size = amount.of(BYTES)
    with TemporaryDirectory() as name, serving(Path(name)) as address, penstock_up(**ROOM) as running:
        small, whole = silence(Path(name) / "small.wav", SMALL), silence(Path(name) / "whole.wav", size)
        by_url = _growth(running, lambda path: _fetched(running, f"{address}/{path.name}"), (small, whole))
        by_upload = _growth(running, lambda path: _uploaded(running, path), (small, whole))
    return [_row(f"{size / 1e9:.1f} GB by address", by_url), _row(f"{size / 1e9:.1f} GB by upload", by_upload)]


def silence(path: Path, size: int) -> Path:
    """A WAV file of so many bytes: a header, and samples that take no place on the disk."""
    sound, block = size - 44, CHANNELS * SAMPLE_BYTES
    sound -= sound % block
    shape = struct.pack("<IHHIIHH", 16, 1, CHANNELS, RATE_HZ, RATE_HZ * block, block, 8 * SAMPLE_BYTES)
    head = b"RIFF" + struct.pack("<I", sound + 36) + b"WAVEfmt " + shape + b"data" + struct.pack("<I", sound)
    path.write_bytes(head)
    with path.open("r+b") as file:
        file.truncate(len(head) + sound)
    return path


def _growth(running: Running, convert: Callable[[Path], None], files: tuple[Path, Path]) -> Growth:
    """Warm up on the small one, then watch the large one."""
    small, whole = files
    convert(small)
    api, worker = running.part("API"), running.part("worker")
    before = reset_peak(api), reset_peak(worker)
    convert(whole)
    return Growth((peak_bytes(api) - before[0]) / MB, (peak_bytes(worker) - before[1]) / MB)


def _fetched(running: Running, url: str) -> None:
    converted(running, {"url": url, **WANTED})


def _uploaded(running: Running, path: Path) -> None:
    file = running.client.upload(path)
    converted(running, {"file_id": file["id"], **WANTED})
    running.client.delete(file["id"])


def _row(what: str, growth: Growth) -> Row:
    return Row(
        what=f"{what}: growth of the API and of the worker",
        ours=f"{growth.api:.0f} and {growth.worker:.0f} MB",
        peer="–",
        peer_figure="",
        ratio=None,
        spread=None,
        bar=f"≤ {BAR_MB} MB each",
        met=max(growth.api, growth.worker) <= BAR_MB,
        note="peak of resident memory, without the children that read and encode",
    )
