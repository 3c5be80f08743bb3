"""What `convert` and `plan` share: the words of a request, and how a refusal is said."""

import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from penstock.domain.formats import FORMATS, KINDS, SYNONYMS, Format

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("source", metavar="INPUT"),
    click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path, dir_okay=False)),
    click.option("--kind", type=click.Choice(KINDS), help="Kind of the output.  [default: of the format]"),
    click.option(
        "--format", "form", type=click.Choice([*FORMATS, *SYNONYMS]), help="Format.  [default: by OUTPUT's name]"
    ),
    click.option("--width", type=float, help="Width in pixels; alone it keeps the aspect ratio."),
    click.option("--height", type=float, help="Height in pixels; alone it keeps the aspect ratio."),
    click.option("--fit", type=click.Choice(["contain", "cover", "fill", "pad"]), help="How a box is filled."),
    click.option("--background", help="Colour behind transparency and in bars, like #ffffff."),
    click.option("--on-upscale", type=click.Choice(["refuse", "clamp"]), help="What to do instead of magnifying."),
    click.option(
        "--quality", type=float, help="0 to 1: the same number looks the same on every format.  [default: 0.8]"
    ),
    click.option("--start", type=float, help="Seconds to begin at."),
    click.option("--end", type=float, help="Seconds to end at."),
    click.option("--at", help='Second of the video that becomes the picture, or "auto".'),
)


def request_options(command: Command) -> Command:
    """INPUT, OUTPUT and every option that shapes a request."""
    return reduce(lambda dressed, option: option(dressed), reversed(_OPTIONS), command)


def request_of(target: Path, options: dict[str, Any]) -> dict[str, Any]:
    """The request that the options make, but for its input. They are taken out of `options` where they need work."""
    named = options.pop("form") or target.suffix.lower().lstrip(".")
    form: Format | None = SYNONYMS.get(named, named if named in FORMATS else None)
    if form is None:
        raise click.UsageError(f"OUTPUT's name says no format; end it in .{', .'.join(FORMATS)}, or give --format.")
    kind = options.pop("kind") or FORMATS[form].kind
    at = options.pop("at")
    moment = {} if at is None else {"at": at if at == "auto" else _seconds(at)}
    return (
        {"kind": kind, "format": form} | moment | {name: value for name, value in options.items() if value is not None}
    )


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise click.UsageError('--at takes seconds, or "auto".') from None


def require_input(source: str) -> None:
    if not is_address(source) and not Path(source).is_file():
        raise click.UsageError(f"There is no file {source}.")


def is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def fail(code: str, message: str) -> NoReturn:
    click.echo(f"{code}: {message}", err=True)
    sys.exit(1)
