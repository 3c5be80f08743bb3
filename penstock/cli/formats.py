"""`penstock formats`: what may become what."""

import json

import click
from rich.console import Console
from rich.table import Table

from penstock.domain.compatibility import matrix
from penstock.domain.formats import FORMATS
from penstock.settings import Settings


@click.command("formats")
@click.option("--json", "as_json", is_flag=True, help="Print the matrix as JSON.")
def command(*, as_json: bool) -> None:
    """Show what may become what; a dash is a refused pair."""
    cells = matrix(Settings().lifted_pairs)
    if as_json:
        click.echo(json.dumps(cells, indent=2))
        return
    table = Table("input", "as", *FORMATS)
    for row in cells:
        for held in row["inputs"]:
            table.add_row(row["label"], held["kind"], *("✓" if cell["allowed"] else "–" for cell in held["outputs"]))
    Console().print(table)
