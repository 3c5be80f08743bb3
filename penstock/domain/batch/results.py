"""Writes a result manifest, which can be read again as a manifest.

CSV has a byte order mark, without which spreadsheets read names as Windows-1252, and an apostrophe before what they
would take for a formula; the reader drops both. Inputs and outputs are addresses, in which bytes that are no UTF-8 are
percent-encoded, so that nothing is lost."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from penstock.domain.batch.columns import (
    REQUEST_FIELDS,
    REQUEST_PREFIX,
    RESULT_COLUMNS,
    as_request_columns,
    without_formula,
)

ManifestFormat = Literal["csv", "jsonl"]
ResultStatus = Literal["planned", "queued", "processing", "completed", "skipped", "failed", "cancelled"]

_LINE_ENDS = re.compile(r"[\r\n]+")
_CSV_COLUMNS = (*RESULT_COLUMNS, *(REQUEST_PREFIX + name for name in REQUEST_FIELDS))


@dataclass(frozen=True, slots=True)
class ResultLine:
    """The result of a line. `input` and `output` are addresses or ids of files; `reason` says why it was skipped,
    `error` has code and sentence. Bytes, pixels; `duration` is the output's, `seconds` those of the conversion;
    `quality` is measured, 0 to 1."""

    input: str
    status: ResultStatus
    request: Mapping[str, Any]
    output: str | None = None
    reason: str | None = None
    error: str | None = None
    task: str | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    seconds: float | None = None
    quality: float | None = None

    @property
    def saved(self) -> int | None:
        """Bytes that the output is smaller; negative if it is larger."""
        return None if self.bytes_in is None or self.bytes_out is None else self.bytes_in - self.bytes_out


def manifest_format(name: str) -> ManifestFormat:
    """By the name of the file: `.csv` is CSV, everything else JSON lines."""
    return "csv" if name.lower().endswith(".csv") else "jsonl"


def manifest_start(written: ManifestFormat) -> bytes:
    """What stands before the first line."""
    return b"\xef\xbb\xbf" + _csv_row(_CSV_COLUMNS) if written == "csv" else b""


def manifest_row(line: ResultLine, written: ManifestFormat) -> bytes:
    """One line with its end."""
    values = asdict(line) | {"saved": line.saved}
    if written == "csv":
        cells = values | as_request_columns(line.request)
        return _csv_row([_cell(cells.get(column)) for column in _CSV_COLUMNS])
    request = {name: line.request[name] for name in REQUEST_FIELDS if line.request.get(name) is not None}
    whole = {name: values[name] for name in RESULT_COLUMNS} | {"request": request}
    return (json.dumps(whole, ensure_ascii=False) + "\n").encode(errors="replace")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return without_formula(value) if isinstance(value, str) else "" if value is None else f"{value}"


def _csv_row(cells: Iterable[str]) -> bytes:
    """RFC 4180; line ends in a cell become spaces, so that a file can be searched line by line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_LINE_ENDS.sub(" ", cell) for cell in cells])
    return text.getvalue().encode(errors="replace")
