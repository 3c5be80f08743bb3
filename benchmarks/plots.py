"""The plots of the documentation, drawn from `results/*.json`: `python -m benchmarks.plots` rewrites them.

A point is one ratio, ours divided by a peer's in the same run. Left of the line we took less."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.harness.report import RESULTS

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
# Text stays text, ids are the same in each run, and grey is readable on white and on black.
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "penstock",
    "font.family": "sans-serif",
    "text.color": "#808080",
    "axes.labelcolor": "#808080",
    "xtick.color": "#808080",
    "ytick.color": "#808080",
}
COLORS = ("#009485", "#e07b00", "#7a5cc0", "#c0392b")
TICKS = (0.1, 0.2, 0.5, 1, 2, 4)


@dataclass(frozen=True, slots=True)
class Plot:
    """`label` names the line of a row; rows without a label are not drawn."""

    results: str
    label: Callable[[str], str]
    axis: str


PLOTS = {
    "pictures": Plot("images", lambda what: "" if "thumbnail" in what else what, "time, ours ÷ theirs"),
    "films": Plot("video", lambda what: what.partition(", at")[0], "processor time at equal VMAF, ours ÷ theirs"),
}


def main() -> None:
    """Rewrite the files."""
    for name, plot in PLOTS.items():
        (PICTURES / f"{name}.svg").write_bytes(drawn(plot, RESULTS))


def drawn(plot: Plot, results: Path) -> bytes:
    """The SVG of a plot: the same bytes for the same results."""
    rows = [row for row in json.loads((results / f"{plot.results}.json").read_text())["rows"] if row["ratio"]]
    lines = [*dict.fromkeys(label for row in rows if (label := plot.label(row["what"])))][::-1]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 1.2 + 0.3 * len(lines)), layout="constrained")
        axes = figure.add_subplot()
        for color, peer in zip(COLORS, dict.fromkeys(row["peer"] for row in rows), strict=False):
            points = [(row["ratio"], plot.label(row["what"])) for row in rows if _is_of(row, peer, plot)]
            ratios, places = [ratio for ratio, _ in points], [lines.index(label) for _, label in points]
            if points:
                axes.scatter(ratios, places, label=peer, color=color, s=40, alpha=0.8, zorder=3)
        _finish(axes, lines, plot.axis)
        written = BytesIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return written.getvalue()


def _is_of(row: dict[str, Any], peer: str, plot: Plot) -> bool:
    return row["peer"] == peer and plot.label(row["what"]) != ""


def _finish(axes: Any, lines: list[str], title: str) -> None:
    axes.set_xscale("log")
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.set_yticks(range(len(lines)), lines)
    axes.grid(axis="x", color="#808080", alpha=0.25)
    axes.axvline(1, color="#808080")
    axes.set_xlabel(title)
    axes.spines[:].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=4, frameon=False)


if __name__ == "__main__":
    main()
