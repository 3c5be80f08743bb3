"""What `convert` and `plan` share: the words of a request, and how a refusal is said."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from penstock.domain.formats import FORMATS, KINDS, SYNONYMS, Format
from penstock.output_file import require_writable

EXISTS = "{} exists; choose another OUTPUT, or replace it with -y."
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NO_SUCH_SCHEME = "INPUT is a file or an http(s) address; {} is not read. Bring the file here first."

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("source", metavar="INPUT"),
    click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path)),
    click.option("-y", "--overwrite", is_flag=True, help="Replace an OUTPUT that exists."),
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A command line: `request` is the contract's, but for its input."""

    source: str
    target: Path
    overwrite: bool
    request: dict[str, Any]


def asked_of(options: dict[str, Any]) -> Asked:
    """What the options of `request_options` ask for; refused where the input or the format cannot be."""
    source, target, overwrite = options.pop("source"), options.pop("target"), options.pop("overwrite")
    request = _request_of(target, options)
    _require_input(source)
    return Asked(source, target, overwrite, request)


def _request_of(target: Path, options: dict[str, Any]) -> dict[str, Any]:
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


def _require_input(source: str) -> None:
    """Refuse what is neither an http(s) address nor a file."""
    if is_address(source):
        return
    if scheme := _SCHEME.match(source):
        raise click.UsageError(_NO_SUCH_SCHEME.format(scheme[0]))
    path = Path(source)
    if path.is_dir():
        raise click.UsageError(f"{source} is a folder; INPUT is one file, or an http(s) address.")
    if not path.is_file():
        raise click.UsageError(f"There is no file {source}.")


def require_output(asked: Asked) -> None:
    """Refuse an OUTPUT that could not be written, that is INPUT by whatever name, or that exists and is to stay."""
    if fault := output_fault(asked):
        raise click.UsageError(fault)


def output_fault(asked: Asked) -> str | None:
    target = asked.target
    if not target.absolute().parent.is_dir():
        return f"There is no folder {target.absolute().parent}."
    try:
        if fault := _in_the_way(asked):
            return fault
        require_writable(target)
    except OSError as trouble:
        return f"{target} cannot be written: {trouble.strerror}."
    return None


def _in_the_way(asked: Asked) -> str | None:
    """What is wrong with what OUTPUT is already."""
    source, target = asked.source, asked.target
    if not os.path.lexists(target):
        return None
    if not target.exists():
        return f"{target} is a link that leads nowhere; remove it, or choose another OUTPUT."
    if target.is_dir():
        return f"{target} is a folder; OUTPUT is the file to write."
    if not is_address(source) and target.samefile(source):
        return f"OUTPUT is INPUT: {target} and {source} are the same file; choose another OUTPUT."
    if not target.is_file():
        return f"{target} is not a regular file; choose another OUTPUT."
    return None if asked.overwrite else EXISTS.format(target)


def is_address(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))


def fail(code: str, message: str) -> NoReturn:
    """End with 1 and say why, in the words of the command line."""
    click.echo(f"{code}: {message.replace('on_upscale', '--on-upscale')}", err=True)
    sys.exit(1)
