"""What every engine function is handed: the nursery, the binary, the limits."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import imageio_ffmpeg

from penstock.domain.limits import Limits
from penstock.engines.job import Bounds, Execute, Reach
from penstock.engines.nursery import Nursery
from penstock.engines.process import Answer, Patience, Unwatched, attend

_ASKING_BYTES = 2**30


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


def versions(tools: Tools) -> dict[str, str]:
    """What makes and checks an output here, each with its version."""
    parts = {name: version(name) for name in ("penstock", "av", "pillow", "pyvips-binary")}
    return {**parts, "ffmpeg": _ffmpeg_version(str(tools.ffmpeg), tools.nursery)}


@cache
def _ffmpeg_version(ffmpeg: str, nursery: Nursery) -> str:
    bounds = Bounds(_ASKING_BYTES, cpu_seconds=10, file_bytes=0)
    answer = Answer()
    attend(nursery.start(Execute((ffmpeg, "-version"), bounds, Reach((ffmpeg,)))), Patience(20.0), Unwatched(), answer)
    told = re.match(rb"ffmpeg version (\S+)", answer.said)
    return told[1].decode("utf-8", "replace") if told else "unknown"
