"""Small JPEGs of a file, for people: of an image one, of a film some frames. Made in child processes."""

from collections.abc import Sequence
from pathlib import Path

from penstock.domain.media import ImageFacts, Size, VideoStream
from penstock.domain.planning.plan import Cut, FramePlan, Framing, ImagePlan
from penstock.engines.encoding import ImageConversion, MediaFile, encode, encode_each
from penstock.engines.tools import Tools

_SIDE_PIXELS = 240
_FRAME_SIDE_PIXELS = 160
_QUALITY = 0.6
_BECAUSE = "a small picture for people"


def thumbnails(files: Sequence[MediaFile], folder: Path, frames: int, tools: Tools) -> list[list[bytes]]:
    """The pictures of each file; of one without a picture none. Raises `EngineError`, `InputError`."""
    places = [folder / str(number) for number in range(len(files))]
    for place in places:
        place.mkdir(parents=True)
    images = [
        ImageConversion(_image_plan(file.media.image), file, place)
        for file, place in zip(files, places, strict=True)
        if file.media.image
    ]
    if len(images) == len(files):  # share one child process
        made = encode_each(images, tools)
        return [[outcome.result.read_bytes()] for outcome in made if isinstance(outcome.result, Path)]
    return [_of(file, place, frames, tools) for file, place in zip(files, places, strict=True)]


def _of(file: MediaFile, folder: Path, frames: int, tools: Tools) -> list[bytes]:
    if file.media.image is not None:
        return [encode(_image_plan(file.media.image), file, folder, tools).read_bytes()]
    if file.media.video is None:
        return []
    # Each frame is the one in the middle of equal parts.
    times = [(number + 0.5) / frames * (file.media.duration or 0.0) for number in range(frames)]
    return [encode(_frame_plan(file.media.video, at), file, folder, tools).read_bytes() for at in times]


def _frame_plan(video: VideoStream, at: float) -> FramePlan:
    return FramePlan("jpeg", video.index, _framing(video.shown, _FRAME_SIDE_PIXELS), _QUALITY, at, _BECAUSE)


def _image_plan(image: ImageFacts) -> ImagePlan:
    framing = _framing(image.size, _SIDE_PIXELS)
    return ImagePlan(
        format="jpeg",
        framing=framing,
        quality=_QUALITY,
        animated=False,
        flatten=True,
        frames=1,
        duration=None,
        cut=Cut(),
        because=_BECAUSE,
    )


def _framing(shown: Size, side: int) -> Framing:
    scale = min(1.0, side / max(shown.width, shown.height))
    size = Size(max(1, round(shown.width * scale)), max(1, round(shown.height * scale)))
    return Framing(size, size, "contain", "#ffffff")
