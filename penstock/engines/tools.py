"""What every engine function needs: the sandbox pool, the ffmpeg binary and the limits."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import imageio_ffmpeg

from penstock.domain.limits import Limits
from penstock.sandbox.job import Paths, ProgramJob, Rlimits
from penstock.sandbox.pool import SandboxPool
from penstock.sandbox.supervise import Collector, NoWatch, Timeouts, supervise

_ASKING_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Tools:
    """`threads` is how many one encoder may use."""

    pool: SandboxPool
    ffmpeg: Path
    limits: Limits
    threads: int = 2


def sandbox_pool() -> SandboxPool:
    """A pool of child processes that have our entry points."""
    return SandboxPool("penstock.engines.entrypoints")


def bundled_ffmpeg() -> Path:
    """The binary of the wheel."""
    return Path(imageio_ffmpeg.get_ffmpeg_exe())


def tool_versions(tools: Tools) -> dict[str, str]:
    """What makes and checks an output here, each with its version."""
    parts = {name: version(name) for name in ("penstock", "av", "pillow", "pyvips-binary")}
    return {**parts, "ffmpeg": _ffmpeg_version(str(tools.ffmpeg), tools.pool)}


@cache
def _ffmpeg_version(ffmpeg: str, pool: SandboxPool) -> str:
    bounds = Rlimits(_ASKING_BYTES, cpu_seconds=10, file_bytes=0)
    output = Collector()
    supervise(pool.start(ProgramJob((ffmpeg, "-version"), bounds, Paths((ffmpeg,)))), Timeouts(20.0), NoWatch(), output)
    told = re.match(rb"ffmpeg version (\S+)", output.collected)
    return told[1].decode("utf-8", "replace") if told else "unknown"
