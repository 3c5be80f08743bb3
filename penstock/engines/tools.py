"""What every engine function needs: the sandbox pool, the ffmpeg binary and the limits."""

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

from penstock.domain.limits import Limits
from penstock.sandbox.job import BACKGROUND_NICENESS, NICENESS, JailMode, ProgramJob, Rlimits
from penstock.sandbox.pool import SandboxPool
from penstock.sandbox.supervise import Collector, NoWatch, Timeouts, supervise

_PACKAGES = ("penstock", "av", "pillow", "pillow-heif", "pyvips-binary", "imagequant", "pillow-jxl-plugin", "rawpy")
_PROGRAM_MEMORY_BYTES, _PROGRAM_CPU_SECONDS, _PROGRAM_TIMEOUT_SECONDS = 2**30, 10, 20.0


@dataclass(frozen=True, slots=True)
class Tools:
    """`threads` is the number of threads that one encoder may use; `niceness` is that of the child processes."""

    pool: SandboxPool
    ffmpeg: Path
    limits: Limits
    threads: int = 2
    niceness: int = NICENESS

    def in_background(self) -> "Tools":
        """The same for work that nobody waits for: single requests go first."""
        return replace(self, niceness=BACKGROUND_NICENESS)


def sandbox_pool(jail: JailMode = "auto") -> SandboxPool:
    """A pool of child processes with our entry points."""
    return SandboxPool("penstock.engines.entrypoints", jail)


def bundled_ffmpeg() -> Path:
    """The ffmpeg binary of the package imageio-ffmpeg, which starts it to see that it works: 60 ms."""
    import imageio_ffmpeg  # noqa: PLC0415 - 20 ms, and a command that only probes runs no ffmpeg

    return Path(imageio_ffmpeg.get_ffmpeg_exe())


def tool_versions(tools: Tools) -> dict[str, str]:
    """The versions of the programs and libraries that make and check outputs."""
    return {**_package_versions(), "ffmpeg": _ffmpeg_version(str(tools.ffmpeg), tools.pool)}


def program_output(argv: tuple[str, ...], pool: SandboxPool) -> bytes:
    """What a short-lived program without input or output files writes to stdout."""
    rlimits = Rlimits(_PROGRAM_MEMORY_BYTES, _PROGRAM_CPU_SECONDS, file_bytes=0)
    output = Collector()
    child = pool.start(ProgramJob(argv, rlimits))
    supervise(child, Timeouts(_PROGRAM_TIMEOUT_SECONDS), NoWatch(), output)
    return bytes(output.collected)


@cache
def _package_versions() -> dict[str, str]:
    return {name: version(name) for name in _PACKAGES}


@cache
def _ffmpeg_version(ffmpeg: str, pool: SandboxPool) -> str:
    found = re.match(rb"ffmpeg version (\S+)", program_output((ffmpeg, "-version"), pool))
    return found[1].decode("utf-8", "replace") if found else "unknown"
