"""`penstock formats`: which input can become which output."""

import json
import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

import click

from penstock.domain.formats import KINDS, Kind
from penstock.domain.planning.matrix import conversion_matrix
from penstock.settings.allowed_pairs import read_allowed_pairs

INDENT = "  "
NOT_TESTED = "* known by its signature; no test of Penstock reads such a file"
MIN_WIDTH = 40


@click.command("formats")
@click.option("--json", "as_json", is_flag=True, help="Print the matrix as JSON.")
def formats_command(*, as_json: bool) -> None:
    """Show which input can become which output. With --json also why a pair is refused."""
    cells = conversion_matrix(read_allowed_pairs())
    if as_json:
        click.echo(json.dumps(cells, indent=2))
        return
    columns = max(MIN_WIDTH, shutil.get_terminal_size().columns - 1)
    paragraphs = [_paragraph(*group, columns) for group in _groups(cells)]
    click.echo("\n\n".join((*paragraphs, NOT_TESTED)))


def _groups(cells: list[dict[str, Any]]) -> Iterator[tuple[Kind, str, list[str]]]:
    """A kind, what it can become, and the containers in which it can become just that: 200 of them become alike."""
    held = [(each["kind"], _becomes(each["outputs"]), _label(cell)) for cell in cells for each in cell["inputs"]]
    for kind in KINDS:
        for becomes in dict.fromkeys(each[1] for each in held if each[0] == kind):
            yield kind, becomes, [label for *group, label in held if group == [kind, becomes]]


def _label(cell: dict[str, Any]) -> str:
    return cell["label"] if cell["tested"] else f"{cell['label']}*"


def _becomes(outputs: list[dict[str, Any]]) -> str:
    """The allowed formats, grouped by kind."""
    kinds = {kind: [cell["format"] for cell in outputs if cell["allowed"] and cell["kind"] == kind] for kind in KINDS}
    return " · ".join(" ".join(formats) for formats in kinds.values() if formats)


def _paragraph(kind: Kind, becomes: str, labels: list[str], columns: int) -> str:
    """Not of rich, which takes as long to import as all else of this command."""
    containers = textwrap.wrap(", ".join(labels), columns, initial_indent=INDENT, subsequent_indent=INDENT)
    return "\n".join((*textwrap.wrap(f"{kind} becomes {becomes}", columns), *containers))
