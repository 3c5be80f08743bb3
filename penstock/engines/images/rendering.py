"""Carry out an `ImagePlan` with Pillow and libvips. Runs in a child process."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageFile

from penstock.domain.formats import FORMATS
from penstock.domain.limits import Limits
from penstock.domain.planning.plan import Cut, ImagePlan
from penstock.engines.images.exif import exif_bytes
from penstock.engines.images.frame_timing import Frame, Timing
from penstock.engines.images.image_probe import limited_timing, load_frame
from penstock.engines.images.normalization import normalized
from penstock.engines.images.opening import open_image, translated_errors
from penstock.engines.images.pixels import flattened
from penstock.engines.images.writing import WriteOptions, write_animation, write_still


def render(plan: ImagePlan, path: str, image_format: str, target: str, limits: Limits) -> None:
    """Write the planned image or animation to a new file. Raises an `InputError`, `EngineError` or `DiskFull`."""
    with open_image(path, image_format, limits) as image:
        timing = limited_timing(path, image, image_format, limits)
        if plan.animated and timing.frames > 1:
            _render_animation(plan, image, timing, Path(target))
        else:
            _render_still(plan, image, timing, Path(target))


def _render_still(plan: ImagePlan, image: ImageFile.ImageFile, timing: Timing, target: Path) -> None:
    with translated_errors():
        image.seek(timing.first)
    write_still(_rendered(plan, image), target, _write_options(plan))


def _render_animation(plan: ImagePlan, image: ImageFile.ImageFile, timing: Timing, target: Path) -> None:
    frames = []
    for number, milliseconds in _frames_in_cut(plan.cut, timing):
        load_frame(image, number)
        frames.append(Frame(_rendered(plan, image), milliseconds))
    write_animation(frames, timing.plays, target, _write_options(plan))


def _write_options(plan: ImagePlan) -> WriteOptions:
    return WriteOptions(plan.format, plan.quality, exif_bytes(plan.tags))


def _rendered(plan: ImagePlan, image: ImageFile.ImageFile) -> Image.Image:
    result = normalized(image, plan.framing)
    return result if FORMATS[plan.format].alpha else flattened(result, plan.framing.background)


def _frames_in_cut(cut: Cut, timing: Timing) -> Iterator[tuple[int, float]]:
    """Number and duration of the frames within the cut; the first and the last are shortened to it."""
    cut_start, end = 1000 * cut.start, 0.0
    cut_end = float("inf") if cut.seconds is None else cut_start + 1000 * cut.seconds
    for number, milliseconds in enumerate(timing.milliseconds, timing.first):
        start, end = end, end + milliseconds
        if (duration := min(end, cut_end) - max(start, cut_start)) > 0:
            yield number, duration
