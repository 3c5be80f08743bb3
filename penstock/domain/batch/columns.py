"""The columns of manifests: of the requests in them, and of the results that we write.

`width`, `height` and `quality` are fields of a request in a manifest that a user writes, and facts of the output in
one that we write. There the request has columns of its own, `request.width` and so on, by which the reader tells it."""

import re
from collections.abc import Mapping
from typing import Any

from penstock.domain.request import SourceRequest

INPUT_COLUMNS = ("input", "url", "file_id")
REQUEST_FIELDS = tuple(name for name in SourceRequest.model_fields if name != "url")
REQUEST_PREFIX = "request."
RESULT_COLUMNS = (
    "input", "output", "status", "reason", "error", "task", "bytes_in", "bytes_out", "saved",
    "codec", "width", "height", "duration", "seconds", "quality",
)  # fmt: skip
# What a manifest may hold beside a request's fields; results are not read again.
KNOWN_COLUMNS = (*INPUT_COLUMNS[:2], "output", *REQUEST_FIELDS, *RESULT_COLUMNS[2:], "request")

_NUMBERS = frozenset(("width", "height", "quality", "start", "end", "at"))
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?")
_BOOLEANS = {"true": True, "false": False}
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def typed_cell(field: str, text: str, delimiter: str) -> Any:
    """A cell as the field's type. What is no such value stays text, which the request's own check reports.

    With `;` between cells a number may have a decimal comma, as spreadsheets of many languages write it."""
    if field in ("input", "url", "output"):
        return text
    text = text.strip()
    number = text.replace(",", ".") if delimiter == ";" else text
    if field in _NUMBERS and _NUMBER.fullmatch(number):
        return int(number) if number.lstrip("+-").isdigit() else float(number)
    return _BOOLEANS.get(text.lower(), text) if field == "fresh" else text


def as_request_columns(request: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request as columns of a result."""
    return {REQUEST_PREFIX + name: request[name] for name in REQUEST_FIELDS if request.get(name) is not None}


def without_formula(cell: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def with_formula(cell: str) -> str:
    """The inverse of `without_formula`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
