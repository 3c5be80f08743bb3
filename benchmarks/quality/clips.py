"""The moving pictures that qualities are measured on: stretches of the corpus, brought to a size without loss."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from penstock.engines import bundled_ffmpeg

_LOSSLESS = ("-an", "-sn", "-dn", "-map_metadata", "-1", "-c:v", "utvideo", "-fps_mode", "cfr")


@dataclass(frozen=True, slots=True)
class Clip:
    """`seconds` of a file of the corpus from `start` on, at an even pace.

    `lines` are the short sides that its qualities are measured at."""

    name: str
    content: str
    file: str
    start: float
    seconds: float
    fps: int
    lines: tuple[int, ...]

    def sampled(self, count: int) -> tuple[int, ...]:
        """So many frames that are judged as pictures, by number, evenly about the middle."""
        frames = int(self.seconds * self.fps)
        return tuple((2 * place + 1) * frames // (2 * count) for place in range(count))


CLIPS = {
    clip.name: clip
    for clip in (
        Clip("screen", "screen", "screen-recording-vfr-3026x1386.mp4", 4, 2, 25, (720, 240)),
        Clip("walk", "natural", "portrait-576x1024-16s.mp4", 4, 2, 25, (576,)),
        Clip("counter", "animated", "hevc-1080p-10s.mp4", 3, 2, 30, (720,)),
        Clip("phone", "natural", "iphone-hevc-rotated.mov", 0, 1.1, 30, (720,)),
        Clip("flower", "natural", "flower-h264-aac.mp4", 0.5, 4, 24, (240, 360)),
        Clip("bunny", "animated", "bbb-480p-30s-aac51.mp4", 12, 4, 24, (240, 360)),
        Clip("desk", "natural", "8k-hevc-300ms.mp4", 0, 0.2, 30, (720, 2160)),
    )
}

# For the race against other encoders: as large as they are, the screen half of that.
RACED = {
    clip.name: clip
    for clip in (
        Clip("flower", "natural", "flower-h264-aac.mp4", 1, 4, 24, (540,)),
        Clip("bunny", "animated", "bbb-480p-30s-aac51.mp4", 12, 4, 24, (480,)),
        Clip("screen", "screen", "screen-recording-vfr-3026x1386.mp4", 4, 4, 25, (720,)),
        Clip("walk", "natural", "portrait-576x1024-16s.mp4", 4, 4, 25, (576,)),
    )
}


def corpus() -> Path | None:
    """The folder of real files that `PENSTOCK_CORPUS` names."""
    folder = os.environ.get("PENSTOCK_CORPUS")
    return Path(folder) if folder else None


def lossless(clip: Clip, lines: int, videos: Path, scratch: Path) -> Path:
    """The clip with this short side, 4:2:0, in the room; what is there already is not made again."""
    path = scratch / f"{clip.name}-{lines}.mkv"
    if not path.exists():
        size = f"scale='if(gt(iw,ih),-2,{lines})':'if(gt(iw,ih),{lines},-2)'"
        graph = f"fps={clip.fps},{size}:flags=bicubic:out_range=tv,setsar=1,format=yuv420p"
        before = ("-v", "error", "-nostdin", "-ss", str(clip.start), "-t", str(clip.seconds))
        words = (*before, "-i", str(videos / clip.file), "-vf", graph, *_LOSSLESS, str(path))
        subprocess.run([str(bundled_ffmpeg()), *words], check=True)
    return path
