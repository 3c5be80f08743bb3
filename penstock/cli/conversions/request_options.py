"""The options of a request, which `convert`, `plan`, `batch` and `schedule` share, and the output of errors."""

import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from penstock.cli.conversions.output_formats import format_option
from penstock.domain.formats import KINDS

Command = TypeVar("Command", bound=Callable[..., Any])

# The exit code of a command that was interrupted.
EXIT_INTERRUPTED = 130

_ONE_FILE = (
    click.argument("source", metavar="INPUT"),
    click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path)),
)
_SEVERAL_FILES = (
    click.argument("words", metavar="INPUT… [OUTPUT]", nargs=-1, required=True),
    format_option("--to", "to", "Format of the outputs of all INPUTs: each is written beside its INPUT."),
    click.option(
        "-d",
        "--output-folder",
        type=click.Path(path_type=Path),
        help="Folder of the outputs, with --to.  [default: that of each INPUT]",
    ),
)
_OUTPUT = (
    click.option("-y", "--overwrite", is_flag=True, help="Replace an OUTPUT that exists."),
    format_option("--format", "format_", "Format of the output.  [default: from OUTPUT's extension]"),
)
_FIELDS = (
    click.option("--kind", type=click.Choice(KINDS), help="Kind of the output.  [default: that of the format]"),
    click.option("--width", type=float, help="Width in pixels; without --height it keeps the aspect ratio."),
    click.option("--height", type=float, help="Height in pixels; without --width it keeps the aspect ratio."),
    click.option(
        "--fit",
        type=click.Choice(["contain", "cover", "fill", "pad"]),
        help="How the image fills the given width and height.",
    ),
    click.option("--background", help="Color behind transparency and of padding, like #ffffff."),
    click.option(
        "--on-upscale",
        type=click.Choice(["refuse", "clamp"]),
        help="What to do if the output would be larger than the input.",
    ),
    click.option(
        "--quality", type=float, help="0 to 1; the same value looks the same in every format.  [default: 0.8]"
    ),
    click.option("--start", type=float, help="Start of the cut, in seconds."),
    click.option("--end", type=float, help="End of the cut, in seconds."),
    click.option("--at", help='Time of the frame that becomes the image, in seconds, or "auto".'),
)


def request_options(command: Command) -> Command:
    """Add INPUT, OUTPUT and the options of a request to a command."""
    return _decorated(command, (*_ONE_FILE, *_OUTPUT, *_FIELDS))


def several_request_options(command: Command) -> Command:
    """Add one or more INPUTs, OUTPUT or the format of the outputs, and the options of a request to a command."""
    return _decorated(command, (*_SEVERAL_FILES, *_OUTPUT, *_FIELDS))


def field_options(command: Command) -> Command:
    """Add the options of a request to a command, without its input, output and format."""
    return _decorated(command, _FIELDS)


def _decorated(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    return reduce(lambda decorated, option: option(decorated), reversed(options), command)


def fail(code: str, message: str) -> NoReturn:
    """Print the error with the option names of the command line, and exit with 1."""
    click.echo(error_text(code, message), err=True)
    sys.exit(1)


def error_text(code: str, message: str) -> str:
    return f"{code}: {option_names(message)}"


def option_names(message: str) -> str:
    """The message of an error with the option names of the command line."""
    return message.replace("on_upscale", "--on-upscale")
