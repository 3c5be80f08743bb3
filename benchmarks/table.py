"""The tables of figures, made from `results/*.json`: `python -m benchmarks.table` rewrites them in their places."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness.report import RESULTS

ROOT = Path(__file__).parents[1]
# Which page tells of which benchmark, in this order; what has not been kept yet is left out.
PAGES: dict[Path, tuple[str, ...]] = {
    ROOT / "docs" / "benchmarks.md": (
        *("startup", "commands", "latency", "client", "burst", "wall", "posts", "lists", "idle", "large", "memory"),
        *("webhooks", "images", "jail"),
        *("batch-photos", "batch-films", "batch-listing", "batch-workers", "batch-latency"),
    ),
    ROOT / "docs" / "encoders.md": ("quality", "video"),
    ROOT / "SECURITY.md": ("faults",),
}
BEGIN, END = "<!-- figures: made by python -m benchmarks.table -->", "<!-- /figures -->"
HEAD = ("what", "ours", "against", "figure", "ratio", "bar", "", "note")
VERDICTS = {None: "", True: "met", False: "**missed**"}


def main() -> int:
    """Returns 1 if a page has no place for its figures."""
    return max(_rewritten(page, names) for page, names in PAGES.items())


def _rewritten(page: Path, names: Sequence[str]) -> int:
    before, _, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        print(f"{page.name} has no {BEGIN} … {END}", file=sys.stderr)
        return 1
    page.write_text(f"{before}{BEGIN}\n\n{table(RESULTS, names)}\n{END}{after}")
    return 0


def table(results: Path, names: Sequence[str]) -> str:
    """A section for each of these result files that there is, without the columns that it has no figure for."""
    kept = (results / f"{name}.json" for name in names)
    return "\n".join(_section(json.loads(path.read_text())) for path in kept if path.exists())


def _section(report: dict[str, Any]) -> str:
    machine = report["machine"]
    title = f"**{report['title']}** ({report['date']}, {machine['cores']} cores, {machine['cpu']})"
    return "\n".join((title, "", *_lines(report["rows"]), ""))


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    table = [HEAD, *map(_cells, rows)]
    used = [column for column in range(len(HEAD)) if any(cells[column] for cells in table[1:])]
    shown = [tuple(cells[column] for column in used) for cells in table]
    yield from map(_line, (shown[0], ("---",) * len(used), *shown[1:]))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    ratio = "" if row["ratio"] is None else f"{row['ratio']:g}"
    against = (row["peer"], row["peer_figure"], ratio, row["bar"])
    return (row["what"], row["ours"], *against, VERDICTS[row["met"]], row["note"])


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
