"""What the jail costs a child process: the same jobs in a fork server with all of it and in one without, in turns."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from penstock.domain.limits import Limits
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import parse_request
from penstock.engines import MediaFile, Tools, bundled_ffmpeg, encode, probe, sandbox_pool
from penstock.engines.tools import program_output

TITLE = "The jail of child processes"
PAIRS, WARM_UP = 100, 5
BAR_SECONDS = 0.002

Job = Callable[[Tools], object]


def rows(amount: Amount) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, sandbox_pool("require") as jailed, sandbox_pool("off") as unjailed:
        tools = tuple(Tools(pool, bundled_ffmpeg(), Limits()) for pool in (jailed, unjailed))
        pairs = amount.rounds * amount.of(PAIRS, 20)
        return [_row(name, job, (tools[0], tools[1]), pairs) for name, job in _jobs(Path(folder), tools[0]).items()]


def _jobs(folder: Path, tools: Tools) -> dict[str, Job]:
    source, output = folder / "in" / "photo.jpg", folder / "out"
    source.parent.mkdir()
    output.mkdir()
    Image.effect_noise((640, 480), 40).convert("RGB").save(source, quality=85)
    file = MediaFile(source, probe(source, tools))
    request = parse_request({"url": "https://example.com/input", "kind": "image", "format": "webp", "width": 160})
    plan = plan_for(request, file.media, Limits())
    return {
        "a child that executes `true`": lambda each: program_output(("/bin/true",), each.pool),
        "`ffmpeg -version`": lambda each: program_output((str(each.ffmpeg), "-version"), each.pool),
        "the probe of a small photograph": lambda each: probe(source, each),
        "a thumbnail of it": lambda each: encode(plan, file, output, each),
    }


def _row(name: str, job: Job, tools: tuple[Tools, Tools], pairs: int) -> Row:
    measured = [tuple(_seconds(job, each) for each in tools) for _ in range(pairs + WARM_UP)][WARM_UP:]
    jailed, unjailed = ([pair[side] for pair in measured] for side in (0, 1))
    more = statistics.median(mine - other for mine, other in zip(jailed, unjailed, strict=True))
    ratio = paired(jailed, unjailed)
    return Row(
        what=name,
        ours=f"{1000 * statistics.median(jailed):.2f} ms",
        peer="the same without a jail",
        peer_figure=f"{1000 * statistics.median(unjailed):.2f} ms",
        ratio=round(ratio.median, 3),
        spread=ratio.spread,
        bar=f"≤ {1000 * BAR_SECONDS:.0f} ms more",
        met=more <= BAR_SECONDS,
        note=f"{1000 * more:.2f} ms more",
    )


def _seconds(job: Job, tools: Tools) -> float:
    began = time.perf_counter()
    job(tools)
    return time.perf_counter() - began
