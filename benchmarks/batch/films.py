"""Two hundred films of two seconds as one batch, against our own argument lists run bare, two at once.

The encoders of both sides have the same priority. The batch also probes, verifies, and scores a tenth of the films."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.batch.batch_command import BatchTimes, run_batch
from benchmarks.batch.inputs import FILM_SIZES, distinct_films, write_films
from benchmarks.batch.photos import NICE
from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import penstock_up
from penstock.domain.planning.plan import VideoPlan
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import parse_request
from penstock.engines import MediaFile, Tools, bundled_ffmpeg, command_line, probe, sandbox_pool
from penstock.settings import Settings
from penstock.settings.limits import limits_of

TITLE = "A batch of films"
FILMS, DISTINCT, BAR = 200, 10, 0.9
WIDTH = 640
OPTIONS = ("--format", "mp4", "--width", str(WIDTH))


@dataclass(frozen=True, slots=True)
class FilmRound:
    """The batch, and the seconds of the bare encoders."""

    batch: BatchTimes
    bare: float


def rows(amount: Amount) -> list[Row]:
    count = amount.of(FILMS, 10)
    with TemporaryDirectory() as name, penstock_up(PENSTOCK_REUSE="on") as running:
        scratch = Path(name)
        films = distinct_films(scratch, amount.of(DISTINCT, 2))
        write_films(scratch / "warm", films, 4, 0)
        run_batch(running, scratch / "warm", str(scratch / "warmed"), *OPTIONS)
        rounds = []
        for number in range(1, amount.rounds + 1):
            write_films(scratch / "in", films, count, number)
            bare = [] if number % 2 else [_bare(scratch)]
            batch = run_batch(running, scratch / "in", str(scratch / f"out-{number}"), *OPTIONS)
            assert batch.counts["completed"] == count, batch.counts
            rounds.append(FilmRound(batch, *(bare or [_bare(scratch)])))
    return [_row(count, rounds)]


def _row(count: int, rounds: Sequence[FilmRound]) -> Row:
    ratio = paired([count / one.batch.seconds for one in rounds], [count / one.bare for one in rounds])
    command = median(one.batch.command - one.batch.seconds for one in rounds)
    return Row(
        what=f"{count} films of 2 s ({', '.join(FILM_SIZES)}) → mp4, {WIDTH} px wide, one batch, films a second",
        ours=f"{median(count / one.batch.seconds for one in rounds):.2f}/s",
        peer="xargs -P 2 ffmpeg, the same argument lists",
        peer_figure=f"{median(count / one.bare for one in rounds):.2f}/s",
        ratio=round(ratio.median, 2),
        spread=ratio.spread,
        bar=f"≥ {BAR}",
        met=round(ratio.median, 2) >= BAR,
        note=f"the command took {command:.1f} s more",
    )


def _bare(scratch: Path) -> float:
    """The seconds of all encoders, two at once; their argument lists are made before."""
    out = scratch / "bare"
    out.mkdir(exist_ok=True)
    lists = _argument_lists(sorted((scratch / "in").iterdir()), out)
    (length,) = {len(arguments) for arguments in lists}
    given = "\0".join(argument for arguments in lists for argument in arguments)
    words = [*NICE, "xargs", "-0", "-P", str(os.cpu_count()), "-n", str(length), "env"]
    began = time.perf_counter()
    subprocess.run(words, input=given.encode(), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _argument_lists(films: Sequence[Path], out: Path) -> list[list[str]]:
    """What a service with the settings' defaults runs for these films."""
    settings = Settings()
    limits = limits_of(settings)
    wanted = parse_request({"url": "https://example.com/in.mp4", "kind": "video", "format": "mp4", "width": WIDTH})
    with sandbox_pool() as pool:
        tools = Tools(pool, bundled_ffmpeg(), limits, settings.threads_per_encoder)
        lists = []
        for film in films:
            source = MediaFile(film, probe(film, tools))
            plan = plan_for(wanted, source.media, limits)
            assert isinstance(plan, VideoPlan)
            lists.append(command_line(plan, source, out / film.name, tools))
        return lists
