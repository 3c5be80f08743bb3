"""All benchmarks, or those that are named: `python -m benchmarks [NAME …] [--rounds N | --quick]`.

Prints each one's rows and writes them to `results/NAME.json`, from which `python -m benchmarks.table` makes the
tables. `--quick` runs a twentieth of each and keeps nothing.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks.batch import beside, films, listing, photos, workers
from benchmarks.harness.report import Report, keep, reported, show
from benchmarks.harness.rounds import QUICK, Amount
from benchmarks.images import peers_comparison
from benchmarks.quality import quality_values, video_encoders
from benchmarks.service import (
    burst,
    client,
    commands,
    idle,
    jail,
    large,
    latency,
    lists,
    memory,
    posts,
    startup,
    wall,
    webhooks,
)

ROUNDS = 3
BENCHMARKS: dict[str, Callable[[Amount], Report]] = {
    "startup": lambda amount: reported(startup.TITLE, startup.rows(amount)),
    "commands": lambda amount: reported(commands.TITLE, commands.rows(amount)),
    "latency": lambda amount: reported(latency.TITLE, latency.rows(amount)),
    "client": lambda amount: reported(client.TITLE, client.rows(amount)),
    "burst": lambda amount: reported(burst.TITLE, burst.rows(amount)),
    "wall": lambda amount: reported(wall.TITLE, wall.rows(amount)),
    "posts": lambda amount: reported(posts.TITLE, posts.rows(amount)),
    "idle": lambda amount: reported(idle.TITLE, idle.rows(amount)),
    "large": lambda amount: reported(large.TITLE, large.rows(amount)),
    "lists": lambda amount: reported(lists.TITLE, lists.rows(amount)),
    "memory": lambda amount: reported(memory.TITLE, memory.rows(amount)),
    "jail": lambda amount: reported(jail.TITLE, jail.rows(amount)),
    "webhooks": lambda amount: reported(webhooks.TITLE, webhooks.rows(amount)),
    "batch-photos": lambda amount: reported(photos.TITLE, photos.rows(amount)),
    "batch-films": lambda amount: reported(films.TITLE, films.rows(amount)),
    "batch-listing": lambda amount: reported(listing.TITLE, listing.rows(amount)),
    "batch-workers": lambda amount: reported(workers.TITLE, workers.rows(amount)),
    "batch-latency": lambda amount: reported(beside.TITLE, beside.rows(amount)),
    "images": lambda amount: peers_comparison.measured(amount.rounds),
    "quality": quality_values.measured,
    "video": video_encoders.measured,
}


def main(words: Sequence[str] | None = None) -> int:
    """Returns 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--rounds", type=int, default=ROUNDS)
    how_much.add_argument("--quick", action="store_true")
    asked = parser.parse_args(words)
    amount = QUICK if asked.quick else Amount(asked.rounds)
    if unknown := set(asked.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    missed = [name for name in asked.names or BENCHMARKS if not _met(name, amount)]
    print("Missed: " + ", ".join(missed) if missed else "All bars met.")
    return 1 if missed else 0


def _met(name: str, amount: Amount) -> bool:
    report = BENCHMARKS[name](amount)
    show(report)
    if amount is not QUICK:
        keep(report, name)
    return all(row.met is not False for row in report.rows)


if __name__ == "__main__":
    sys.exit(main())
