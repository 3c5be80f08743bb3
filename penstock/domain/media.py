"""The facts that a probe reads from a file's bytes, in pixels, seconds and bits per second. None: not known."""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any, ClassVar

from penstock.domain.formats import Kind


def _short_fraction(value: Any) -> Any:
    """Reject long numbers: `Fraction("1e999999999")` would take a gigabyte."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,10}(/[0-9]{1,10})?", value):
        raise ValueError("must be a fraction of short numbers")
    return value


class _ShortFraction:
    """Tells pydantic how a fraction is checked. Without importing it: the child process of a probe has no other use for
    it, and would start 0.1 s later."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415 - as said above

        return core_schema.no_info_before_validator_function(_short_fraction, handler(source))


Ratio = Annotated[Fraction, _ShortFraction()]

_HDR_TRANSFERS = frozenset(("smpte2084", "arib-std-b67"))
_WIDE_PRIMARIES = frozenset(("bt2020", "smpte431", "smpte432"))


@dataclass(frozen=True, slots=True)
class Size:
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class VideoStream:
    """A video stream. `coded` is the size as stored, `shown` the size after rotation and with square pixels.

    `fps` is the mean frame rate, `usual_fps` that of the most common frame distance: they differ with
    `variable_rate`. `resized`: frames differ in size from the header. `rotation`: clockwise degrees (0,
    90, 180, 270) that make it upright. `sar`: sample aspect ratio, the width over the height of one pixel.
    `has_timestamps`: false for raw H.264 and HEVC. `middle_key`: the time of the key frame closest to the middle, in
    seconds."""

    index: int
    codec: str
    coded: Size
    shown: Size
    pixel_format: str
    profile: str | None = None
    level: int | None = None
    tag: str | None = None
    rotation: int = 0
    mirrored: bool = False
    sar: Ratio = Fraction(1)
    fps: float | None = None
    usual_fps: float | None = None
    frames: int | None = None
    duration: float | None = None
    start: float = 0.0
    bitrate: int | None = None
    full_range: bool = False
    transfer: str | None = None
    primaries: str | None = None
    matrix: str | None = None
    interlaced: bool = False
    alpha: bool = False
    b_frames: bool = False
    starts_with_key: bool = True
    middle_key: float | None = None
    variable_rate: bool = False
    resized: bool = False
    has_timestamps: bool = True

    @property
    def is_hdr(self) -> bool:
        return self.transfer in _HDR_TRANSFERS

    @property
    def has_wide_gamut(self) -> bool:
        """Whether it is SDR with primaries beyond BT.709, which most screens and many players do not show. Primaries
        that are not given count as BT.709, as in browsers, whatever the matrix."""
        return self.primaries in _WIDE_PRIMARIES and not self.is_hdr


@dataclass(frozen=True, slots=True)
class AudioStream:
    index: int
    codec: str
    channels: int
    sample_rate: int
    profile: str | None = None
    duration: float | None = None
    start: float = 0.0
    bitrate: int | None = None


@dataclass(frozen=True, slots=True)
class CoverArt:
    """The cover art of an audio or video file. `index` is its stream index."""

    index: int
    size: Size


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """A still image or an animation. `size` is the upright size; `mode` is Pillow's; `profile`: it has an ICC
    profile that is not sRGB."""

    size: Size
    mode: str
    frames: int = 1
    duration: float | None = None
    alpha: bool = False
    orientation: int = 1
    profile: bool = False


def _stored_name(field_name: str) -> str:
    return "picture" if field_name == "image" else field_name


@dataclass(frozen=True, slots=True)
class Media:
    """The facts of one file. `container` is a key of `matrix.CONTAINERS`, found by signature.

    A video has `video`; an audio file has `audio` and no `video`, perhaps a `cover`; an image has `image`.
    `duration` is measured on the packets, `header_duration` is what the header states. All times are relative to
    `origin`, the file's own timestamp at which its first stream starts."""

    # `picture` in stored rows, as earlier versions wrote and read it.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"alias_generator": _stored_name, "populate_by_name": True}

    kind: Kind
    container: str
    filesize: int
    duration: float | None = None
    header_duration: float | None = None
    video: VideoStream | None = None
    audio: AudioStream | None = None
    image: ImageFacts | None = None
    cover: CoverArt | None = None
    tags: dict[str, str] = field(default_factory=dict)
    origin: float = 0.0

    @property
    def shown(self) -> Size | None:
        """The displayed size; None for audio."""
        if self.image:
            return self.image.size
        return self.video.shown if self.video else None
