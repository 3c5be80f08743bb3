"""Probes a file of this disk."""

from dataclasses import dataclass
from pathlib import Path

from penstock.domain.limits import Limits
from penstock.domain.media import Media
from penstock.engines.probing.file_probe import probe
from penstock.engines.tools import Tools


@dataclass(frozen=True, slots=True)
class Probed:
    """The facts of an input, and how many of its bytes were read to find them."""

    media: Media
    bytes_read: int


def probe_file(path: Path, tools: Tools) -> Probed:
    """A file of this disk; all of it counts as read. Raises an `InputError`."""
    absolute = path.absolute()  # a child process has another working directory
    return within_limits(Probed(probe(absolute, tools), absolute.stat().st_size), tools.limits)


def within_limits(probed: Probed, limits: Limits) -> Probed:
    """The same. Raises `InputTooLarge`."""
    limits.require_fitting(probed.media.kind, probed.media.filesize)
    return probed
