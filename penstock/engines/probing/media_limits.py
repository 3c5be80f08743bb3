"""Checks of probed values: what is rejected, and which implausible values are ignored. Reads no files."""

from collections.abc import Iterator
from fractions import Fraction

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.media import Media, Size

# The maximum side of VP9, the largest of the codecs that we write; a column of the records holds four more digits.
MAX_SIDE_PIXELS = 65_536
# Below that a bitrate means nothing: a still image with a duration of a microsecond would have terabits per second.
_MIN_BITRATE_SECONDS = 0.001
# Standards go up to 40:33, anamorphic lenses to 2 and single fields to 4. Beyond 16 a file is damaged or hostile.
_MAX_PIXEL_ASPECT_RATIO = Fraction(16)


def require_max_streams(count: int, limits: Limits) -> None:
    """Raises `InputLimitsExceeded` for too many streams."""
    if count > limits.streams:
        raise errors.InputLimitsExceeded(f"The input has {count:,} streams; at most {limits.streams} are allowed.")


def require_complete(header_duration: float | None, packets_end: float) -> None:
    """Raises `InputTruncated` if the packets end more than 0.5 s and 2% before the header's duration."""
    if header_duration is not None and header_duration - packets_end > max(0.5, header_duration * 0.02):
        raise errors.InputTruncated("The input is cut off: it is shorter than its header says.")


def require_streams(media: Media) -> Media:
    """Raises `InputUnreadable` if there is neither video nor audio."""
    if media.video is None and media.audio is None:
        raise errors.InputUnreadable("The input has no video and no audio.")
    return media


def require_within(media: Media, limits: Limits) -> Media:
    """The same facts. Raises `InputLimitsExceeded` for the first value above its limit."""
    for unit, value, maximum in _limited_values(media, limits):
        if not value <= maximum:  # also true for NaN
            raise errors.InputLimitsExceeded(f"The input has {value:,.0f} {unit}; at most {maximum:,.0f} are allowed.")
    return media


def checked_media(media: Media, limits: Limits) -> Media:
    """The same facts, checked again in the parent process: a child that was taken over can report anything.

    They then fit the columns of the records. Raises `InputUnreadable` or `InputLimitsExceeded`."""
    sizes = [media.shown, media.video and media.video.coded, media.cover and media.cover.size]
    sides = [side for size in sizes if size for side in (size.width, size.height)]
    if any(not 1 <= side <= MAX_SIDE_PIXELS for side in sides):
        longest = max(sides, key=abs)
        raise errors.InputLimitsExceeded(
            f"The input is {longest:,} pixels on one side; at most {MAX_SIDE_PIXELS:,} are allowed."
        )
    if any(duration is not None and duration < 0 for duration in _durations(media)):
        raise errors.InputUnreadable("The input is damaged: its duration is negative.")
    return require_within(media, limits)


def bitrate_of(size: int, seconds: float | None) -> int | None:
    """Bits per second of `size` bytes; None if the duration is unknown or too short."""
    return round(size * 8 / seconds) if seconds and seconds >= _MIN_BITRATE_SECONDS else None


def pixel_aspect_ratio(declared: Fraction | None, coded: Size) -> Fraction:
    """Width over height of one pixel. 1 if the declared ratio is implausible, or changes the width by less than one
    pixel."""
    ratio = declared or Fraction(1)
    plausible = 1 / _MAX_PIXEL_ASPECT_RATIO <= ratio <= _MAX_PIXEL_ASPECT_RATIO
    fits = coded.width * ratio <= MAX_SIDE_PIXELS
    return ratio if plausible and fits and abs(coded.width * ratio - coded.width) >= 1 else Fraction(1)


def _durations(media: Media) -> Iterator[float | None]:
    yield from (media.duration, media.header_duration)
    yield from (stream.duration for stream in (media.video, media.audio, media.image) if stream)


def _limited_values(media: Media, limits: Limits) -> Iterator[tuple[str, float, float]]:
    """Unit, value and maximum."""
    yield "seconds", media.duration or 0.0, limits.duration_seconds
    if video := media.video:
        yield "frames per second", video.fps or 0.0, limits.video_fps
        yield "frames", video.frames or 0, limits.video_frames
    if audio := media.audio:
        yield "audio channels", audio.channels, limits.audio_channels
        yield "audio samples per second", audio.sample_rate, limits.audio_sample_rate_hz
