"""Thirty seconds of video through the whole service, against the same argument list run bare.

The service's time is a caller's: from the POST to the end of the wait, with fetch, probe, verification and storage. The
film's noise makes its encoder write about as many bits a second as a camera does. A run goes on after its task is
completed, with the pictures of its receipt: its end is awaited, so that it does not slow the bare command.
"""

import os
import statistics
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from benchmarks.harness.origin import serving
from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up, wait_until
from benchmarks.service.latency import converted
from penstock.domain.planning.plan import VideoPlan
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import parse_request
from penstock.engines import MediaFile, Tools, bundled_ffmpeg, command_line, probe, sandbox_pool
from penstock.local_service import RunningService
from penstock.settings import Settings
from penstock.settings.limits import limits_of

TITLE = "A video through the service"
SECONDS, BAR = 30, 1.05
_RUN_SECONDS = 60.0
SCORING = {"scored for its receipt": {}, "not scored": {"PENSTOCK_RECEIPT_FRAMES": "0"}}
WANTED: dict[str, Any] = {"kind": "video", "format": "mp4", "width": 1280}
PICTURE = "testsrc2=size=1920x1080:rate=30:duration={seconds},noise=alls=4:allf=t"


def rows(amount: Amount) -> list[Row]:
    seconds = amount.of(SECONDS, 3)
    with TemporaryDirectory() as name, serving(Path(name)) as address:
        video = _long_video(Path(name) / "film.mp4", seconds)
        bare = _bare(video, Path(name))
        return [_row(f"{address}/{video.name}", bare, amount, text) for text in SCORING]


def _row(url: str, bare: list[str], amount: Amount, scoring: str) -> Row:
    ours, theirs = [], []
    with penstock_up(**SCORING[scoring]) as running:
        _asked(running, f"{url}?first")
        for number in range(amount.rounds):
            theirs.append(_run(bare))
            ours.append(_asked(running, f"{url}?{number}"))
    ratio = paired(ours, theirs)
    return Row(
        what=f"{amount.of(SECONDS, 3)} s of 1080p video → 720p mp4, POST → completed, {scoring}",
        ours=f"{statistics.median(ours):.2f} s",
        peer="the same argument list, bare",
        peer_figure=f"{statistics.median(theirs):.2f} s",
        ratio=round(ratio.median, 3),
        spread=ratio.spread,
        bar=f"≤ {BAR}",
        met=round(ratio.median, 3) <= BAR,
        note=f"{statistics.median(ours) - statistics.median(theirs):.2f} s more",
    )


def _long_video(path: Path, seconds: int) -> Path:
    sources = ("-f", "lavfi", "-i", PICTURE.format(seconds=seconds), "-f", "lavfi", "-i", f"sine=duration={seconds}")
    written = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", str(path))
    subprocess.run([str(bundled_ffmpeg()), "-v", "error", *sources, *written], check=True)
    return path


def _bare(video: Path, folder: Path) -> list[str]:
    """What a service with the settings' defaults runs for this film."""
    settings = Settings()
    limits = limits_of(settings)
    with sandbox_pool() as pool:
        tools = Tools(pool, bundled_ffmpeg(), limits, settings.threads_per_encoder)
        source = MediaFile(video, probe(video, tools))
        plan = plan_for(parse_request({"url": "https://example.com/film.mp4", **WANTED}), source.media, limits)
        assert isinstance(plan, VideoPlan)
        return command_line(plan, source, folder / "bare.mp4", tools)


def _run(argv: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=dict(os.environ))
    return time.perf_counter() - began


def _asked(running: Running, url: str) -> float:
    request = {"url": url, **WANTED}
    seconds = converted(running, request)
    run = running.client.create(request)["run"]["id"]  # of the same Task
    wait_until(lambda: _has_ended(running.service, run), _RUN_SECONDS)
    return seconds


def _has_ended(service: RunningService, run: str) -> bool:
    user, _, password = (service.prefect_auth or "").partition(":")
    url = f"{service.prefect_api_url}/flow_runs/{run}"
    return bool(httpx.get(url, auth=(user, password), trust_env=False).json()["end_time"])
