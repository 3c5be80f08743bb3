"""Every quality of every lossy format, measured: a conversion by our own engine, scored against what it was made of."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from PIL import Image, ImageOps

from benchmarks.quality.clips import Clip, lossless
from benchmarks.quality.conversions import Cost, converted, planned
from benchmarks.quality.scores import Eyes
from penstock.domain.formats import AudioFormat, ImageFormat, VideoFormat
from penstock.domain.media import Size
from penstock.domain.planning.plan import EncodeVideo, VideoPlan
from penstock.domain.planning.quality import DEFAULT_QUALITY, image_setting
from penstock.engines import MediaFile, Tools, bundled_ffmpeg, probe

QUALITIES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
VIDEOS: tuple[VideoFormat, ...] = ("mp4", "webm", "avi")
STILLS: tuple[ImageFormat, ...] = ("jpeg", "webp", "png", "gif")
SOUND_FILES = ("mp3-3min.mp3",)
SOUNDS: dict[AudioFormat, str] = {"mp3": "mp3", "ogg": "vorbis"}


@dataclass(frozen=True, slots=True)
class Point:
    """One conversion. `lines` is the output's short side, `number` the encoder's own; a sound has no score."""

    kind: Literal["film", "still", "sound"]
    name: str
    content: str
    format: str
    codec: str
    lines: int
    pixels: int
    quality: float
    number: float
    bytes: int
    cpu: float
    wall: float
    vmaf: float | None = None
    neg: float | None = None
    s2: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the originals lie, where outputs go, who scores them, and what converts."""

    corpus: Path
    scratch: Path
    eyes: Eyes
    tools: Tools


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of the corpus, or the first frame of a clip of it, no wider than `width`."""

    name: str
    content: str
    file: str
    width: int


STILL_FILES = (
    Still("racecar", "natural", "racecar-11MP.jpg", 1024),
    Still("canyon", "natural", "large-33MP-progressive.jpg", 1024),
    Still("camera", "natural", "camera-7MP-orientation6.jpg", 1024),
    Still("harvesters", "painted", "harvesters.lossless.webp", 1024),
    Still("racecar, small", "natural", "racecar-11MP.jpg", 320),
    Still("canyon, small", "natural", "large-33MP-progressive.jpg", 320),
    Still("camera, small", "natural", "camera-7MP-orientation6.jpg", 320),
    Still("harvesters, small", "painted", "harvesters.lossless.webp", 320),
)


def film_points(clip: Clip, lines: int, place: Place) -> Iterator[Point]:
    path = lossless(clip, lines, place.corpus / "video", place.scratch)
    source = MediaFile(path, probe(path, place.tools))
    for target in VIDEOS:
        for quality in QUALITIES:
            yield _long_video(clip, (source, target, quality), place)


def _long_video(clip: Clip, peer_request: tuple[MediaFile, VideoFormat, float], place: Place) -> Point:
    source, target, quality = peer_request
    plan = planned(source, target, place.tools, quality=quality)
    assert isinstance(plan, VideoPlan)
    assert isinstance(plan.video, EncodeVideo)
    path, cost = converted(plan, source, place.scratch / "made", place.tools)
    seen = place.eyes.video(source.path, path, clip.sampled(1) if quality == DEFAULT_QUALITY else ())
    codec, size = plan.video.codec, plan.video.framing.size
    point = _point(("film", clip.name, clip.content), (target, codec, quality), size, cost)
    return replace(point, vmaf=seen.vmaf, neg=seen.neg, s2=seen.s2)


def _point(
    what: tuple[Literal["film", "still", "sound"], str, str], how: tuple[str, str, float], size: Size, cost: Cost
) -> Point:
    kind, name, content = what
    target, codec, quality = how
    pixels = size.width * size.height
    lines, number = min(size.width, size.height), image_setting(codec, quality, pixels)
    return Point(kind, name, content, target, codec, lines, pixels, quality, number, cost.bytes, cost.cpu, cost.wall)


def still_points(still: Still, place: Place) -> Iterator[Point]:
    path = _picture(still, place)
    source = MediaFile(path, probe(path, place.tools))
    for target in STILLS:
        for quality in QUALITIES:
            yield _still(still, (source, target, quality), place)


def _still(still: Still, peer_request: tuple[MediaFile, ImageFormat, float], place: Place) -> Point:
    source, target, quality = peer_request
    assert source.media.image
    plan = planned(source, target, place.tools, quality=quality)
    path, cost = converted(plan, source, place.scratch / "made", place.tools)
    point = _point(("still", still.name, still.content), (target, target, quality), source.media.image.size, cost)
    return replace(point, s2=place.eyes.still(source.path, path))


def _picture(still: Still, place: Place) -> Path:
    """As a PNG in sRGB, upright, so that nothing but the encoder is between the two that are compared."""
    target = place.scratch / f"{still.name}.png"
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(place.corpus / "image" / still.file) as opened:
        opened.draft("RGB", (2 * still.width, 2 * still.width))
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    upright.thumbnail((still.width, still.width), Image.Resampling.LANCZOS)
    upright.save(target, icc_profile=None)
    return target


def sound_points(name: str, place: Place) -> Iterator[Point]:
    path = place.scratch / "sound.wav"
    words = ("-v", "error", "-y", "-i", str(place.corpus / "audio" / name), "-t", "20", "-ac", "2", "-ar", "44100")
    subprocess.run([str(bundled_ffmpeg()), *words, str(path)], check=True)
    source = MediaFile(path, probe(path, place.tools))
    for target, codec in SOUNDS.items():
        for quality in QUALITIES:
            plan = planned(source, target, place.tools, quality=quality)
            _, cost = converted(plan, source, place.scratch / "made", place.tools)
            yield _point(("sound", name, "music"), (target, codec, quality), Size(0, 0), cost)
