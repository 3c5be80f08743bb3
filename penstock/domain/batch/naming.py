"""Names of outputs: a template filled in for each line, and other names where one is taken."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count
from typing import Any

from penstock.domain import errors
from penstock.domain.request import SourceRequest

DEFAULT_TEMPLATE = "{dir}/{stem}.{format}"
PLACEHOLDERS = ("dir", "stem", "name", "ext", "format", "kind", "width", "height", "quality", "number")
# The longest part of a path on every common file system.
MAX_PART_BYTES = 255
# The folder of unfinished outputs, directly in a destination. It is never listed, and no output is in it.
PARTS_FOLDER = ".penstock"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """A checked template."""

    text: str

    def name_for(self, input_name: str, request: SourceRequest, number: int) -> str:
        """The output's name for an input's relative name. A name that is too long is cut before its extension.

        Raises `FieldInvalid` if it would not be inside the destination."""
        values = _values(input_name, request, number)
        filled = _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)
        parts = [part for part in filled.split("/") if part not in ("", ".")]
        if not parts or _is_impossible(parts) or filled.endswith("/"):
            raise errors.FieldInvalid("The name of the output would not be inside the destination.", field="output")
        if any(_length(part) > MAX_PART_BYTES for part in parts[:-1]):
            raise errors.FieldInvalid(f"A folder's name has more than {MAX_PART_BYTES} bytes.", field="output")
        return "/".join((*parts[:-1], _shortened(parts[-1])))


def parse_template(text: str) -> NameTemplate:
    """The template. Raises `FieldInvalid` for an unknown placeholder or an absolute path."""
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            raise errors.FieldInvalid(_unknown_message(name), field="name")
    if text.startswith("/") or not text.strip("/") or _is_impossible(text.split("/")):
        raise errors.FieldInvalid("The name template must be a relative path without .. in it.", field="name")
    return NameTemplate(text)


def checked_output_name(name: str) -> str:
    """A name that a manifest gives, without doubled slashes. Raises `FieldInvalid` as `NameTemplate.name_for`."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    is_too_long = any(_length(part) > MAX_PART_BYTES for part in parts)
    if not parts or name[0] == "/" or name[-1] == "/" or is_too_long or _is_impossible(parts):
        raise errors.FieldInvalid("output must be a relative path inside the destination.", field="output")
    return "/".join(parts)


def next_free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """The name, or the first of `name (2).webp`, `name (3).webp` … that is not taken."""
    if not is_taken(name):
        return name
    folder, slash, base = name.rpartition("/")
    stem, extension = _split_extension(base)
    numbered = (folder + slash + _shortened(f"{stem} ({number}){extension}", f" ({number})") for number in count(2))
    return next(one for one in numbered if not is_taken(one))


def _values(input_name: str, request: SourceRequest, number: int) -> Mapping[str, str]:
    folder, _, name = input_name.rpartition("/")
    stem, extension = _split_extension(name)
    return {
        "dir": folder,
        "stem": stem,
        "name": name,
        "ext": extension.removeprefix("."),
        "format": request.format,
        "kind": request.kind,
        "width": _text(request.width),
        "height": _text(request.height),
        "quality": f"{request.quality:g}",
        "number": str(number),
    }


def _text(pixels: Any) -> str:
    return "auto" if pixels is None else str(pixels)


def _split_extension(name: str) -> tuple[str, str]:
    """Stem and extension with its dot; a leading dot begins no extension."""
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem.strip(".") else (name, "")


def _shortened(name: str, kept: str = "") -> str:
    """The name with its stem cut to at most 255 bytes; `kept` is the end of the stem that stays."""
    if _length(name) <= MAX_PART_BYTES:
        return name
    stem, extension = _split_extension(name)
    end = kept + extension
    room = MAX_PART_BYTES - _length(end)
    if room < 1:
        raise errors.FieldInvalid(f"The extension has more than {MAX_PART_BYTES} bytes.", field="output")
    cut = stem.removesuffix(kept).encode(errors="surrogateescape")[:room]
    return _without_broken_end(cut) + end


def _without_broken_end(cut: bytes) -> str:
    """The text without the part of a character at its end; other bytes that are no UTF-8 stay."""
    for dropped in range(min(4, len(cut))):
        text = cut[: len(cut) - dropped].decode(errors="surrogateescape")
        if not "\udc80" <= text[-1] <= "\udcff":
            return text
    return cut.decode(errors="surrogateescape")


def _is_impossible(parts: list[str]) -> bool:
    return ".." in parts or parts[0] == PARTS_FOLDER or any("\0" in part for part in parts)


def _length(part: str) -> int:
    return len(part.encode(errors="surrogateescape"))


def _unknown_message(name: str) -> str:
    similar = get_close_matches(name, PLACEHOLDERS, 1)
    suggestion = f"; did you mean {{{similar[0]}}}?" if similar else "."
    known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
    return f"{{{name[:64]}}} is not a placeholder{suggestion} There are {known}."
