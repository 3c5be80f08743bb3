"""`penstock formats`: which input can become which output."""

import json
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from penstock.domain.formats import KINDS
from penstock.domain.planning.matrix import conversion_matrix
from penstock.settings.allowed_pairs import read_allowed_pairs


@click.command("formats")
@click.option("--json", "as_json", is_flag=True, help="Print the matrix as JSON.")
def formats_command(*, as_json: bool) -> None:
    """Show which input can become which output. With --json also why a pair is refused."""
    cells = conversion_matrix(read_allowed_pairs())
    if as_json:
        click.echo(json.dumps(cells, indent=2))
        return
    table = Table("input", "as", "becomes", box=box.SIMPLE_HEAD)
    for row in cells:
        for held in row["inputs"]:
            table.add_row(row["label"], held["kind"], _becomes(held["outputs"]))
    Console().print(table)


def _becomes(outputs: list[dict[str, Any]]) -> str:
    """The allowed formats, grouped by kind."""
    kinds = {kind: [cell["format"] for cell in outputs if cell["allowed"] and cell["kind"] == kind] for kind in KINDS}
    return " · ".join(" ".join(formats) for formats in kinds.values() if formats)
