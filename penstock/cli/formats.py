"""`penstock formats`: which input can become which output."""

import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import click

from penstock.domain.formats import KINDS
from penstock.domain.planning.matrix import conversion_matrix
from penstock.settings.allowed_pairs import read_allowed_pairs

HEAD = ("input", "as", "becomes")
MIN_WIDTH = 20


@click.command("formats")
@click.option("--json", "as_json", is_flag=True, help="Print the matrix as JSON.")
def formats_command(*, as_json: bool) -> None:
    """Show which input can become which output. With --json also why a pair is refused."""
    cells = conversion_matrix(read_allowed_pairs())
    if as_json:
        click.echo(json.dumps(cells, indent=2))
        return
    rows = [(row["label"], held["kind"], _becomes(held["outputs"])) for row in cells for held in row["inputs"]]
    click.echo("\n".join(_table([HEAD, *rows], shutil.get_terminal_size().columns)))


def _becomes(outputs: list[dict[str, Any]]) -> str:
    """The allowed formats, grouped by kind."""
    kinds = {kind: [cell["format"] for cell in outputs if cell["allowed"] and cell["kind"] == kind] for kind in KINDS}
    return " · ".join(" ".join(formats) for formats in kinds.values() if formats)


def _table(rows: Sequence[tuple[str, str, str]], columns: int) -> Iterator[str]:
    """Aligned columns, the last one wrapped. Not of rich, which takes as long to import as all else of this command."""
    widths = [max(len(row[number]) for row in rows) for number in (0, 1)]
    for label, kind, becomes in rows:
        begin = f"{label:<{widths[0]}}  {kind:<{widths[1]}}  "
        first, *rest = textwrap.wrap(becomes, max(MIN_WIDTH, columns - len(begin) - 1)) or [""]
        yield begin + first
        yield from (" " * len(begin) + line for line in rest)
