"""What may become what: the kinds that reach each other, the containers we read, the pairs we refuse."""

from dataclasses import dataclass
from typing import Any

from penstock.domain import errors
from penstock.domain.formats import FORMATS, KINDS, Format, Kind, formats_of
from penstock.domain.media import Media
from penstock.domain.request import SourceRequest

Pair = tuple[str, str]

OUTPUT_KINDS: dict[Kind, tuple[Kind, ...]] = {
    "video": ("video", "audio", "image"),
    "audio": ("audio",),
    "image": ("image",),
}

REFUSED_PAIRS: dict[Pair, str] = {
    ("mov", "mp3"): "A .mov file cannot be converted to mp3; choose wav, ogg or flac.",
}


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file that we read, and what it can turn out to be once it is probed."""

    label: str
    kinds: tuple[Kind, ...]


CONTAINERS: dict[str, Container] = {
    "mp4": Container("MP4", ("video", "audio")),
    "mov": Container("QuickTime", ("video", "audio")),
    "m4a": Container("MPEG-4 audio", ("audio", "video")),
    "3gp": Container("3GPP", ("video", "audio")),
    "webm": Container("WebM", ("video", "audio")),
    "matroska": Container("Matroska", ("video", "audio")),
    "avi": Container("AVI", ("video", "audio")),
    "flv": Container("Flash video", ("video", "audio")),
    "mpeg": Container("MPEG program stream", ("video", "audio")),
    "mpegts": Container("MPEG transport stream", ("video", "audio")),
    "asf": Container("Windows Media", ("video", "audio")),
    "ogg": Container("Ogg", ("video", "audio")),
    "mp3": Container("MP3", ("audio",)),
    "wav": Container("WAV", ("audio",)),
    "flac": Container("FLAC", ("audio",)),
    "aiff": Container("AIFF", ("audio",)),
    "aac": Container("AAC (ADTS)", ("audio",)),
    "ac3": Container("AC-3", ("audio",)),
    "amr": Container("AMR", ("audio",)),
    "ape": Container("Monkey's Audio", ("audio",)),
    "wavpack": Container("WavPack", ("audio",)),
    "jpeg": Container("JPEG", ("image",)),
    "png": Container("PNG and APNG", ("image",)),
    "gif": Container("GIF", ("image",)),
    "webp": Container("WebP", ("image",)),
    "tiff": Container("TIFF", ("image",)),
    "bmp": Container("BMP", ("image",)),
    "ico": Container("Icon", ("image",)),
    "jpeg2000": Container("JPEG 2000", ("image",)),
    "avif": Container("AVIF", ("image",)),
    "heif": Container("HEIF", ("image",)),
}


# Those whose header names every stream and the length; of others a beginning is a guess.
INDEXED_CONTAINERS = frozenset(("mov", "mp4", "matroska", "avi", "wav", "flac", "asf"))
# Those whose index tells of each packet; the frames of others are estimated by the pace that the header claims.
COUNTED_CONTAINERS = frozenset(("mov", "mp4"))


def require_possible(request: SourceRequest, media: Media, allowed_pairs: frozenset[Pair] = frozenset()) -> None:
    """Raises `KindIncompatible`, `FormatIncompatible` or `NoAudioStream` where the input cannot become the output."""
    require_pair(request, media.kind, media.container, allowed_pairs)
    if request.kind == "audio" and media.audio is None:
        raise errors.NoAudioStream("The input has no audio stream, so it cannot become audio.")


def require_pair(
    request: SourceRequest, kind: Kind, container: str, allowed_pairs: frozenset[Pair] = frozenset()
) -> None:
    """The part of `require_possible` that needs only the input's kind and container."""
    if request.kind not in OUTPUT_KINDS[kind]:
        raise errors.KindIncompatible(_no_way(kind, request.kind), field="kind")
    if reason := _refusal((container, request.format), allowed_pairs):
        raise errors.FormatIncompatible(reason, field="format")


def is_final(refusal: errors.MediaError, container: str) -> bool:
    """Whether what was refused by a file's beginning stays refused, whatever its rest holds."""
    if isinstance(refusal, errors.KindIncompatible):
        return len(CONTAINERS[container].kinds) == 1
    return isinstance(refusal, errors.UpscaleNotAllowed | errors.FormatIncompatible)


def is_final_by_index(refusal: errors.MediaError, request: SourceRequest, container: str, media: Media | None) -> bool:
    """Whether what was refused by a file's header and index stays refused; `media` is what they say, None where they
    themselves were refused. Where no index tells of each frame nothing stays that depends on their number or pace."""
    match refusal:
        case errors.InputLimitsExceeded():
            return container in COUNTED_CONTAINERS and (media is None or _knows_its_end(media))
        case errors.FieldInvalid() if media is not None:
            return _knows_its_end(media) and (container in COUNTED_CONTAINERS or _begins_after(request, media.duration))
        case _:
            return True


def _begins_after(request: SourceRequest, seconds: float | None) -> bool:
    at = 0.0 if request.at == "auto" else request.at
    return seconds is not None and max(request.start or 0.0, at) > seconds


def _knows_its_end(media: Media) -> bool:
    """Whether the length is that of the whole file: its header tells it, and an index tells of most of its bytes (that
    of a film in fragments knows only those that were met)."""
    if media.header_duration is None:
        return False
    streams = (media.video, media.audio)
    told = sum((stream.bitrate or 0) * (stream.duration or 0) / 8 for stream in streams if stream)
    return media.container not in COUNTED_CONTAINERS or told > media.filesize / 2


def conversion_matrix(allowed_pairs: frozenset[Pair] = frozenset()) -> list[dict[str, Any]]:
    """A row for each container that we read: the kinds it can hold and the formats that each may become."""
    return [
        {
            "container": name,
            "label": container.label,
            "inputs": [
                {"kind": kind, "outputs": [_cell(kind, name, output, allowed_pairs) for output in FORMATS]}
                for kind in KINDS
                if kind in container.kinds
            ],
        }
        for name, container in CONTAINERS.items()
    ]


def outputs_of(kind: Kind, container: str, allowed_pairs: frozenset[Pair] = frozenset()) -> tuple[Format, ...]:
    """The formats that an input may become, in the order of the table of formats."""
    reached = [name for target in OUTPUT_KINDS[kind] for name in formats_of(target)]
    return tuple(name for name in reached if not _refusal((container, name), allowed_pairs))


def _cell(kind: Kind, container: str, output: Format, allowed_pairs: frozenset[Pair]) -> dict[str, Any]:
    target = FORMATS[output].kind
    unreachable = None if target in OUTPUT_KINDS[kind] else _no_way(kind, target)
    reason = unreachable or _refusal((container, output), allowed_pairs)
    return {"kind": target, "format": output, "allowed": reason is None, "reason": reason}


def _refusal(pair: Pair, allowed_pairs: frozenset[Pair]) -> str | None:
    return None if pair in allowed_pairs else REFUSED_PAIRS.get(pair)


def _no_way(kind: Kind, target: Kind) -> str:
    return f"{_SUBJECTS[kind]} cannot become {_OBJECTS[target]}."


_SUBJECTS: dict[Kind, str] = {"video": "A video", "audio": "Audio", "image": "An image"}
_OBJECTS: dict[Kind, str] = {"video": "a video", "audio": "audio", "image": "an image"}
