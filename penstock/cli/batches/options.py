"""The options that `penstock batch` and `penstock schedule add` share."""

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeVar

import click

from penstock.cli.conversions.request_options import field_options
from penstock.domain.batch.spec import DEFAULT_OUTPUT_NAME

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("source"),
    click.argument("destination", metavar="DEST"),
    click.option("--format", "format_", metavar="FORMAT", help="Format of the outputs; see `penstock formats`."),
    click.option("--glob", help='Only files of this name or path, like "*.mov" or "2024/**/*.{jpg,heic}".'),
    click.option(
        "--name", "template", metavar="TEMPLATE", help=f"Names of the outputs.  [default: {DEFAULT_OUTPUT_NAME}]"
    ),
    click.option(
        "--on-conflict",
        type=click.Choice(["skip", "overwrite", "rename"]),
        default="skip",
        show_default=True,
        help="What to do where another file has the name of an output.",
    ),
    click.option("--manifest", metavar="FILE", help="Result manifest, .jsonl or .csv.  [default: DEST/manifest.jsonl]"),
    click.option(
        "--max-hours", type=click.FloatRange(0, 8760, min_open=True), help="Start no file after so many hours."
    ),
    click.option(
        "--min-age-seconds",
        type=click.FloatRange(0, 2_592_000),
        default=0.0,
        help="Skip files that changed within so many seconds.",
    ),
    field_options,
)


def batch_options(command: Command) -> Command:
    """Add SOURCE, DEST and the options of a batch to a command."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)
