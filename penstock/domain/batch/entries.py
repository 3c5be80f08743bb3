"""What a folder or prefix holds: one `Entry` for each file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a folder or prefix. `name` is relative to it, with `/`; bytes that are no UTF-8 are surrogates.

    `size` is in bytes, `modified` in seconds since 1970. `version` changes when the content does: the modification time
    in nanoseconds, or the ETag. `problem` says why it cannot be read; size and version are then 0 and empty."""

    name: str
    size: int
    modified: float | None
    version: str
    problem: str | None = None
