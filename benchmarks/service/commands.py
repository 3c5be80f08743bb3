"""How long commands take that need no service, against `import prefect` in a bare Python, in turns.

The home is empty and stays so: a refusal comes before anything is started.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount

TITLE = "Commands without a service"
CLIP = str(Path(__file__).parents[2] / "sample" / "clip.mov")
UNIT = [sys.executable, "-c", "import prefect"]
TURNS = 5
# The words of each command, its exit code, and the most that it may take of the unit.
COMMANDS: dict[str, tuple[tuple[str, ...], int, float]] = {
    "`penstock --help`": (("--help",), 0, 0.1),
    "`penstock formats`": (("formats",), 0, 0.1),
    "`penstock plan`, a film of 6 s": (("plan", CLIP, "out.webm"), 0, 0.3),
    "`penstock convert`, refused: an upscale": (("convert", CLIP, "out.mp4", "--width", "9999"), 1, 0.4),
    "`penstock convert`, refused: not media": (("convert", __file__, "out.mp4"), 1, 0.4),
}


def rows(amount: Amount) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        times: dict[str, list[float]] = {name: [] for name in ("unit", *COMMANDS)}
        for _ in range(amount.rounds * TURNS + 1):
            times["unit"].append(_seconds(UNIT, 0, folder))
            for name, (words, code, _) in COMMANDS.items():
                times[name].append(_seconds([sys.executable, "-m", "penstock", *words], code, folder))
        if (Path(folder) / "home").exists():
            raise RuntimeError("a command has made a home")
    # The first turn reads the files from the disk.
    unit, *_ = measured = [taken[1:] for taken in times.values()]
    return [_row(name, ours, unit) for name, ours in zip(COMMANDS, measured[1:], strict=True)]


def _row(name: str, ours: Sequence[float], unit: Sequence[float]) -> Row:
    bar, ratio = COMMANDS[name][2], paired(ours, unit)
    return Row(
        what=name,
        ours=f"{statistics.median(ours):.2f} s",
        peer='`python -c "import prefect"`',
        peer_figure=f"{statistics.median(unit):.2f} s",
        ratio=round(ratio.median, 2),
        spread=ratio.spread,
        bar=f"≤ {bar}",
        met=round(ratio.median, 2) <= bar,
    )


def _seconds(command: list[str], code: int, folder: str) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PENSTOCK_", "PREFECT_"))}
    environment |= {"PENSTOCK_HOME": str(Path(folder) / "home")}
    begun = time.monotonic()
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    taken = time.monotonic() - begun
    if ended.returncode != code:
        raise RuntimeError(f"{command} ended with {ended.returncode}: {ended.stderr}")
    return taken
