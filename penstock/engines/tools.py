"""What every engine function is handed: the nursery, the binary, the limits."""

from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from penstock.domain.limits import Limits
from penstock.engines.nursery import Nursery


@dataclass(frozen=True, slots=True)
class Tools:
    """`threads` is how many one encoder may use."""

    nursery: Nursery
    ffmpeg: Path
    limits: Limits
    threads: int = 2


def shipped_ffmpeg() -> Path:
    """The binary of the wheel."""
    return Path(imageio_ffmpeg.get_ffmpeg_exe())
