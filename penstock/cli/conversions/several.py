"""The conversions that the words of one `penstock convert` ask for."""

import os
from collections import defaultdict
from collections.abc import Sequence
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
from penstock.domain.file_names import escaped, name_in_address

NO_OUTPUT = "Give OUTPUT, or --to FORMAT to write {} beside its input."
SEVERAL = "Give one INPUT and one OUTPUT; for several INPUTs give --to FORMAT, and no OUTPUT."
ONE_OUTPUT = "{} would all be written to {}; convert them one by one."
OUTPUT_IS_AN_INPUT = "{} would be written to {}, which is an INPUT too; convert it by itself."
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
    if len(words) == 2 and words[1] == STREAM and folder is None:
        return (command_line_of(words[0], Path(STREAM), options),)
    targets = [_target(word, to, folder) for word in words]
    _require_different(words, targets)
    return tuple(command_line_of(word, target, dict(options)) for word, target in zip(words, targets, strict=True))


def usage_error(given: CommandLine) -> str | None:
    """Why this conversion cannot begin; None if it can."""
    error = input_error(given.source) or output_error(given)
    return error and escaped(error)


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


def _require_different(words: Sequence[str], targets: Sequence[Path]) -> None:
    """An output that is written twice, or that is another INPUT, would be lost with `-y`."""
    written = defaultdict(list)
    for word, target in zip(words, targets, strict=True):
        written[os.path.realpath(target)].append((word, target))
    read = {os.path.realpath(word): word for word in words if not is_url(word)}
    for place, outputs in written.items():
        both, (word, target) = [each for each, _ in outputs], outputs[0]
        if len(outputs) > 1:
            raise click.UsageError(escaped(ONE_OUTPUT.format(" and ".join(both), target)))
        if read.get(place, word) != word:
            raise click.UsageError(escaped(OUTPUT_IS_AN_INPUT.format(word, target)))
