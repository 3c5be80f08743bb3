"""The README's table of figures, made from `results/*.json`: `python -m benchmarks.table` rewrites it in its place."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- figures: made by python -m benchmarks.table -->", "<!-- /figures -->"
HEAD = ("what", "ours", "against", "figure", "ratio", "bar", "", "note")
VERDICTS = {None: "", True: "met", False: "**missed**"}


def main() -> int:
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        print(f"README.md has no {BEGIN} … {END}", file=sys.stderr)
        return 1
    README.write_text(f"{before}{BEGIN}\n\n{table(RESULTS)}\n{END}{after}")
    return 0


def table(results: Path) -> str:
    """One section for each result file, by name."""
    return "\n".join(_section(json.loads(path.read_text())) for path in sorted(results.glob("*.json")))


def _section(report: dict[str, Any]) -> str:
    machine = report["machine"]
    title = f"**{report['title']}** ({report['date']}, {machine['cores']} cores, {machine['cpu']})"
    return "\n".join((title, "", *_lines(report["rows"]), ""))


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield _line(HEAD)
    yield _line(("---",) * len(HEAD))
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:g}"
        against = (row["peer"], row["peer_figure"], ratio, row["bar"])
        yield _line((row["what"], row["ours"], *against, VERDICTS[row["met"]], row["note"]))


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
