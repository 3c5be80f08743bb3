"""What is refused of a video or audio whose facts are known: pure, it reads nothing."""

from collections.abc import Iterator

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.media import Media

# The longest side that any codec we write has (VP9); a column of the records holds four more digits.
MOST_SIDE_PIXELS = 65_536


def require_few_streams(count: int, limits: Limits) -> None:
    """Raises `InputLimitsExceeded` for more streams than are looked at."""
    if count > limits.streams:
        raise errors.InputLimitsExceeded(f"The input has more than {limits.streams} streams.")


def require_whole(header: float | None, walked: float) -> None:
    """Raises `InputTruncated` where the packets end (s) well before the header says."""
    if header is not None and header - walked > max(0.5, header * 0.02):
        raise errors.InputTruncated("The input is cut off: it is shorter than it says.")


def filled(media: Media) -> Media:
    """Raises `InputUnreadable` where there is nothing to see or hear."""
    if media.video is None and media.audio is None:
        raise errors.InputUnreadable("The input holds no picture and no sound.")
    return media


def within(media: Media, limits: Limits) -> Media:
    """Raises `InputLimitsExceeded` for the first figure that is too large."""
    for what, figure, most in _measured(media, limits):
        if not figure <= most:  # neither is what is no number
            raise errors.InputLimitsExceeded(f"The input has {figure:,.0f} {what}; at most {most:,.0f} are allowed.")
    return media


def media_within(media: Media, limits: Limits) -> Media:
    """The same facts, once more apart from the child that found them. Raises `InputUnreadable`, `InputLimitsExceeded`.

    All of them fit the columns of the records, and no side, rate or length is one that no player knows."""
    sizes = [media.shown, media.video and media.video.coded, media.cover and media.cover.size]
    sides = [side for size in sizes if size for side in (size.width, size.height)]
    if any(not 1 <= side <= MOST_SIDE_PIXELS for side in sides):
        longest = max(sides, key=abs)
        raise errors.InputLimitsExceeded(
            f"The input is {longest:,} pixels on one side; at most {MOST_SIDE_PIXELS:,} are allowed."
        )
    if any(length is not None and length < 0 for length in _lengths(media)):
        raise errors.InputUnreadable("The input is damaged: its duration is negative.")
    return within(media, limits)


def _lengths(media: Media) -> Iterator[float | None]:
    yield from (media.duration, media.header_duration)
    yield from (stream.duration for stream in (media.video, media.audio, media.image) if stream)


def _measured(media: Media, limits: Limits) -> Iterator[tuple[str, float, float]]:
    """What is counted, how much of it there is, and how much is taken."""
    yield "seconds", media.duration or 0.0, limits.duration_seconds
    if video := media.video:
        yield "frames a second", video.fps or 0.0, limits.video_fps
        yield "frames", video.frames or 0, limits.video_frames
    if audio := media.audio:
        yield "channels of sound", audio.channels, limits.audio_channels
        yield "samples of sound a second", audio.sample_rate, limits.audio_sample_rate_hz
