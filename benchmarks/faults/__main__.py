"""Faults, many times over: `python -m benchmarks.faults [FORM …] [--times N] [--seed N]`.

Each form breaks a service of its own in one way, at random moments during conversions, and then counts: every task is
completed, and no slot, process, stored object, scratch folder, kept output or result file is left over. Without
`--times` a form is run as often as its row says, and its row is kept in `results/faults.json`, from which
`python -m benchmarks.table` makes the table of SECURITY.md. Exits with 1 if something is lost or left. Nothing here is
a race: the figures are counts.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence

from benchmarks.faults import clocks, disks, kills, postgres, prefect_away, s3, stalled
from benchmarks.harness.report import RESULTS, Row, keep, reported, show

TITLE = "Faults on a running service"
# By their names on the command line: the form, and how often it is run.
FORMS: dict[str, tuple[Callable[[int], Row], int]] = {
    "ups": (kills.ups, 20),
    "parts": (kills.parts, 40),
    "drains": (kills.drains, 20),
    "postgres-restarts": (postgres.restarts, 10),
    "postgres-read-only": (postgres.read_only, 10),
    "postgres-replies": (postgres.replies, 10),
    "disks": (disks.disks, 3),
    "prefect": (prefect_away.prefect, 10),
    "stalled": (stalled.stalled, 20),
    "clocks": (clocks.clocks, 5),
    "s3": (s3.s3, 3),
}


def main(words: Sequence[str] | None = None) -> int:
    """Returns 1 if anything is lost or left over."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("forms", nargs="*", metavar="FORM", help=f"one of {', '.join(FORMS)}; all without any")
    parser.add_argument("--times", type=int, help="how often, instead of as often as the table tells of")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(words)
    random.seed(asked.seed)
    met = [_run(name, asked.times) for name in asked.forms or FORMS]
    return 0 if all(met) else 1


def _run(name: str, times: int | None) -> bool:
    form, often = FORMS[name]
    row = form(times or often)
    show(reported(TITLE, [row]))
    if times is None:
        keep(reported(TITLE, _with(row)), "faults")
    return bool(row.met)


def _with(new: Row) -> list[Row]:
    """The rows that are kept, with this one in the place of its form's."""
    path = RESULTS / "faults.json"
    kept = [Row(**row) for row in json.loads(path.read_text())["rows"]] if path.exists() else []
    rows = {row.what.partition(":")[0]: row for row in (*kept, new)}
    return list(rows.values())


if __name__ == "__main__":
    sys.exit(main())
