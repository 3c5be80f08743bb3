"""Every file of a folder, whole, into every format that it may become: a table of times, sizes and failures.

Run as `python -m benchmarks.matrix [FOLDER] [--only PREFIX] [--formats mp4,webm]`.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from penstock.domain import errors
from penstock.domain.formats import FORMATS, Format, kind_of
from penstock.domain.limits import Limits
from penstock.domain.media import Media
from penstock.domain.planning.matrix import OUTPUT_KINDS, REFUSED_PAIRS
from penstock.domain.planning.plan import Plan, needs_slot
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import parse_request
from penstock.engines import MediaFile, Tools, bundled_ffmpeg, encode, probe, sandbox_pool, verify

ROW = "{file:<48.48} {output:<5} {what:<7} {seconds:>7.2f} {ratio:>6} {outcome}"


@dataclass(frozen=True, slots=True)
class Row:
    """One conversion: what was done, how long it took, how large it got, and what was wrong."""

    file: str
    output: str
    what: str
    seconds: float
    ratio: str
    outcome: str

    def __str__(self) -> str:
        return ROW.format(
            file=self.file,
            output=self.output,
            what=self.what,
            seconds=self.seconds,
            ratio=self.ratio,
            outcome=self.outcome,
        )


def main() -> int:
    """Print the table; returns 1 if something failed that was not refused."""
    wanted = _arguments()
    failed = 0
    with sandbox_pool() as pool:
        tools = Tools(pool, bundled_ffmpeg(), Limits(), threads=os.cpu_count() or 1)
        for row in rows(wanted.folder, wanted.only, wanted.formats.split(","), tools):
            failed += row.what == "failed"
            print(row, flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


def rows(folder: Path, only: str, formats: list[str], tools: Tools) -> Iterator[Row]:
    """One row for each file and format, one alone for a file that cannot be read."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        if not name.startswith(only):
            continue
        try:
            media = probe(path, tools)
        except errors.MediaError as refusal:
            yield Row(name, "", "refused", 0.0, "", refusal.code)
            continue
        for output in _outputs_of(media):
            if output in formats:
                yield _converted(name, output, MediaFile(path, media), tools)


def _outputs_of(media: Media) -> tuple[Format, ...]:
    """The formats that an input can become."""
    return tuple(
        name
        for name, facts in FORMATS.items()
        if facts.kind in OUTPUT_KINDS[media.kind] and (media.container, name) not in REFUSED_PAIRS
    )


def _converted(name: str, output: Format, source: MediaFile, tools: Tools) -> Row:
    try:
        plan = _planned(output, source.media, tools)
    except errors.MediaError as refusal:
        return Row(name, output, "refused", 0.0, "", refusal.code)
    began = time.monotonic()
    try:
        size = _size(plan, source, tools)
    except errors.MediaError as failure:
        return Row(name, output, "failed", time.monotonic() - began, "", f"{failure.code} {failure.detail[:120]}")
    what = "encode" if needs_slot(plan) else "copy"
    return Row(name, output, what, time.monotonic() - began, f"{size / source.media.filesize:.2f}", "ok")


def _size(plan: Plan, source: MediaFile, tools: Tools) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        path = encode(plan, source, Path(scratch), tools)
        return verify(path, plan, source.media, tools).facts.filesize


def _planned(output: Format, media: Media, tools: Tools) -> Plan:
    request = {"url": "https://example.com/input", "kind": kind_of(output), "format": output}
    return plan_for(parse_request(request), media, tools.limits)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Convert every file of a folder into every format.")
    beside = Path(__file__).parents[2] / "shared" / "media"
    corpus = Path(os.environ.get("PENSTOCK_CORPUS", beside))
    parser.add_argument("folder", type=Path, nargs="?", default=corpus, help="PENSTOCK_CORPUS, if left out")
    parser.add_argument("--only", default="", help="beginning of the names to take")
    parser.add_argument("--formats", default=",".join(FORMATS), help="comma list of outputs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
