"""How near an output comes to its input: VMAF and VMAF-NEG of films, SSIMULACRA2 of pictures and of sampled frames."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import av
from PIL import Image

from penstock.engines import bundled_ffmpeg

_SCORER = Path(__file__).parents[1] / "peers" / "ssimulacra.py"
_MIDDLE = (560, 420)
# What is shown on a 1080p screen, and what fills a 4K one: https://github.com/Netflix/vmaf/blob/master/resource/doc/models.md
_MODEL, _MODEL_4K = "vmaf_v0.6.1", "vmaf_4k_v0.6.1"
_LINES_4K = 1440
_NOWHERE = ("-fps_mode", "passthrough", "-f", "null", "-")
_COUNTED = "settb=1/25,setpts=N,format=yuv420p"


@dataclass(frozen=True, slots=True)
class Likeness:
    """100 is the same, on each scale; `s2` is None where nothing here can tell."""

    vmaf: float
    neg: float
    s2: float | None


@dataclass(frozen=True, slots=True)
class Eyes:
    """A warm process that scores pairs of pictures, or None, and a room to lay them out in."""

    scorer: subprocess.Popen[str] | None
    scratch: Path

    def video(self, wanted: Path, made: Path, frames: Sequence[int]) -> Likeness:
        """Every third frame by VMAF, and these by SSIMULACRA2, in their middle."""
        vmaf, neg = _vmaf(wanted, made, self.scratch, _model(made))
        if not frames:
            return Likeness(vmaf, neg, None)
        pairs = zip(
            _shots(wanted, frames, self.scratch, "wanted"), _shots(made, frames, self.scratch, "got"), strict=True
        )
        scores = [self.pair(*pair) for pair in pairs] if self.scorer else []
        known = [score for score in scores if score is not None]
        return Likeness(vmaf, neg, round(fmean(known), 3) if known else None)

    def still(self, wanted: Path, made: Path) -> float | None:
        """Two pictures of one size, in their middle."""
        return self.pair(*(_middle(path, self.scratch / name) for path, name in ((wanted, "a.png"), (made, "b.png"))))

    def pair(self, wanted: Path, got: Path) -> float | None:
        """Two pictures as they are."""
        if self.scorer is None or self.scorer.stdin is None or self.scorer.stdout is None:
            return None
        self.scorer.stdin.write(json.dumps([str(wanted), str(got)]) + "\n")
        self.scorer.stdin.flush()
        return round(float(json.loads(self.scorer.stdout.readline())), 3)


@contextmanager
def eyes(scratch: Path) -> Iterator[Eyes]:
    """SSIMULACRA2 comes from the package index, in an environment of its own."""
    scratch.mkdir(exist_ok=True)
    if not shutil.which("uv"):
        yield Eyes(None, scratch)
        return
    away = ("uv", "run", "--quiet", "--no-project", "--python", sys.executable, "--with", "ssimulacra2")
    words = ("nice", "-n", "10", *away, "python", str(_SCORER))
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=scratch) as process:
        try:
            yield Eyes(process, scratch)
        finally:
            process.kill()


def _model(made: Path) -> str:
    with av.open(str(made)) as video:
        stream = video.streams.video[0]
        return _MODEL_4K if min(stream.width, stream.height) > _LINES_4K else _MODEL


def _vmaf(wanted: Path, made: Path, scratch: Path, model: str) -> tuple[float, float]:
    models = rf"version={model}\:name=vmaf|version={model}neg\:name=neg"
    how = f"model='{models}':n_threads=2:n_subsample=3:log_fmt=json:log_path=vmaf.json"
    graph = f"[0:v]{_COUNTED}[a];[1:v]{_COUNTED}[b];[a][b]libvmaf={how}"
    inputs = ("-i", str(made), "-i", str(wanted))
    words = (
        str(bundled_ffmpeg()),
        "-v",
        "error",
        "-nostdin",
        *inputs,
        "-lavfi",
        graph,
        "-fps_mode",
        "passthrough",
        "-f",
        "null",
        "-",
    )
    subprocess.run(["nice", "-n", "10", *words], check=True, cwd=scratch)
    pooled = json.loads((scratch / "vmaf.json").read_text())["pooled_metrics"]
    return round(pooled["vmaf"]["mean"], 3), round(pooled["neg"]["mean"], 3)


def _shots(video: Path, frames: Sequence[int], scratch: Path, name: str) -> list[Path]:
    chosen = "+".join(f"eq(n\\,{frame})" for frame in frames)
    width, height = _MIDDLE
    middle = f"crop='min(iw,{width})':'min(ih,{height})'"
    graph = f"select='{chosen}',{middle},scale=in_color_matrix=bt709:in_range=tv,format=rgb24"
    words = ("-v", "fatal", "-nostdin", "-y", "-i", str(video), "-vf", graph, "-fps_mode", "passthrough")
    subprocess.run([str(bundled_ffmpeg()), *words, f"{name}-%d.png"], check=True, cwd=scratch)
    return [scratch / f"{name}-{place}.png" for place in range(1, len(frames) + 1)]


def _middle(path: Path, target: Path) -> Path:
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    width, height = (min(had, most) for had, most in zip(picture.size, _MIDDLE, strict=True))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    picture.crop((left, top, left + width, top + height)).save(target)
    return target
