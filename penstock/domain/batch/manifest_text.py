"""The text lines of a manifest in whatever encoding and with whatever line ends it was written."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from penstock.domain import errors

MAX_LINE_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line without its end. `number` counts from 1 as an editor does; `fault` says why there is no text."""

    number: int
    text: str
    fault: str | None = None


def text_lines(file: BinaryIO) -> Iterator[TextLine]:
    """The lines of a file that is read once, from its start. Raises `FieldInvalid` for a file that is no text.

    UTF-16 needs its byte order mark. Each other line is read as UTF-8 if it is valid, else as Windows-1252."""
    for number, line in enumerate(_lines(_utf8_chunks(file)), start=1):
        yield _text_line(number, line)


def _text_line(number: int, line: bytes) -> TextLine:
    if len(line) > MAX_LINE_BYTES:
        return TextLine(number, "", f"The line has more than {MAX_LINE_BYTES:,} bytes.")
    if _CONTROL.search(line):
        return TextLine(number, "", "The line is no text: it holds control characters.")
    return TextLine(number, _decoded(line))


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def _utf8_chunks(file: BinaryIO) -> Iterator[bytes]:
    """The content as UTF-8 or Windows-1252, without a byte order mark."""
    head = file.read(_CHUNK_BYTES)
    encoding = _UTF_16.get(head[:2])
    content = _from_utf16(head[2:], file, encoding) if encoding else _unchanged(head, file)
    first = next(content, b"")
    if b"\0" in first:
        raise errors.FieldInvalid("The manifest is no text file: it must be CSV or JSON lines.", field="manifest")
    yield first
    yield from content


def _unchanged(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    yield head.removeprefix(codecs.BOM_UTF8)
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def _from_utf16(head: bytes, file: BinaryIO, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    yield decoder.decode(head).encode(errors="replace")
    while chunk := file.read(_CHUNK_BYTES):
        yield decoder.decode(chunk).encode(errors="replace")
    yield decoder.decode(b"", final=True).encode(errors="replace")


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The lines; of one that is too long only its first bytes, one more than are allowed."""
    rest = b""
    for chunk in _with_one_line_end(chunks):
        *complete, rest = (rest[: MAX_LINE_BYTES + 1] + chunk).split(b"\n")
        yield from complete
    if rest:
        yield rest


def _with_one_line_end(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Every line end as `\\n`, also one that two chunks share. Latin-1 carries bytes through Python's own decoder."""
    decoder = io.IncrementalNewlineDecoder(None, translate=True)
    for chunk in chunks:
        yield decoder.decode(chunk.decode("latin-1")).encode("latin-1")
    yield decoder.decode("", final=True).encode("latin-1")
