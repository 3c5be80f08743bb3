"""Videos whose frame size changes midway are detected, and their frames are not distorted."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image

from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import plan_summary
from penstock.engines import probe
from tests.engines.conversions import convert, request_for

pytestmark = pytest.mark.media

ENCODERS = {
    "vp8.webm": ("-c:v", "libvpx", "-deadline", "realtime"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
    "av1.mkv": ("-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8"),
    "h264.ts": ("-c:v", "libx264", "-preset", "ultrafast"),
    "hevc.ts": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
    "mpeg2.ts": ("-c:v", "mpeg2video"),
    "mpeg4.avi": ("-c:v", "mpeg4"),
}
COPIED = {"vp8.webm": "webm", "vp9.webm": "webm", "av1.mkv": "webm", "h264.ts": "mp4", "mpeg4.avi": "avi"}


@pytest.fixture(scope="module")
def changing(tmp_path_factory):
    """A second of 160 × 90, half red, then one of 64 × 128, half blue, in one stream."""
    folder = tmp_path_factory.mktemp("changing")

    def converted(name: str) -> Path:
        path = folder / name
        if not path.exists():
            halves = [_half(path, "wide", "160x90", "red"), _half(path, "tall", "64x128", "blue")]
            listed = folder / "parts.txt"
            listed.write_text("".join(f"file '{half}'\n" for half in halves))
            _ffmpeg("-f", "concat", "-safe", "0", "-i", listed, "-c", "copy", path)
        return path

    return converted


def _half(path: Path, word: str, size: str, color: str) -> Path:
    half = path.with_stem(f"{path.stem}-{word}")
    image = f"color=white:size={size}:rate=10:duration=1,drawbox=0:0:iw/2:ih:{color}:fill,format=yuv420p"
    _ffmpeg("-f", "lavfi", "-i", image, *ENCODERS[path.name], half)
    return half


def _ffmpeg(*words):
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *map(str, words)], check=True, capture_output=True)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_change_of_the_frame_size_is_detected(name, changing, tools):
    assert probe(changing(name), tools).video.resized
    assert not probe(changing(name).with_stem(f"{Path(name).stem}-wide"), tools).video.resized


def test_it_is_detected_in_nal_units_with_lengths(changing, tmp_path, tools):
    _ffmpeg("-i", changing("h264.ts"), "-c", "copy", tmp_path / "again.mp4")
    assert probe(tmp_path / "again.mp4", tools).video.resized


@pytest.mark.parametrize(("name", "target"), COPIED.items())
def test_a_stream_that_changes_its_size_is_not_copied(name, target, changing, tools):
    plan = plan_for(request_for(target, quality=1), probe(changing(name), tools), tools.limits)
    assert plan_summary(plan)["video"].startswith("encode")


@pytest.mark.parametrize("name", ["vp8.webm", "h264.ts", "mpeg2.ts"])
@pytest.mark.parametrize("target", ["mp4", "webm", "avi", "gif"])
def test_later_frames_are_fitted_into_the_first_size(name, target, changing, tmp_path, tools):
    converted = convert(changing(name), target, tmp_path, tools)
    early, late = (_frame(converted.path, seconds, tmp_path, tools) for seconds in (0.3, 1.6))

    assert early.size == late.size == (160, 90)
    assert [_name(early, x) for x in (30, 130)] == ["red", "white"]
    # 64 × 128 scaled to 90 rows is 45 wide and starts at column 58
    assert [_name(late, x) for x in (30, 69, 92, 130)] == ["black", "blue", "white", "black"]
    assert converted.facts.duration == pytest.approx(2, abs=0.1)


def test_a_still_of_a_later_frame_is_fitted_too(changing, tmp_path, tools):
    late = _opened(convert(changing("vp8.webm"), "png", tmp_path, tools, at=1.6).path)
    assert [_name(late, x) for x in (30, 69, 92, 130)] == ["black", "blue", "white", "black"]


def _frame(path: Path, seconds: float, tmp_path: Path, tools) -> Image.Image:
    if path.suffix == ".gif":
        return _opened(path, round(seconds * 10))
    return _opened(convert(path, "png", tmp_path, tools, at=seconds).path)


def _opened(path: Path, number: int = 0) -> Image.Image:
    with Image.open(path) as image:
        image.seek(number)
        return image.convert("RGB")


def _name(image: Image.Image, x: int) -> str:
    """The nearest of the colors in these videos."""
    colors = {"red": (255, 0, 0), "blue": (0, 0, 255), "white": (255, 255, 255), "black": (0, 0, 0)}
    seen = image.getpixel((x, 45))
    return min(colors, key=lambda name: sum(abs(a - b) for a, b in zip(seen, colors[name], strict=True)))
