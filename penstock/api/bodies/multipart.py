"""The one file of a multipart form, while the form arrives.

Uses python-multipart's push parser. Its form parser would buffer files, and its header reader, as the standard
library's, fails on numbered parameters (RFC 2231) with thousands of digits."""

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError

from penstock.domain import errors

FIELD = "file"
MAX_OTHER_BYTES = 64 * 1024
MAX_BOUNDARY_LENGTH = 70  # RFC 2046 §5.1.1
_PARAMETER = re.compile(
    r""";\s*(?P<name>[^\s=;"]{1,64})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<token>[^\s;"]*))""", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class DeclaredFile:
    """What a client says of a file that it uploads; empty where it says nothing."""

    type: str = ""
    name: str = ""


class FileForm:
    """A form that is being parsed. The parser calls the methods in `callbacks`."""

    def __init__(self, content_type: str) -> None:
        """`content_type` is the header of the request. Raises `BodyInvalid` for one of no form."""
        boundary = _boundary(content_type)
        self.declared = DeclaredFile()
        self._part = DeclaredFile()
        self._blocks: list[bytes] = []
        self._header_name, self._header_value = b"", b""
        self._in_file = self._complete = False
        self._files = self._other_bytes = 0
        callbacks = {
            "on_part_begin": self._on_part_begin,
            "on_header_begin": self._on_header_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_part_data": self._on_part_data,
            "on_end": self._on_end,
        }
        self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type] # a TypedDict

    def feed(self, chunk: bytes) -> list[bytes]:
        """The parts of the file in this chunk of the form. Raises `BodyInvalid`, and `FieldInvalid` for two files."""
        self._blocks = []
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise errors.BodyInvalid("The body is not valid multipart/form-data.", detail=str(error)) from error
        return self._blocks

    def require_complete(self) -> None:
        """Raise `BodyInvalid` for an incomplete form, `FieldRequired` for one without the field `file`."""
        if not self._complete:
            raise errors.BodyInvalid("The form is incomplete: its closing boundary is missing.")
        if not self._files:
            raise errors.FieldRequired(
                "The form has no field named file; send the file in it, or as the raw body.", field=FIELD
            )

    def _on_part_begin(self) -> None:
        self._in_file, self._part = False, DeclaredFile()

    def _on_header_begin(self) -> None:
        self._header_name, self._header_value = b"", b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        name, value = self._header_name.lower(), self._header_value.decode("latin-1")
        if name == b"content-type":
            self._part = replace(self._part, type=value)
        if name == b"content-disposition":
            self._part = replace(self._part, name=_file_name(value))
        if name == b"content-disposition" and _parameter(value, "name") == FIELD:
            self._in_file = True
            self._files += 1
        if self._in_file:
            self.declared = self._part
        if self._files > 1:
            raise errors.FieldInvalid("The form has more than one file; send one file per request.", field=FIELD)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._blocks.append(data[start:end])
            return
        self._other_bytes += end - start
        if self._other_bytes > MAX_OTHER_BYTES:
            raise errors.BodyTooLarge(
                f"The form has more than {MAX_OTHER_BYTES:,} bytes besides the file; send the file alone."
            )

    def _on_end(self) -> None:
        self._complete = True


def _boundary(content_type: str) -> bytes:
    boundary = _parameter(content_type, "boundary")
    if not boundary or not content_type.lower().startswith("multipart/form-data"):
        raise errors.MediaTypeUnsupported(
            "The form has no boundary; send the file as multipart/form-data, or as the raw body."
        )
    if len(boundary) > MAX_BOUNDARY_LENGTH:
        raise errors.BodyInvalid(
            f"The boundary of the form is longer than the {MAX_BOUNDARY_LENGTH} characters allowed."
        )
    return boundary.encode("latin-1")


def _file_name(disposition: str) -> str:
    """The name in a Content-Disposition: UTF-8 as browsers send it, or RFC 8187's `filename*`."""
    charset, _, encoded = (_parameter(disposition, "filename*") or "").partition("'")
    if charset.lower() == "utf-8":
        return unquote(encoded.partition("'")[2], errors="replace")
    return (_parameter(disposition, "filename") or "").encode("latin-1").decode("utf-8", "replace")


def _parameter(header: str, name: str) -> str | None:
    """The first parameter of this name in a header."""
    found = next((match for match in _PARAMETER.finditer(header) if match["name"].lower() == name), None)
    if found is None:
        return None
    return found["token"] if found["quoted"] is None else re.sub(r"\\(.)", r"\1", found["quoted"])
