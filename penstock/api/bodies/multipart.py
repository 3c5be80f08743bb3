"""The one file of a multipart form, as it comes in."""

import re
from collections.abc import AsyncIterator

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError

from penstock.domain import errors

FIELD = "file"
ELSE_BYTES = 64 * 1024
MAX_BOUNDARY = 70  # RFC 2046 §5.1.1
_PARAMETER = re.compile(
    r""";\s*(?P<name>[^\s=;"]{1,64})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<token>[^\s;"]*))""", re.DOTALL
)


async def file_field(chunks: AsyncIterator[bytes], content_type: str) -> AsyncIterator[bytes]:
    """The bytes of the form's field `file`. Raises `BodyInvalid` for what is no whole form, `FieldRequired` for one
    without that field."""
    form = Form(_boundary(content_type))
    async for chunk in chunks:
        for piece in form.feed(chunk):
            yield piece
    form.require_whole()


class Form:
    """The state of one form that is being read. Its parser calls back."""

    def __init__(self, boundary: bytes) -> None:
        self._pieces: list[bytes] = []
        self._header = (b"", b"")
        self._wanted = self._whole = False
        self._files = self._else_bytes = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_begin": self._header_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_part_data": self._data,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> list[bytes]:
        """What of the file is in this chunk of the form."""
        self._pieces = []
        try:
            self._parser.write(chunk)
        except FormParserError as refused:
            raise errors.BodyInvalid("The body is not valid multipart/form-data.", detail=str(refused)) from refused
        return self._pieces

    def require_whole(self) -> None:
        if not self._whole:
            raise errors.BodyInvalid("The form is incomplete: its closing boundary is missing.")
        if not self._files:
            raise errors.FieldRequired(
                "The form has no field named file; send the file in it, or as the raw body.", field=FIELD
            )

    def _begin(self) -> None:
        self._wanted = False

    def _header_begin(self) -> None:
        self._header = (b"", b"")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0] + data[start:end], b"")

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name, value + data[start:end])

    def _header_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition" and _parameter(value.decode("latin-1"), "name") == FIELD:
            self._wanted = True
            self._files += 1
        if self._files > 1:
            raise errors.FieldInvalid("The form has more than one file; send one file per request.", field=FIELD)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self._pieces.append(data[start:end])
            return
        self._else_bytes += end - start
        if self._else_bytes > ELSE_BYTES:
            raise errors.BodyTooLarge(
                f"The form has more than {ELSE_BYTES:,} bytes besides the file; send the file alone."
            )

    def _end(self) -> None:
        self._whole = True


def _boundary(content_type: str) -> bytes:
    boundary = _parameter(content_type, "boundary")
    if not boundary or not content_type.lower().startswith("multipart/form-data"):
        raise errors.MediaTypeUnsupported(
            "The form has no boundary; send the file as multipart/form-data, or as the raw body."
        )
    if len(boundary) > MAX_BOUNDARY:
        raise errors.BodyInvalid(f"The boundary of the form is longer than the {MAX_BOUNDARY} characters allowed.")
    return boundary.encode("latin-1")


def _parameter(header: str, name: str) -> str | None:
    """A parameter of a header, the first of that name. Read by our own pattern: the standard library's reader breaks
    down at numbered names (RFC 2231) of thousands of digits."""
    found = (match for match in _PARAMETER.finditer(header) if match["name"].lower() == name)
    first = next(found, None)
    if first is None:
        return None
    return first["token"] if first["quoted"] is None else re.sub(r"\\(.)", r"\1", first["quoted"])
