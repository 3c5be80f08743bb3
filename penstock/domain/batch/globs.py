"""Patterns of file names: `*.jpg`, `2024/**/*.{jpg,png}`.

Upper and lower case are equal, since cameras write `IMG_1.JPG`. A pattern without `/` is for names in any folder, one
with `/` for the whole relative path. `*` does not cross a `/`; `**` stands for any folders, and at the end for all that
is in them. Names that begin with a dot need a pattern that does."""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from penstock.domain import errors

_MAX_CHOICES = 4  # each may have many words
_MAX_ALTERNATIVES = 256
_FOLDERS = "**"
_Parts = tuple[re.Pattern[str] | None, ...]


@dataclass(frozen=True, slots=True)
class Glob:
    """A parsed pattern: alternatives of parts, each a compiled expression, or None for `**`."""

    alternatives: tuple[_Parts, ...]
    enters_hidden: bool

    def matches(self, name: str) -> bool:
        """Whether a relative path matches."""
        parts = name.split("/")
        return any(_matches(pattern, parts) for pattern in self.alternatives)


def parse_glob(text: str | None) -> Glob:
    """The pattern; without one it is that of all files that are not hidden. Raises `FieldInvalid`."""
    text = text or _FOLDERS
    alternatives = [_parts(one) for one in islice(_expanded(text), _MAX_ALTERNATIVES + 1)]
    if text.count("{") > _MAX_CHOICES or len(alternatives) > _MAX_ALTERNATIVES or not all(alternatives):
        raise errors.FieldInvalid("The glob must be a pattern like *.jpg or 2024/**/*.{jpg,png}.", field="glob")
    return Glob(
        tuple(tuple(None if part == _FOLDERS else _compiled(part) for part in parts) for parts in alternatives),
        any(part.startswith(".") for parts in alternatives for part in parts[:-1]),
    )


def _parts(pattern: str) -> list[str]:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if parts[-1:] == [_FOLDERS]:
        parts.append("*")
    return parts if len(parts) != 1 or "/" in pattern else [_FOLDERS, *parts]


def _compiled(part: str) -> re.Pattern[str]:
    hidden = "" if part.startswith(".") else r"(?!\.)"
    return re.compile(hidden + fnmatch.translate(part), re.IGNORECASE)


def _expanded(pattern: str) -> Iterator[str]:
    """The alternatives of `{a,b}`, without nesting."""
    found = re.search(r"\{([^{}]*,[^{}]*)\}", pattern)
    if found is None:
        yield pattern
        return
    for choice in found[1].split(","):
        yield from _expanded(pattern[: found.start()] + choice + pattern[found.end() :])


def _matches(pattern: _Parts, parts: Sequence[str]) -> bool:
    """Tries all alternatives of `**` at once: `reached` are the parts of the pattern that may be next."""
    reached = _with_no_folder(pattern, {0})
    for part in parts:
        reached = _with_no_folder(pattern, {after for at in reached for after in _after(pattern, at, part)})
    return len(pattern) in reached


def _after(pattern: _Parts, at: int, part: str) -> Iterator[int]:
    if at == len(pattern):
        return
    expression = pattern[at]
    if expression is None:
        if not part.startswith("."):
            yield at
    elif expression.match(part):
        yield at + 1


def _with_no_folder(pattern: _Parts, reached: set[int]) -> set[int]:
    """With what follows a `**` that stands for no folder."""
    for at, expression in enumerate(pattern):
        if expression is None and at in reached:
            reached.add(at + 1)
    return reached
