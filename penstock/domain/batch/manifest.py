"""Reads a manifest, CSV or JSON lines: one line after another, a wrong one with its error."""

import csv
import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO

from penstock.domain import errors
from penstock.domain.batch.addresses import scheme_of
from penstock.domain.batch.columns import (
    INPUT_COLUMNS,
    KNOWN_COLUMNS,
    REQUEST_FIELDS,
    REQUEST_PREFIX,
    typed_cell,
    with_formula,
)
from penstock.domain.batch.manifest_text import MAX_LINE_BYTES, TextLine, text_lines
from penstock.domain.request import unknown_field_message

MAX_LINES = 100_000
_DELIMITERS = ",;\t"
# A quoted cell may hold line ends. A quote that is never closed must not swallow the rest of the file.
_MAX_CELL_LINES = 20
_WRONG_QUOTES = "The line is no valid CSV: a quote is not closed or not doubled."


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """A line of a manifest. `fields` are `input`, `output` and those of a request, in the types of JSON; or there is an
    `error`. `number` is the line in the file, from 1."""

    number: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    error: errors.RequestError | None = None


def read_manifest(file: BinaryIO, max_lines: int = MAX_LINES) -> Iterator[ManifestLine]:
    """The lines of a manifest; empty ones are left out.

    A file that begins with `{` is JSON lines, every other is CSV with a header. Raises `FieldUnknown` for an unknown
    column of CSV, `FieldRequired` without a column of inputs, `FieldInvalid` for what is no manifest and for too many
    lines."""
    content = _filled_lines(file)
    first = next(content, None)
    if first is None:
        raise errors.FieldInvalid("The manifest is empty.", field="manifest")
    if first.text.lstrip().startswith("["):
        raise errors.FieldInvalid("The manifest must hold one JSON object on each line, no array.", field="manifest")
    lines = map(_json_line, chain([first], content)) if _is_object(first) else _csv_lines(first, content)
    return _limited(lines, max_lines)


def is_json_lines(file: BinaryIO) -> bool:
    """Whether a manifest is JSON lines, by its first line; else it is CSV."""
    first = next(_filled_lines(file), None)
    return first is not None and _is_object(first)


def _filled_lines(file: BinaryIO) -> Iterator[TextLine]:
    return (line for line in text_lines(file) if line.fault or line.text.strip())


def _is_object(line: TextLine) -> bool:
    return line.text.lstrip().startswith("{")


def _limited(lines: Iterator[ManifestLine], max_lines: int) -> Iterator[ManifestLine]:
    for count, line in enumerate(lines, start=1):
        if count > max_lines:
            raise errors.FieldInvalid(f"The manifest has more than {max_lines:,} lines.", field="manifest")
        yield line


def _json_line(line: TextLine) -> ManifestLine:
    try:
        return ManifestLine(line.number, _json_fields(line))
    except errors.RequestError as error:
        return ManifestLine(line.number, error=error)


def _json_fields(line: TextLine) -> dict[str, Any]:
    given = _json_object(line)
    request = given.get("request")
    for name in given:
        if name not in KNOWN_COLUMNS:
            raise errors.FieldUnknown(unknown_field_message(name[:64], KNOWN_COLUMNS), field=name[:64])
    if isinstance(request, dict):
        return _checked(_result_fields(given, request))
    return _checked({name: given[name] for name in given if _is_read(name) and given[name] is not None})


def _json_object(line: TextLine) -> dict[str, Any]:
    if line.fault:
        raise errors.FieldInvalid(line.fault, field="manifest")
    try:
        given = json.loads(line.text)
    except (ValueError, RecursionError) as error:
        raise errors.FieldInvalid("The line is no valid JSON.", field="manifest", detail=str(error)) from error
    if not isinstance(given, dict):
        raise errors.FieldInvalid("The line must be a JSON object.", field="manifest")
    return given


@dataclass(frozen=True, slots=True)
class _Header:
    columns: tuple[str, ...]
    delimiter: str

    @property
    def is_result(self) -> bool:
        return any(column.startswith(REQUEST_PREFIX) for column in self.columns)


def _csv_lines(first: TextLine, content: Iterator[TextLine]) -> Iterator[ManifestLine]:
    header = _header(first)
    waiting: deque[TextLine] = deque()
    while (line := waiting.popleft() if waiting else next(content, None)) is not None:
        cells = _cells(line, header, waiting, content)
        yield _csv_line(line, cells, header)


def _header(line: TextLine) -> _Header:
    if line.fault:
        raise errors.FieldInvalid(line.fault, field="manifest")
    delimiter = max(_DELIMITERS, key=line.text.count)
    columns = tuple(name.strip().lower() for name in next(csv.reader([line.text], delimiter=delimiter)))
    named = [name.removeprefix(REQUEST_PREFIX) for name in columns if name]
    if not any(name in KNOWN_COLUMNS for name in named):
        raise errors.FieldInvalid("The first line must name the columns: input, and what varies.", field="manifest")
    for name in named:
        if name not in KNOWN_COLUMNS:
            raise errors.FieldUnknown(unknown_field_message(name[:64], KNOWN_COLUMNS), field=name[:64])
    if len(set(filter(None, columns))) < len(named):
        raise errors.FieldInvalid("The first line names a column twice.", field="manifest")
    if not any(name in INPUT_COLUMNS for name in columns):
        raise errors.FieldRequired("The manifest needs a column input.", field="input")
    return _Header(columns, delimiter)


def _cells(line: TextLine, header: _Header, waiting: deque[TextLine], content: Iterator[TextLine]) -> list[str] | None:
    """The cells of a record, which may go on in further lines. None if its quotes are wrong: only this line is lost."""
    taken = [line]
    while True:
        text = "\n".join(one.text for one in taken)
        cells = _parsed(text, header.delimiter)
        if cells is not None and (len(taken) == 1 or len(cells) == len(header.columns)):
            return cells
        is_too_long = len(taken) >= _MAX_CELL_LINES or len(text) > MAX_LINE_BYTES
        further = None if is_too_long else waiting.popleft() if waiting else next(content, None)
        if further is None:
            waiting.extendleft(reversed(taken[1:]))
            return None
        taken.append(further)


def _parsed(text: str, delimiter: str) -> list[str] | None:
    """The cells of one record; None while a quote is open."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None


def _csv_line(line: TextLine, cells: list[str] | None, header: _Header) -> ManifestLine:
    try:
        return ManifestLine(line.number, _checked(_csv_fields(line, cells, header)))
    except errors.RequestError as error:
        return ManifestLine(line.number, error=error)


def _csv_fields(line: TextLine, cells: list[str] | None, header: _Header) -> dict[str, Any]:
    if line.fault or cells is None:
        raise errors.FieldInvalid(
            line.fault or "The line is no valid CSV: a quote is not closed or not doubled.", field="manifest"
        )
    if len(cells) != len(header.columns):
        count, expected = len(cells), len(header.columns)
        raise errors.FieldInvalid(f"The line has {count} cells, the header has {expected}.", field="manifest")
    given = {name: cell for name, cell in zip(header.columns, cells, strict=True) if name and cell.strip()}
    if not header.is_result:
        return {name: typed_cell(name, given[name], header.delimiter) for name in given if _is_read(name)}
    plain = {name.removeprefix(REQUEST_PREFIX): with_formula(given[name]) for name in given if _is_request(name)}
    request = {name: typed_cell(name, plain[name], header.delimiter) for name in plain}
    return _result_fields({name: with_formula(cell) for name, cell in given.items()}, request)


def _is_request(name: str) -> bool:
    return name.startswith(REQUEST_PREFIX)


def _is_read(name: str) -> bool:
    return name in INPUT_COLUMNS or name == "output" or name in REQUEST_FIELDS


def _result_fields(given: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a line that we wrote: the request is apart. An output in our storage is no name to give again."""
    fields = dict(request)
    output = given.get("output")
    if "file_id" not in request:
        fields["input"] = given.get("input")
    if isinstance(output, str) and scheme_of(output) not in ("http", "https"):
        fields["output"] = output
    return {name: value for name, value in fields.items() if value is not None}


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields. Raises `FieldRequired`, `InputAmbiguous` or `FieldInvalid` for input and output."""
    named = [name for name in INPUT_COLUMNS if name in fields]
    if not named:
        raise errors.FieldRequired("The line names no input.", field="input")
    if len(named) > 1:
        raise errors.InputAmbiguous(f"Send {named[0]} or {named[1]}, not both.", field=named[0])
    for name in (*INPUT_COLUMNS, "output"):
        if not _is_path(fields.get(name, "-")):
            raise errors.FieldInvalid(f"{name} must be a path or an address.", field=name)
    return fields


def _is_path(value: Any) -> bool:
    """Whether it can be a path of the file system: text without NUL, of bytes that may be no UTF-8."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    return not any("\ud800" <= character < "\udc80" or "\udcff" < character <= "\udfff" for character in value)
