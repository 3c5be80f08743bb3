"""Pictures with Pillow: their facts, and a plan for one carried out. Runs inside a child of the nursery."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageFile

from penstock.domain import errors
from penstock.domain.formats import FORMATS
from penstock.domain.limits import Limits
from penstock.domain.media import ImageFacts, Media
from penstock.domain.planning.plan import Cut, ImagePlan
from penstock.engines.images.color_profiles import told_profile
from penstock.engines.images.exif import credits_of, exif_of
from penstock.engines.images.frame_timing import Timing, timing
from penstock.engines.images.frames import Frame
from penstock.engines.images.opening import opened, reading
from penstock.engines.images.pixels import flattened, framed, has_tags, normal, orientation, shown_size
from penstock.engines.images.writing import Manner, write_animation, write_still

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))


def facts(path: str, container: str, opener: str, limits: Limits) -> Media:
    """What planning and verifying ask about a picture. Reads its blocks, decodes no pixels of a still."""
    with opened(path, opener, limits) as picture:
        return _facts(path, container, picture, _times(path, picture, opener, limits))


def prove(path: str, container: str, opener: str, limits: Limits) -> Media:
    """The same, with every pixel of every frame decoded. Raises an `InputError` where one cannot be."""
    with opened(path, opener, limits) as picture:
        times = _times(path, picture, opener, limits)
        media = _facts(path, container, picture, times)
        for place in range(times.first, times.first + times.frames):
            _seek(picture, place)
        return media


def render(plan: ImagePlan, path: str, opener: str, target: str, limits: Limits) -> None:
    """Make the picture or animation that the plan describes, in a new file."""
    with opened(path, opener, limits) as picture:
        times = _times(path, picture, opener, limits)
        if plan.animated and times.frames > 1:
            _render_animation(plan, picture, times, Path(target))
        else:
            _render_still(plan, picture, times, Path(target))


def _facts(path: str, container: str, picture: ImageFile.ImageFile, times: Timing) -> Media:
    return Media(
        kind="image",
        container=container,
        filesize=Path(path).stat().st_size,
        duration=times.seconds if times.frames > 1 else None,
        image=_picture(picture, times),
        tags=credits_of(picture) if has_tags(picture) else {},
    )


def _picture(picture: ImageFile.ImageFile, times: Timing) -> ImageFacts:
    return ImageFacts(
        size=shown_size(picture),
        mode=picture.mode,
        frames=times.frames,
        duration=times.seconds if times.frames > 1 else None,
        alpha=picture.has_transparency_data,
        orientation=orientation(picture),
        profile="icc_profile" in picture.info or told_profile(picture) is not None,
    )


def _times(path: str, picture: ImageFile.ImageFile, opener: str, limits: Limits) -> Timing:
    """When each frame is shown, where there are not too many of them."""
    times = timing(path, picture, opener, limits.animation_frames)
    if times.frames > limits.animation_frames:
        raise errors.InputLimitsExceeded(f"The input has more than the {limits.animation_frames:,} frames taken.")
    if times.frames > 1 and times.frames * picture.width * picture.height > limits.animation_pixels:
        raise errors.InputLimitsExceeded(
            f"The input's {times.frames} frames have more than {limits.animation_pixels:,} pixels together."
        )
    return times


def _render_still(plan: ImagePlan, picture: ImageFile.ImageFile, times: Timing, target: Path) -> None:
    with reading():
        picture.seek(times.first)
    finished = _finished(plan, picture)
    with writing():
        write_still(finished, target, _manner(plan))


def _render_animation(plan: ImagePlan, picture: ImageFile.ImageFile, times: Timing, target: Path) -> None:
    frames = []
    for place, milliseconds in _within(plan.cut, times):
        _seek(picture, place)
        frames.append(Frame(_finished(plan, picture), milliseconds))
    with writing():
        write_animation(frames, times.plays, target, _manner(plan))


def _manner(plan: ImagePlan) -> Manner:
    return Manner(plan.format, plan.quality, exif_of(plan.tags))


def _finished(plan: ImagePlan, picture: ImageFile.ImageFile) -> Image.Image:
    result = framed(normal(picture, plan.framing), plan.framing)
    return result if FORMATS[plan.format].alpha else flattened(result, plan.framing.background)


def _seek(picture: Image.Image, place: int) -> None:
    with reading():
        if place != picture.tell():
            picture.seek(place)
        picture.load()


def _within(cut: Cut, times: Timing) -> Iterator[tuple[int, float]]:
    """The frames of a stretch, the first and last one shortened to it."""
    start, clock = 1000 * cut.start, 0.0
    end = float("inf") if cut.seconds is None else start + 1000 * cut.seconds
    for place, milliseconds in enumerate(times.milliseconds, times.first):
        begins, clock = clock, clock + milliseconds
        if (shown := min(clock, end) - max(begins, start)) > 0:
            yield place, shown


@contextmanager
def writing() -> Iterator[None]:
    """What fails in here is ours: a full disk, or an encoder that gave up."""
    try:
        yield
    except OSError as fault:
        if fault.errno in _FULL:
            raise errors.DiskFull("The disk is full; the work is tried again once there is room.") from fault
        raise errors.EngineError("The picture could not be written.", detail=repr(fault)) from fault
    except (ValueError, RuntimeError) as fault:
        raise errors.EngineError("The picture could not be written.", detail=repr(fault)) from fault
