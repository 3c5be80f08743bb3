"""Probe an image or animation with Pillow. Runs in a child process."""

from pathlib import Path

from PIL import Image, ImageFile

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.media import ImageFacts, Media
from penstock.engines.images.exif import has_metadata, orientation, read_tags, upright_size
from penstock.engines.images.file_blocks import jpeg_has_more_scans
from penstock.engines.images.frame_timing import Timing, read_timing
from penstock.engines.images.icc_profiles import declared_profile
from penstock.engines.images.opening import open_image, translated_errors

# Encoders write about ten. Each is a pass over all pixels: 5,000 scans of 16 megapixels, a file of 218 kB, took over
# 100 s.
MAX_JPEG_SCANS = 100


def probe_image(path: str, container: str, image_format: str, limits: Limits) -> Media:
    """The facts of an image, by its blocks; no pixels of a still image are decoded. Raises an `InputError`."""
    with open_image(path, image_format, limits) as image:
        if image_format == "JPEG":
            _require_few_scans(path)
        return _media(path, container, image, limited_timing(path, image, image_format, limits))


def decode_image(path: str, container: str, image_format: str, limits: Limits) -> Media:
    """The same, after decoding every frame. Raises an `InputError` if one cannot be decoded."""
    with open_image(path, image_format, limits) as image:
        timing = limited_timing(path, image, image_format, limits)
        media = _media(path, container, image, timing)
        for number in range(timing.first, timing.first + timing.frames):
            load_frame(image, number)
        return media


def limited_timing(path: str, image: ImageFile.ImageFile, image_format: str, limits: Limits) -> Timing:
    """The frames and their durations. Raises `InputLimitsExceeded` if there are too many frames or pixels."""
    timing = read_timing(path, image, image_format, limits.animation_frames)
    if timing.frames > limits.animation_frames:
        raise errors.InputLimitsExceeded(
            f"The input has too many frames; at most {limits.animation_frames:,} are allowed."
        )
    pixels = timing.frames * image.width * image.height
    if timing.frames > 1 and pixels > limits.animation_pixels:
        raise errors.InputLimitsExceeded(
            f"The {timing.frames} frames of the input have {pixels:,} pixels together; "
            f"at most {limits.animation_pixels:,} are allowed."
        )
    return timing


def load_frame(image: Image.Image, number: int) -> None:
    """Decode the frame of this number. Raises an `InputError`."""
    with translated_errors():
        if number != image.tell():
            image.seek(number)
        image.load()


def _require_few_scans(path: str) -> None:
    if jpeg_has_more_scans(path, MAX_JPEG_SCANS):
        raise errors.InputLimitsExceeded(f"The input has more than the {MAX_JPEG_SCANS} progressive scans allowed.")


def _media(path: str, container: str, image: ImageFile.ImageFile, timing: Timing) -> Media:
    duration = timing.seconds if timing.frames > 1 else None
    return Media(
        kind="image",
        container=container,
        filesize=Path(path).stat().st_size,
        duration=duration,
        image=ImageFacts(
            size=upright_size(image),
            mode=image.mode,
            frames=timing.frames,
            duration=duration,
            alpha=image.has_transparency_data,
            orientation=orientation(image),
            profile="icc_profile" in image.info or declared_profile(image) is not None,
        ),
        tags=read_tags(image) if has_metadata(image) else {},
    )
