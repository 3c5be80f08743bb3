"""What a probe read from a file's bytes. Pixels, seconds, bits per second; None is what the file does not say."""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from penstock.domain.formats import Kind


def _short(value: Any) -> Any:
    """As text, `1e999999999` is a fraction too, and a gigabyte of digits."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,10}(/[0-9]{1,10})?", value):
        raise ValueError("must be a fraction of short numbers")
    return value


Ratio = Annotated[Fraction, BeforeValidator(_short)]


@dataclass(frozen=True, slots=True)
class Size:
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class VideoStream:
    """A moving picture. `coded` is the size as stored; `shown` is after rotation and with square pixels.

    `fps` is the mean; `usual_fps` that of the usual step from one frame to the next, which in a film of
    `variable_rate` is another.
    `resized` says that frames come in another size than the header's, or may change theirs midway.
    `rotation` is clockwise degrees (0, 90, 180, 270) to apply for upright; `sar` is width over height of one pixel."""

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
    variable_rate: bool = False
    resized: bool = False


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
    """The picture that comes with a sound or a film: `index` is its place among the streams."""

    index: int
    size: Size


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """A still image or an animation. `size` is upright; `duration` and `frames` are of the whole animation."""

    size: Size
    mode: str
    frames: int = 1
    duration: float | None = None
    alpha: bool = False
    orientation: int = 1
    profile: bool = False


@dataclass(frozen=True, slots=True)
class Media:
    """One file's facts. `container` is our word for what the magic says (`mov` by brand, `mp4`, `matroska`, `jpeg` …).

    A video has `video`; an audio has `audio` and no moving picture (its `cover` is none); an image has `picture`.
    `duration` is the packets' own length in seconds, `header_duration` what the header claims. All times count from
    `origin`, where the first of the streams begins on the file's own clock."""

    kind: Kind
    container: str
    filesize: int
    duration: float | None = None
    header_duration: float | None = None
    video: VideoStream | None = None
    audio: AudioStream | None = None
    image: Annotated[
        ImageFacts | None, Field(validation_alias=AliasChoices("image", "picture"), serialization_alias="picture")
    ] = None
    cover: CoverArt | None = None
    tags: dict[str, str] = field(default_factory=dict)
    origin: float = 0.0

    @property
    def shown(self) -> Size | None:
        """The size it is seen at; None for a sound."""
        if self.image:
            return self.image.size
        return self.video.shown if self.video else None
