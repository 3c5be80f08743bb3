"""The table of output formats."""

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["video", "audio", "image"]
VideoFormat = Literal["mp4", "webm", "mov", "avi"]
AudioFormat = Literal["mp3", "wav", "ogg", "flac"]
ImageFormat = Literal["jpeg", "png", "webp", "gif"]
# How an image fills the given width and height.
Fit = Literal["contain", "cover", "fill", "pad"]
Format = VideoFormat | AudioFormat | ImageFormat

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class FormatFacts:
    """`animates`: holds animations. `alpha`: keeps transparency. `even`: needs even width and height."""

    kind: Kind
    mime: str
    animates: bool = False
    alpha: bool = False
    even: bool = False


FORMATS: dict[Format, FormatFacts] = {
    "mp4": FormatFacts("video", "video/mp4", even=True),
    "webm": FormatFacts("video", "video/webm", alpha=True),
    "mov": FormatFacts("video", "video/quicktime", even=True),
    "avi": FormatFacts("video", "video/x-msvideo"),
    "mp3": FormatFacts("audio", "audio/mpeg"),
    "wav": FormatFacts("audio", "audio/wav"),
    "ogg": FormatFacts("audio", "audio/ogg"),
    "flac": FormatFacts("audio", "audio/flac"),
    "jpeg": FormatFacts("image", "image/jpeg"),
    "png": FormatFacts("image", "image/png", alpha=True),
    "webp": FormatFacts("image", "image/webp", animates=True, alpha=True),
    "gif": FormatFacts("image", "image/gif", animates=True, alpha=True),
}

# What a stored file may be, beside media.
FileKind = Kind | Literal["manifest"]

SYNONYMS: dict[str, Format] = {"jpg": "jpeg"}


def formats_of(kind: Kind) -> tuple[Format, ...]:
    """The output formats of one kind, in the order of the table."""
    return tuple(name for name, facts in FORMATS.items() if facts.kind == kind)


def kind_of(name: Format) -> Kind:
    return FORMATS[name].kind


def kind_named(name: str) -> Kind | None:
    """The kind that a format's name implies; None for an unknown one."""
    known = next((facts for known, facts in FORMATS.items() if known == SYNONYMS.get(name, name)), None)
    return known.kind if known else None
