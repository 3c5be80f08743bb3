"""The cost of the process around a thumbnail: 160 px of a small photo, the same work in each."""

import multiprocessing
import os
import pickle
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.context import ForkServerContext
from pathlib import Path

from PIL import Image

from benchmarks.harness.report import Row, paired
from penstock.domain.limits import Limits
from penstock.domain.planning.plan import ImagePlan
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import parse_request
from penstock.engines import MediaFile, Tools, encode, probe
from penstock.engines.images.rendering import render

# A child of the forkserver imports the main module again, which takes half a second unless these are imported.
_PRELOADED = [
    "penstock.engines.entrypoints",
    "benchmarks.images.process_start",
    "benchmarks.images.peers",
    "benchmarks.images.ssimulacra",
]
_NICENESS = 10

_NEW_PROCESS_CODE = """
import pickle, sys
from penstock.engines.entrypoints import TABLE
TABLE["render"](*pickle.load(sys.stdin.buffer))
"""


def start_rows(tools: Tools, scratch: Path, rounds: int) -> list[Row]:
    """Ours, a child process with all limits, beside three other kinds of process."""
    path = scratch / "small.jpg"
    Image.effect_noise((640, 480), 40).convert("RGB").save(path, quality=85)
    source = MediaFile(path, probe(path, tools))
    plan = _planned(source, tools.limits)
    ours = lambda: encode(plan, source, scratch, tools)  # noqa: E731  one of several ways, and timed like them
    with ThreadPoolExecutor(1) as pool:
        others = _others(plan, path, scratch, pool)
        rounds_of = [[_seconds(candidate) for candidate in (ours, *others.values())] for _ in range(rounds + 1)][1:]
    mine, *theirs = zip(*rounds_of, strict=True)
    return [_row(mine, name, figures) for name, figures in zip(others, theirs, strict=True)]


def _planned(source: MediaFile, limits: Limits) -> ImagePlan:
    request = {"url": "https://example.com/input", "kind": "image", "format": "webp", "width": 160}
    plan = plan_for(parse_request(request), source.media, limits)
    assert isinstance(plan, ImagePlan)
    return plan


def _others(plan: ImagePlan, path: Path, scratch: Path, pool: ThreadPoolExecutor) -> dict[str, Callable[[], object]]:
    work = (plan, str(path), "JPEG", str(scratch / "other.webp"), Limits())
    forkserver = multiprocessing.get_context("forkserver")
    forkserver.set_forkserver_preload(_PRELOADED)
    return {
        "a new Python": lambda: _new_process(work),
        "multiprocessing's forkserver": lambda: _forked(forkserver, work),
        "a thread, without bounds": lambda: pool.submit(render, *work).result(),
    }


def _new_process(work: tuple[object, ...]) -> None:
    command = ["nice", "-n", str(_NICENESS), sys.executable, "-c", _NEW_PROCESS_CODE]
    subprocess.run(command, input=pickle.dumps(work), check=True)


def _forked(forkserver: ForkServerContext, work: tuple[object, ...]) -> None:
    process = forkserver.Process(target=_render_with_low_priority, args=work)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise RuntimeError("the forkserver's child failed")


def _render_with_low_priority(plan: ImagePlan, path: str, image_format: str, target: str, limits: Limits) -> None:
    os.nice(_NICENESS)
    render(plan, path, image_format, target, limits)


def _seconds(candidate: Callable[[], object]) -> float:
    began = time.perf_counter()
    candidate()
    return time.perf_counter() - began


def _row(ours: tuple[float, ...], name: str, theirs: tuple[float, ...]) -> Row:
    ratio = paired(ours, theirs)
    return Row(
        what="a thumbnail of a small photograph",
        ours=f"{1000 * statistics.median(ours):.0f} ms",
        peer=name,
        peer_figure=f"{1000 * statistics.median(theirs):.0f} ms",
        ratio=round(ratio.median, 2),
        spread=ratio.spread,
        bar="",
        met=None,
    )
