"""The conversions that the words of one `penstock convert` ask for."""

from collections import Counter
from pathlib import Path
from typing import Any

import click

from penstock.cli.conversions.command_line import (
    STREAM,
    CommandLine,
    command_line_of,
    input_error,
    is_url,
    output_error,
)
from penstock.domain.file_names import name_in_address

NO_OUTPUT = "Give OUTPUT, or --to FORMAT to write {} beside its input."
SEVERAL = "Give one INPUT and one OUTPUT; for several INPUTs give --to FORMAT, and no OUTPUT."
STREAM_NAME = "Standard input has no name: give OUTPUT, or - for standard output."


def conversions_of(options: dict[str, Any]) -> tuple[CommandLine, ...]:
    """One conversion for `INPUT OUTPUT`, one for each `INPUT` of `INPUT… --to FORMAT`. Raises `click.UsageError`; what
    only fails some of several conversions is for `usage_error` to find."""
    words, to, folder = list(options.pop("words")), options.pop("to"), options.pop("output_folder")
    if to is None:
        if folder is not None:
            raise click.UsageError("--output-folder is for --to FORMAT.")
        return (command_line_of(*_two(words), options),)
    if options["format_"] is not None:
        raise click.UsageError("Give --to or --format, not both.")
    options["format_"] = to
    if len(words) == 2 and words[1] == STREAM:
        return (command_line_of(words[0], Path(STREAM), options),)
    targets = [_target(word, to, folder) for word in words]
    _require_different(words, targets)
    return tuple(command_line_of(word, target, dict(options)) for word, target in zip(words, targets, strict=True))


def usage_error(given: CommandLine) -> str | None:
    """Why this conversion cannot begin; None if it can."""
    return input_error(given.source) or output_error(given)


def _two(words: list[str]) -> tuple[str, Path]:
    if len(words) == 1:
        raise click.UsageError(NO_OUTPUT.format("it"))
    if len(words) > 2:
        raise click.UsageError(SEVERAL)
    return words[0], Path(words[1])


def _target(source: str, to: str, folder: Path | None) -> Path:
    if source == STREAM:
        raise click.UsageError(STREAM_NAME)
    if is_url(source):
        return (folder or Path()) / f"{Path(name_in_address(source) or 'output').stem}.{to}"
    return (folder or Path(source).parent) / f"{Path(source).stem}.{to}"


def _require_different(words: list[str], targets: list[Path]) -> None:
    for target, count in Counter(targets).items():
        if count > 1:
            both = [word for word, its in zip(words, targets, strict=True) if its == target]
            raise click.UsageError(f"{' and '.join(both)} would all be written to {target}; convert them one by one.")
