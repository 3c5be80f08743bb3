"""All benchmarks, or those that are named: `python -m benchmarks [NAME …] [--rounds N | --quick]`.

Prints each one's rows and keeps them in `results/NAME.json`, from which `python -m benchmarks.table` makes the README's
table. `--quick` takes a taste of each, to see that it runs, and keeps nothing.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from benchmarks import burst, idle, large, latency, lists, memory, posts, startup, video
from benchmarks.amount import QUICK, Amount
from benchmarks.report import Row, keep, reported, show

ROUNDS = 3
SERVICE: dict[str, tuple[str, Callable[[Amount], Sequence[Row]]]] = {
    "startup": (startup.TITLE, startup.rows),
    "latency": (latency.TITLE, latency.rows),
    "burst": (burst.TITLE, burst.rows),
    "video": (video.TITLE, video.rows),
    "posts": (posts.TITLE, posts.rows),
    "idle": (idle.TITLE, idle.rows),
    "large": (large.TITLE, large.rows),
    "lists": (lists.TITLE, lists.rows),
    "memory": (memory.TITLE, memory.rows),
}
# These measure an engine alone, and print and keep their rows themselves.
ALONE = ("images",)


def main() -> int:
    """Answer 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*SERVICE, *ALONE)))
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--rounds", type=int, default=ROUNDS)
    how_much.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    amount = QUICK if asked.quick else Amount(asked.rounds)
    if unknown := set(asked.names) - {*SERVICE, *ALONE}:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    missed = [name for name in asked.names or (*SERVICE, *ALONE) if not _met(name, amount)]
    print("Missed: " + ", ".join(missed) if missed else "All bars met.")
    return 1 if missed else 0


def _met(name: str, amount: Amount) -> bool:
    return _alone(name, amount) if name in ALONE else _with_a_service(name, amount)


def _alone(name: str, amount: Amount) -> bool:
    if find_spec(f"benchmarks.{name}") is None:
        print(f"{name}: not here")
        return True
    command = [sys.executable, "-m", f"benchmarks.{name}", "--rounds", str(amount.rounds)]
    return subprocess.run(command, check=False).returncode == 0


def _with_a_service(name: str, amount: Amount) -> bool:
    title, rows = SERVICE[name]
    report = reported(title, rows(amount))
    show(report)
    if amount is not QUICK:
        keep(report, name)
    return all(row.met is not False for row in report.rows)


if __name__ == "__main__":
    sys.exit(main())
